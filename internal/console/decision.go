package console

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"flyball/internal/report"
	"flyball/scaling"
)

// A decision is a scaling activity with all that is known of why.
type decision struct {
	ID       string
	At, End  time.Time
	Kind     string // out, in, held or failed
	Headline string
	Status   string
	Cause    string
	Details  string             // the arithmetic, or the error
	Why      []string           // codes of why nothing was done
	Seen     []string           // what alarms that were in ALARM saw
	Held     []string           // cooldowns at the time
	Times    int                // how often in a row it was the same
	Said     []scaling.Proposal // by the other policies then
	Untold   int                // other policies that said something, too
}

// decisionsOf are the activities of a run, newest first. The same refusal again and again, as
// alarms call each minute, is one. Kept are the activities with what other policies said, by their
// identifiers; those that are not there are told without.
func decisionsOf(run report.Run, kept map[string]scaling.Activity) []decision {
	var all []decision
	for _, a := range run.Activities {
		d := decisionOf(run, a)
		d.Said, d.Untold = kept[a.ID].Others, kept[a.ID].Untold
		if n := len(all) - 1; n >= 0 && d.Kind == "held" && all[n].Kind == "held" && all[n].Headline == d.Headline && all[n].Cause == d.Cause {
			all[n].Times++
			all[n].End = a.At
			continue
		}
		all = append(all, d)
	}
	slices.Reverse(all)
	return all
}

func decisionOf(run report.Run, a report.Activity) decision {
	d := decision{
		ID: fmt.Sprintf("d%d", a.At.UnixMilli()), At: a.At.UTC(), End: a.End.UTC(), Kind: kindOf(a), Headline: headline(a), Status: a.Status,
		Cause: a.Cause, Details: a.Details, Why: a.Why, Times: 1,
	}
	for _, s := range run.Alarms {
		name, reason, _ := strings.Cut(s.Title, " in ALARM\n")
		if covers(s, a.At) && strings.Contains(a.Cause, name) {
			d.Seen = append(d.Seen, reason)
		}
	}
	for _, s := range run.Cooldowns {
		if covers(s, a.At) && a.At.After(s.From) {
			d.Held = append(d.Held, fmt.Sprintf("%s, until %s", s.Title, s.To.UTC().Format(time.TimeOnly)))
		}
	}
	return d
}

// held are the reasons of not scaling in words, by their codes (NotScaledReason of the API).
var held = map[string]string{
	"AlreadyAtMaxCapacity":                 "already at its maximum",
	"AlreadyAtMinCapacity":                 "already at its minimum",
	"AlreadyAtDesiredCapacity":             "the capacity is what is needed",
	"AutoScalingAnticipatedFlapping":       "to scale in would make it scale out again",
	"TargetServicePutResourceAsUnscalable": "the service is being deployed",
}

// inWords is a reason of not scaling in words.
func inWords(code string) string { return cmp.Or(held[code], code) }

// headline says what was done. Of what was not, it gives the reasons, each once: several policies
// can have the same.
func headline(a report.Activity) string {
	if len(a.Why) == 0 {
		return a.Headline()
	}
	var why []string
	for _, code := range a.Why {
		if word := inWords(code); !slices.Contains(why, word) {
			why = append(why, word)
		}
	}
	return "Not scaled: " + strings.Join(why, "; ")
}

func covers(s report.Span, at time.Time) bool { return !at.Before(s.From) && !at.After(s.To) }

func kindOf(a report.Activity) string {
	switch {
	case a.Out():
		return "out"
	case a.In():
		return "in"
	case a.Failed:
		return "failed"
	case a.Scaled:
		return "set"
	}
	return "held"
}

// nearest is the decision to show for a moment: the one that set a capacity within some minutes,
// or else the one that is nearest; nil if there is none.
func nearest(all []decision, at time.Time) *decision {
	const near = 5 * time.Minute
	apart := func(d decision) time.Duration { return d.At.Sub(at).Abs() }
	var found []*decision
	for i := range all {
		found = append(found, &all[i])
	}
	if len(found) == 0 {
		return nil
	}
	rank := func(d *decision) int {
		if d.Kind != "held" && apart(*d) <= near {
			return 0
		}
		return 1
	}
	return slices.MinFunc(found, func(a, b *decision) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(apart(*a), apart(*b)))
	})
}
