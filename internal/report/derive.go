package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"flyball/internal/duration"
)

// desired follows the desired count from activity to activity, fills in from where
// each came, and leaves out those that were before the run.
func (r *reader) desired() []Datapoint {
	count := r.initial()
	datapoints := []Datapoint{{r.From, float64(count)}}
	kept := r.Activities[:0]
	for _, a := range r.Activities {
		a.From = count
		if a.Scaled {
			count = a.To
		}
		if a.At.Before(r.From) {
			datapoints[0].Value = float64(count)
			continue
		}
		if a.Scaled {
			datapoints = append(datapoints, Datapoint{a.At, float64(count)})
		}
		kept = append(kept, a)
	}
	r.Activities = kept
	return datapoints
}

// initial is the desired count before the first activity. No operation tells it: it
// is how many tasks ran in the last minute before, when a deployment is least likely
// to have had its own beside them, or without any activity as many as are desired now.
func (r *reader) initial() int {
	first := slices.IndexFunc(r.Activities, func(a Activity) bool { return a.Scaled })
	if first < 0 {
		return r.now
	}
	for _, d := range slices.Backward(r.Running) {
		if !d.At.Add(minute).After(r.Activities[first].At) {
			return int(d.Value + 0.5)
		}
	}
	return r.now
}

// cooldowns begin when an activity ends. A scale-out ends a cooldown of a scale-in, and
// a later activity in the same direction begins a new one.
func (r *reader) cooldowns() []Span {
	var spans []Span
	count := r.initial()
	for _, a := range r.Activities {
		if !a.Scaled {
			continue
		}
		a.From, count = count, a.To
		span, ok := r.cooldown(a)
		if !ok {
			continue
		}
		if n := len(spans) - 1; n >= 0 && a.At.Before(spans[n].To) && (a.Out() || spans[n].Kind == span.Kind) {
			spans[n].To = a.At
		}
		if span.To.After(r.From) && span.From.Before(r.To) {
			spans = append(spans, span)
		}
	}
	return spans
}

func (r *reader) cooldown(a Activity) (Span, bool) {
	if a.End.IsZero() {
		return Span{}, false
	}
	for _, p := range r.Policies {
		if !strings.HasSuffix(a.Cause, " triggered policy "+p.Name) {
			continue
		}
		span := Span{Kind: Outward, Label: "out", Title: "Scale-out cooldown"}
		length := p.ScaleOut
		if a.In() {
			span = Span{Kind: Inward, Label: "in", Title: "Scale-in cooldown"}
			length = p.ScaleIn
		}
		span.From, span.To = a.End, a.End.Add(length)
		span.Title += fmt.Sprintf(" of %s after setting the desired count to %d", duration.String(length.Round(time.Second)), a.To)
		return span, length > 0
	}
	return Span{}, false
}
