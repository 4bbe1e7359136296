package scaling_test

import (
	"strings"
	"testing"
	"time"

	"flyball/scaling"
)

const cooldown = 5 * time.Minute

// A service runs decisions the way a server does: capacity is reached at once,
// and cooldowns are counted from then on.
type service struct {
	t        *testing.T
	now      time.Time
	capacity scaling.Capacity
	kept     map[string]scaling.Cooldown
}

func (s *service) decide(readings ...scaling.Reading) scaling.Decision {
	s.t.Helper()
	for i, r := range readings {
		readings[i].Cooldown = s.kept[r.Name]
	}
	d := scaling.Decide(s.now, bounds(s.t, 0, 100), scaling.Seen{Desired: s.capacity, Running: s.capacity, Policies: readings})
	if d.Direction != scaling.Hold {
		for _, r := range readings {
			s.kept[r.Name] = d.Begin(r).End(r.Policy, s.now)
		}
		s.capacity = d.To
	}
	return d
}

func (s *service) want(c scaling.Capacity, d scaling.Decision) {
	s.t.Helper()
	if s.capacity != c {
		s.t.Fatalf("capacity is %d, want %d: %v", s.capacity, c, d)
	}
}

func newService(t *testing.T, capacity scaling.Capacity) *service {
	return &service{t: t, now: now, capacity: capacity, kept: map[string]scaling.Cooldown{}}
}

func TestScaleOutCooldownCountsWhatWasJustAdded(t *testing.T) {
	p := step(t, scaling.StepConfig{Cooldown: cooldown, Steps: []scaling.StepAdjustment{
		{Lower: 0, Upper: 10, Amount: 2}, {Lower: 10, Upper: inf, Amount: 3},
	}})
	by2, by3 := stepped("p", p, false, 50, 55), stepped("p", p, false, 50, 65)

	s := newService(t, 10)
	s.want(12, s.decide(by2))
	s.now = s.now.Add(time.Minute)
	d := s.decide(by2)
	s.want(12, d)
	check(t, d, 0, []scaling.Code{scaling.InCooldown})
	s.want(13, s.decide(by3)) // 3 more than 10, of which 2 are there
	s.now = s.now.Add(time.Minute)
	s.want(13, s.decide(by3)) // still counted from 10
	s.now = s.now.Add(cooldown)
	s.want(16, s.decide(by3))
}

func TestScaleOutCooldownOfTargetTrackingStartsFromWhatWasThere(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 100, ScaleOutCooldown: cooldown, ScaleInCooldown: cooldown})
	s := newService(t, 10)
	s.want(15, s.decide(tracked("p", p, repeat(150, 3)...)))
	s.now = s.now.Add(time.Minute)
	d := s.decide(tracked("p", p, repeat(140, 3)...)) // measured while 10 were running
	s.want(15, d)
	check(t, d, 0, []scaling.Code{scaling.InCooldown})
	if rule, want := d.Proposals[0].Rule, "in the cooldown of the last scale-out, counted from before it: 10 running at 140 "; !strings.HasPrefix(rule, want) {
		t.Errorf("told as %q, want %q", rule, want)
	}
	s.want(18, s.decide(tracked("p", p, repeat(180, 3)...)))
	s.now = s.now.Add(cooldown)
	s.want(20, s.decide(tracked("p", p, repeat(110, 3)...)))
}

func TestScaleInCooldownBlocksScaleIn(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, ScaleInCooldown: cooldown})
	s := newService(t, 20)
	s.want(12, s.decide(tracked("p", p, repeat(10, 15)...)))
	s.now = s.now.Add(cooldown - time.Second)
	d := s.decide(tracked("p", p, repeat(10, 15)...))
	s.want(12, d)
	check(t, d, 0, []scaling.Code{scaling.InCooldown})
	s.now = s.now.Add(time.Second)
	s.want(7, s.decide(tracked("p", p, repeat(10, 15)...)))
}

func TestScaleOutDuringScaleInCooldownGoesAheadAndEndsIt(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, ScaleInCooldown: cooldown})
	s := newService(t, 20)
	s.want(12, s.decide(tracked("p", p, repeat(10, 15)...)))
	s.want(15, s.decide(tracked("p", p, repeat(60, 3)...)))
	s.want(9, s.decide(tracked("p", p, repeat(10, 15)...)))
}

func TestAScaleOutOfOnePolicyEndsTheScaleInCooldownOfAnother(t *testing.T) {
	cpu := tracking(t, scaling.TrackingConfig{Target: 50, ScaleInCooldown: cooldown})
	memory := tracking(t, scaling.TrackingConfig{Target: 50, ScaleInCooldown: cooldown})
	s := newService(t, 20)
	s.want(12, s.decide(tracked("cpu", cpu, repeat(10, 15)...), tracked("memory", memory, repeat(10, 15)...)))
	s.want(15, s.decide(tracked("cpu", cpu, repeat(10, 15)...), tracked("memory", memory, repeat(60, 3)...)))
	s.want(9, s.decide(tracked("cpu", cpu, repeat(10, 15)...), tracked("memory", memory, repeat(10, 15)...)))
}

func TestCooldownsAreHeldFromTheStartOfAnActivityAndCountedFromItsEnd(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50, ScaleInCooldown: cooldown})
	r := tracked("p", p, repeat(10, 15)...)
	d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: 20, Running: 20, Policies: []scaling.Reading{r}})
	c := d.Begin(r)
	if !c.Holds(now.Add(24 * time.Hour)) {
		t.Error("not held while the activity runs")
	}
	end := now.Add(time.Hour)
	c = c.End(p, end)
	if !c.Holds(end.Add(cooldown-1)) || c.Holds(end.Add(cooldown)) {
		t.Errorf("counted to %v, want %v after the end", c.Until, cooldown)
	}
	if again := c.End(p, end.Add(time.Hour)); again != c {
		t.Error("a cooldown that is being counted starts again")
	}
}

func TestCooldownsOfPoliciesThatDidNotAskStayAsTheyAre(t *testing.T) {
	cpu := tracking(t, scaling.TrackingConfig{Target: 50, ScaleOutCooldown: cooldown})
	out, calm := tracked("cpu", cpu, repeat(60, 3)...), tracked("memory", cpu, repeat(48, 3)...)
	d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: 10, Running: 10, Policies: []scaling.Reading{out, calm}})
	if c := d.Begin(calm); c != (scaling.Cooldown{}) {
		t.Errorf("got %+v", c)
	}
	if c := d.Begin(out); c.Direction != scaling.Out || c.Base != 10 {
		t.Errorf("got %+v", c)
	}
}

func TestFromZeroTheNextScaleOutIsMeasuredFromTheFirstTask(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 100, ScaleOutCooldown: cooldown})
	s := newService(t, 0)
	s.want(1, s.decide(tracked("p", p, 1500)))
	s.want(15, s.decide(tracked("p", p, repeat(1500, 3)...)))
}
