package outcome

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Difference is a time in which two runs asked for different numbers of tasks.
type Difference struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Tasks   int       `json:"tasks"`   // of the run
	Against int       `json:"against"` // of the other
	Because string    `json:"because"`
}

const (
	mostDifferences = 5
	apart           = 20 // differences are told that are a part of the whole time apart
)

// Differences are the largest ones of a run from another, in the order of their times.
func Differences(run, other Run) []Difference {
	all := between(run, other)
	slices.SortStableFunc(all, func(a, b span) int {
		return cmp.Or(-cmp.Compare(abs(a.by()), abs(b.by())), -cmp.Compare(a.to.Sub(a.from), b.to.Sub(b.from)))
	})
	far := max(time.Hour, run.End.Sub(run.Start)/apart)
	var told []span
	for _, s := range all {
		near := func(t span) bool { // or the same again, such as on each day
			return s.from.Sub(t.from).Abs() < far || s.a == t.a && s.b == t.b
		}
		if s.by() != 0 && !slices.ContainsFunc(told, near) {
			if told = append(told, s); len(told) == mostDifferences {
				break
			}
		}
	}
	slices.SortFunc(told, func(a, b span) int { return a.from.Compare(b.from) })
	differences := []Difference{}
	for _, s := range told {
		differences = append(differences, s.explain(run.Name, other.Name))
	}
	return differences
}

// A span is a time in which two runs did not change what they had asked for.
type span struct {
	from, to   time.Time
	run, other *Decision // the last of each; nil: none yet
	a, b       int       // tasks
}

func (s span) by() int { return s.a - s.b }

// between are the spans of two runs, in order.
func between(run, other Run) []span {
	a, b := run.Recording.scalings(), other.Recording.scalings()
	s := span{from: run.Start, a: run.Recording.initial(), b: other.Recording.initial()}
	var all []span
	for len(a)+len(b) > 0 {
		var at time.Time
		mine := len(b) == 0 || len(a) > 0 && !a[0].At.After(b[0].At)
		if mine {
			at = a[0].At
		} else {
			at = b[0].At
		}
		if at.After(s.from) {
			s.to = at
			all = append(all, s)
			s.from = at
		}
		if mine {
			s.run, s.a, a = &a[0], a[0].To, a[1:]
		} else {
			s.other, s.b, b = &b[0], b[0].To, b[1:]
		}
	}
	s.to = run.End
	if s.to.After(s.from) {
		all = append(all, s)
	}
	return all
}

// scalings are the decisions that set a number of tasks.
func (r *Recording) scalings() []Decision {
	var all []Decision
	for _, d := range r.decisions {
		if d.From != d.To {
			all = append(all, d)
		}
	}
	return all
}

// initial is the number of tasks before the first decision.
func (r *Recording) initial() int {
	if len(r.decisions) > 0 {
		return r.decisions[0].From
	}
	if len(r.steps) > 0 {
		return int(r.steps[0].low[desired].value)
	}
	return 0
}

// explain tells a difference by the last decisions of both.
func (s span) explain(run, other string) Difference {
	said := func(name string, d *Decision, tasks int) string {
		if d == nil {
			return fmt.Sprintf("%s had not scaled from %d", name, tasks)
		}
		layout := "15:04"
		if s.from.Sub(d.At) > 12*time.Hour {
			layout = stamp
		}
		return fmt.Sprintf("%s had gone from %d to %d at %s: %s", name, d.From, d.To, d.At.Format(layout), d.because())
	}
	return Difference{
		From: s.from, To: s.to, Tasks: s.a, Against: s.b,
		Because: said(run, s.run, s.a) + "; " + said(other, s.other, s.b),
	}
}

// sentence tells a difference in the runs' names.
func (d Difference) sentence(run, other string) string {
	by, word := d.Tasks-d.Against, "more"
	if by < 0 {
		by, word = -by, "fewer"
	}
	return fmt.Sprintf("%s asked for %d %s than %s at %s (%d and %d, for %.0f min), because %s",
		run, by, word, other, d.From.Format(stamp), d.Tasks, d.Against, d.To.Sub(d.From).Minutes(), d.Because)
}

func abs(n int) int { return max(n, -n) }
