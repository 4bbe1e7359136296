package fidelity

import (
	"time"

	"flyball/scaling"
)

// An Agreement is how far a rerun does as the record did.
type Agreement struct {
	Activities, Found int // of the record; of them, that the rerun has in the same minute and to the same count
	Others            int // that only the rerun has
	Alarms, States    int // transitions of the record; of them, that the rerun has in the same minute
	Minutes           int
	Same, Within      int // minutes with the same desired count, and within a task of it
}

// Compare holds a rerun against the record. What is done in the minute before the first alarm
// could call, or after the last, is not the record's.
func (r Record) Compare(o Rerun) Agreement {
	a := Agreement{Activities: len(r.Activities), Alarms: len(r.Alarms), Minutes: len(r.Minutes)}
	type act struct {
		minute time.Time
		to     scaling.Capacity
	}
	done := map[act]int{}
	for _, one := range o.Activities {
		done[act{one.Start.Truncate(time.Minute), one.To}]++
	}
	for _, one := range r.Activities {
		if key := (act{one.Start.Truncate(time.Minute), one.To}); done[key] > 0 {
			done[key]--
			a.Found++
		}
	}
	a.Others = len(o.Activities) - a.Found
	type way struct {
		minute time.Time
		high   bool
		state  string
	}
	gone := map[way]int{}
	for _, t := range o.Alarms {
		gone[way{t.At.Truncate(time.Minute), t.High, t.State}]++
	}
	for _, t := range r.Alarms {
		if key := (way{t.At.Truncate(time.Minute), t.High, t.State}); gone[key] > 0 {
			gone[key]--
			a.States++
		}
	}
	live := r.Desired()
	for i, n := range o.Desired {
		switch apart := int(live[i]) - int(n); {
		case apart == 0:
			a.Same, a.Within = a.Same+1, a.Within+1
		case apart == 1 || apart == -1:
			a.Within++
		}
	}
	return a
}
