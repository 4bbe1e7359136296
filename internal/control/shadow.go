package control

import (
	"math"
	"time"

	"flyball/internal/source"
	"flyball/scaling"
)

// A shadow is the capacity that a dry run would have set.
type shadow struct {
	capacity scaling.Capacity
	cast     bool // there is one
}

// A course is how many tasks ran over time, and how many would have: the newest last.
type course []moment

// A moment is from when on these ran, and would have run.
type moment struct {
	at           time.Time
	real, shadow scaling.Capacity
	desired      scaling.Capacity // of the real ones
}

// kept is how much of a course is kept: as much as the longest alarms look at.
const kept = 3 * time.Hour

// notes adds a moment, if it is another than the one before.
func (c *course) notes(m moment) (changed bool) {
	all := *c
	if n := len(all); n > 0 && all[n-1].real == m.real && all[n-1].shadow == m.shadow && all[n-1].desired == m.desired {
		return false
	}
	all = append(all, m)
	for len(all) > 1 && all[1].at.Before(m.at.Add(-kept)) {
		all = all[1:]
	}
	*c = all
	return true
}

// at is the moment that a time is in; false: it is before the first.
func (c course) at(t time.Time) (moment, bool) {
	for i := len(c) - 1; i >= 0; i-- {
		if !c[i].at.After(t) {
			return c[i], true
		}
	}
	return moment{}, false
}

// share is by what the metric of a task is to be multiplied for a time: the load that was shared by
// the tasks that ran would have been shared by those that would have run.
func (c course) share(t time.Time) float64 {
	if m, ok := c.at(t); ok && m.real > 0 && m.shadow > 0 {
		return float64(m.real) / float64(m.shadow)
	}
	return 1
}

// running are how many tasks ran at the end of each period.
func (c course) running(q source.Query) []float64 {
	values := make([]float64, q.Periods)
	for i := range values {
		values[i] = math.NaN()
		if m, ok := c.at(q.Start().Add(time.Duration(i+1) * q.Period)); ok {
			values[i] = float64(m.real)
		}
	}
	return values
}

// compare notes what there is beside what would be, if that has changed.
func (g *governed) compare(now time.Time) []Record {
	if !g.course.notes(moment{now, g.real.Running, g.shadow.capacity, g.real.Desired}) {
		return nil
	}
	capacity, real := g.shadow.capacity, g.real
	r := g.record(now, Compared, "")
	r.Seen, r.Shadow = &real, &capacity
	return []Record{r}
}

// cast has the shadow seen in the place of what there is: what was asked for, and has come.
func (g *governed) cast(now time.Time) (records []Record) {
	s := &g.shadow
	if !s.cast {
		s.cast, s.capacity = true, g.real.Desired
	}
	records = g.compare(now)
	g.seen = g.real
	g.seen.Desired, g.seen.Running = s.capacity, s.capacity
	return records
}
