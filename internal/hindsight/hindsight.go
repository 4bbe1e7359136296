// Package hindsight tells how a scalable target stood at a time of the past: what its alarms
// saw, what was decided and what was done, and what would have been decided with other values.
// What is not recorded is rebuilt from the stored datapoints by the code that decides, and an
// explanation says which part is which.
package hindsight

import (
	"fmt"
	"strings"
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// An Explanation is how a target stood at a time.
type Explanation struct {
	governor.Explanation
	// Done are the activities that began in the minute from that time on.
	Done []scaling.Activity `json:"done"`
	// With is the same with other values; nil: none are asked about.
	With *With `json:"with,omitempty"`
	// Sources say where each part is from; a simulation has none.
	Sources []Source `json:"sources,omitempty"`
}

// With is what would have been seen and decided with other values.
type With struct {
	Settings []string `json:"settings"`
	scaling.Explanation
}

// A Source says where a part of an explanation is from.
type Source struct {
	What string `json:"what"`
	From Origin `json:"from"`
	Note string `json:"note,omitempty"`
}

// An Origin is how a part of the past is known.
type Origin string

// The origins.
const (
	Recorded Origin = "recorded" // then, and kept
	Rebuilt  Origin = "rebuilt"  // from what was recorded
	Today    Origin = "today"    // as it is now: what it was then is not kept
)

// String tells the explanation as lines of text.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s\n\n", e.Resource, e.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	fmt.Fprintf(&b, "capacity   %d desired, %d running, %d to %d allowed\n", e.Desired, e.Running, e.Min, e.Max)
	write(&b, e.Explanation.Explanation)
	if e.Floor.Capacity > 0 {
		fmt.Fprintf(&b, "floor      %s\n", e.Floor)
	}
	for _, a := range e.Done {
		fmt.Fprintf(&b, "done       %s\n", told(a))
	}
	if len(e.Done) == 0 {
		b.WriteString("done       nothing in the minute from then on\n")
	}
	if e.Last != nil {
		fmt.Fprintf(&b, "before     %s\n", told(*e.Last))
	}
	if w := e.With; w != nil {
		fmt.Fprintf(&b, "\nwith %s\n", strings.Join(w.Settings, ", "))
		if w.Min != e.Min || w.Max != e.Max {
			fmt.Fprintf(&b, "capacity   %d desired, %d running, %d to %d allowed\n", w.Desired, w.Running, w.Min, w.Max)
		}
		write(&b, w.Explanation)
	}
	e.writeSources(&b)
	return b.String()
}

// write writes what was seen and decided.
func write(b *strings.Builder, e scaling.Explanation) {
	for _, p := range e.Policies {
		for _, a := range p.Alarms {
			text := a.Text
			if a.Latest != nil {
				text += fmt.Sprintf("; the newest is %.6g", *a.Latest)
			}
			fmt.Fprintf(b, "saw        %s\n", text)
		}
	}
	fmt.Fprintf(b, "decided    %s\n", e.Decision)
	b.WriteString(e.Decision.Said())
	fmt.Fprintf(b, "scale-out  %s\n", e.ScaleOut)
	fmt.Fprintf(b, "scale-in   %s\n", e.ScaleIn)
}

// told is an activity in a line.
func told(a scaling.Activity) string {
	why := a.Cause
	if a.Details != "" {
		why += ": " + a.Details
	}
	if len(a.NotScaled) > 0 {
		var reasons []string
		for _, r := range a.NotScaled {
			reasons = append(reasons, reasonOf(r))
		}
		return fmt.Sprintf("%s not scaled: %s; %s", a.Start.UTC().Format(time.DateTime), strings.Join(reasons, "; "), why)
	}
	return fmt.Sprintf("%s %s (%s): %s", a.Start.UTC().Format(time.DateTime), strings.TrimSuffix(a.Description, "."), a.Status, why)
}

// reasonOf is a reason in words, as far as an activity tells it.
func reasonOf(r scaling.Reason) string {
	if (r.Code == scaling.HeldByScaleOut || r.Code == scaling.AutoScalingAnticipatedFlapping) && r.Other == "" {
		return string(r.Code)
	}
	return r.String()
}

// writeSources says which part is from where.
func (e Explanation) writeSources(b *strings.Builder) {
	if len(e.Sources) == 0 {
		return
	}
	b.WriteString("\n")
	for _, from := range []struct {
		origin Origin
		name   string
	}{{Recorded, "recorded"}, {Rebuilt, "rebuilt"}, {Today, "as today"}} {
		var parts []string
		for _, s := range e.Sources {
			switch {
			case s.From == from.origin && s.Note != "":
				parts = append(parts, s.What+" ("+s.Note+")")
			case s.From == from.origin:
				parts = append(parts, s.What)
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(b, "%-10s %s\n", from.name, strings.Join(parts, ", "))
		}
	}
}
