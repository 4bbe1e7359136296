package replay

import (
	"math"
	"time"

	"flyball/alarm"
	"flyball/metric"
	"flyball/scaling"
)

// cooldown is what ECS services wait where a policy says nothing.
const cooldown = 300 * time.Second

// A tracker is a target tracking policy on requests per task, with its two
// alarms on minutes.
type tracker struct {
	policy    scaling.TargetTracking
	rules     [2]alarm.Rule
	states    [2]alarm.State
	points    []metric.Datapoint // of the newest minutes with data
	values    []float64          // of the newest minutes, NaN without data
	remembers scaling.Cooldown
}

func newTracker(target float64) (*tracker, error) {
	p, err := scaling.NewTargetTracking(scaling.TrackingConfig{
		Target: target, ScaleOutCooldown: cooldown, ScaleInCooldown: cooldown,
	})
	if err != nil {
		return nil, err
	}
	return &tracker{policy: p, rules: [2]alarm.Rule{
		{Comparison: alarm.Greater, Threshold: p.Target(), Periods: 3},
		{Comparison: alarm.Less, Threshold: p.LowThreshold(), Periods: 15},
	}}, nil
}

// see adds what was measured in a minute.
func (k *tracker) see(now time.Time, load float64, desired, running scaling.Capacity) {
	value := math.NaN()
	if running > 0 {
		value = load / float64(running)
		k.points = newest(append(k.points, metric.Datapoint{Time: now, Value: value}), int(k.rules[1].Periods))
	}
	most := max(k.rules[0].Range(), k.rules[1].Range())
	k.values = newest(append(k.values, value), most)
	for i, rule := range k.rules {
		if n := rule.Range(); len(k.values) >= n {
			k.states[i] = rule.Evaluate(k.states[i], k.values[len(k.values)-n:], float64(n)).State
		}
	}
	if running == desired {
		k.remembers = k.remembers.End(k.policy, now)
	}
}

func newest[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

// decide returns the capacity to ask for.
func (k *tracker) decide(now time.Time, t scaling.Target, desired, running scaling.Capacity) scaling.Capacity {
	r := scaling.Reading{Name: "tracking", Policy: k.policy, Cooldown: k.remembers}
	for i, rule := range k.rules {
		r.Alarms = append(r.Alarms, scaling.Alarm{
			State: k.states[i], Comparison: rule.Comparison, Threshold: rule.Threshold, Period: time.Minute,
			Needed: int(rule.Periods), Of: int(rule.Periods), Datapoints: newest(k.points, int(rule.Periods)),
		})
	}
	d := scaling.Decide(now, t, scaling.Seen{Desired: desired, Running: running, Policies: []scaling.Reading{r}})
	if d.Direction != scaling.Hold {
		k.remembers = d.Begin(r)
	}
	return d.To
}
