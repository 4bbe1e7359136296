package autoscaling

import (
	"sync"
	"time"

	"flyball/governor"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
	"flyball/schedule"
)

// An action is a scheduled action. It is a value: a change is another action in
// its place. What is encoded is what the store keeps.
type action struct {
	ResourceID scaling.ResourceID
	Name       string
	rules.Action
	Created time.Time
	Done    time.Time // runs up to here have been, or were skipped

	schedule schedule.Schedule // made from the configuration
	next     time.Time         // the first run after Done; zero: none
}

func (c *action) named() string { return c.Name }
func (c *action) key() string   { return keyOf(c.ResourceID, c.Name) }

// compile makes the schedule of the action's configuration, or says what is wrong
// with it.
func (c *action) compile(known *zones) (err error) {
	if c.schedule, err = c.Compile(c.Created, known.of); err == nil {
		c.next, _ = c.schedule.Next(c.Done) // zero where there is none
	}
	return err
}

// governed is the action as package governor sees it.
func (c *action) governed() governor.Schedule {
	return governor.Schedule{Name: c.Name, Times: c.schedule, Change: c.Change(), Created: c.Created, Done: c.Done, Next: c.next}
}

// become is the action after a step: itself where nothing has changed.
func (c *action) become(s governor.Schedule) *action {
	if s.Done.Equal(c.Done) {
		return c
	}
	changed := *c
	changed.Done, changed.next = s.Done, s.Next
	return &changed
}

// zones are time zones by name. Scheduled actions share them: there are a few
// hundred at most.
type zones struct{ byName sync.Map }

func (z *zones) of(name string) (*time.Location, error) {
	if zone, ok := z.byName.Load(name); ok {
		return zone.(*time.Location), nil
	}
	zone, err := schedule.Zone(name)
	if err == nil {
		z.byName.Store(name, zone)
	}
	return zone, err
}
