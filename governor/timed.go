package governor

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"flyball/scaling"
)

// A run is a schedule with the time that it runs for.
type run struct {
	Schedule
	at time.Time
}

// due are the runs that have come, in order. Of the runs that a schedule has
// missed, while the host was down or because a fast clock has passed several,
// only the last counts: in the order of these last runs the bounds become what
// they would be if none had been missed.
func (g Governor) due(now time.Time) []run {
	var runs []run
	for _, s := range g.Schedules {
		if s.Next.IsZero() || s.Next.After(now) {
			continue
		}
		if at, ok := s.Times.Last(s.Done, now); ok {
			runs = append(runs, run{s, at})
		}
	}
	slices.SortFunc(runs, func(x, y run) int {
		return cmp.Or(x.at.Compare(y.at), x.Created.Compare(y.Created), strings.Compare(x.Name, y.Name))
	})
	return runs
}

// runSchedules changes the bounds as the schedules that are due say, up to the
// first that leaves the capacity outside: that is to be set before the next one
// runs. It reports whether there is one. Those of a suspended target are skipped:
// "When you resume scheduled scaling, only actions whose execution time has not yet
// passed are evaluated."
func (s *step) runSchedules() bool {
	if s.bringInside() {
		return true
	}
	for _, r := range s.g.due(s.now) {
		i := slices.IndexFunc(s.g.Schedules, func(other Schedule) bool { return other.Name == r.Name })
		s.own()
		s.g.Schedules[i] = r.ran(r.at)
		if s.g.Suspended.Scheduled {
			continue
		}
		changed, err := r.Change.Apply(s.g.Bounds)
		if err == nil {
			s.g.Bounds = changed
		}
		s.g.Outside = true
		s.record(scaling.ScheduledActivity(s.seen.NewID(), s.now, s.g.target(s.now, s.seen.Capacity), r.Name, r.Change, err))
		if s.bringInside() {
			return true
		}
	}
	return false
}

// bringInside sets a capacity that is outside the bounds, where that has to be
// seen to, and reports whether there was one.
func (s *step) bringInside() bool {
	desired := s.seen.Capacity.Desired
	if !s.g.Outside || s.g.Bounds.Clamp(desired) == desired {
		s.g.Outside = false
		return false
	}
	t := s.g.target(s.now, s.seen.Capacity)
	s.g.Limited = time.Time{}
	if bound := s.g.Bounds.Clamp(desired); t.Reach.Bars(bound) {
		s.g.Limited = t.Reach.Until
	}
	a, moves := scaling.BoundsActivity(s.seen.NewID(), s.now, t, desired)
	if !moves {
		return false
	}
	s.set(a, nil)
	s.g.Before.Outside = s.g.Limited.IsZero()
	return true
}

// reachHour begins the floors of the hours that policies act for, and lets the
// maximum capacity give way. It stays there: "The maximum capacity does not
// automatically decrease back to the original maximum."
func (s *step) reachHour() {
	for i, p := range s.g.Policies {
		if !p.Predictive.acts() || p.Predictive.next(s.now).After(s.now) {
			continue
		}
		reached := *p.Predictive
		reached.Acted = s.now.Add(reached.Buffer).Truncate(reached.Plan.Every())
		s.own()
		s.g.Policies[i].Predictive = &reached
		if s.g.Suspended.Out {
			continue
		}
		s.admit(s.g.Policies[i])
		s.g.Below = true
	}
}

// admit lets the maximum capacity give way to a policy's forecast, if the policy
// may do that.
func (s *step) admit(p Policy) {
	f := p.floor(s.now)
	admitted := p.Predictive.Breach.Admit(s.g.Bounds, f.Capacity)
	if admitted == s.g.Bounds {
		return
	}
	s.g.Bounds = admitted
	s.record(scaling.MaxActivity(s.seen.NewID(), s.now, admitted.Max(), f))
}

// raise sets a capacity that is below the floor, where that has to be seen to,
// and reports whether there was one.
func (s *step) raise() bool {
	t, desired := s.g.target(s.now, s.seen.Capacity), s.seen.Capacity.Desired
	floor := t.Bounds.Clamp(t.Floor.Capacity)
	if !s.g.Below || floor <= desired {
		s.g.Below = false
		return false
	}
	s.g.Limited = time.Time{}
	if t.Reach.Bars(floor) {
		s.g.Limited = t.Reach.Until
	}
	a, moves := scaling.ForecastActivity(s.seen.NewID(), s.now, t, desired)
	if !moves {
		return false
	}
	s.set(a, nil)
	s.g.Before.Below = s.g.Limited.IsZero()
	return true
}
