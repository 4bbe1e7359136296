package governor_test

import (
	"fmt"
	"time"

	"flyball/alarm"
	"flyball/governor"
	"flyball/metric"
	"flyball/scaling"
)

// A service of 10 tasks is at 70 % of CPU, and its policy wants 50.
func Example() {
	rule, _ := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50, ScaleOutCooldown: 5 * time.Minute})
	bounds, _ := scaling.NewBounds(1, 20)
	g := governor.Governor{Bounds: bounds, Policies: []governor.Policy{{Name: "cpu", Rule: rule, Alarms: []string{"high", "low"}}}}

	now := time.Date(2026, 3, 2, 17, 3, 0, 0, time.UTC)
	high := scaling.Alarm{Name: "high", State: alarm.Alarm, Comparison: alarm.Greater, Threshold: 50, Period: time.Minute, Needed: 3, Of: 3}
	for i := range 3 {
		high.Datapoints = append(high.Datapoints, metric.Datapoint{Time: now.Add(time.Duration(i-3) * time.Minute), Value: 70})
	}
	seen := governor.Seen{
		Capacity: governor.Capacity{Desired: 10, Running: 10},
		Alarms:   map[string][]scaling.Alarm{"cpu": {high}},
		Call:     &governor.Call{Policy: "cpu", Alarm: "high"},
		NewID:    func() string { return "an-id" },
	}
	g, out := g.Step(now, seen)
	fmt.Println(out.Decision)
	// Here the host stores g and out.Records, and then sets the capacity.
	g, out = g.Done(now, nil)
	fmt.Println(out.Records[0].Message)

	_, out = g.Step(now.Add(40*time.Second), governor.Seen{Capacity: governor.Capacity{Desired: 14, Running: 14}})
	fmt.Println(out.Records[0].Message)
	// Output:
	// scale-out from 10 to 14 by policy cpu: 10 running at 70 against a target of 50 need 14
	// Successfully set desired count to 14. Waiting for change to be fulfilled by ecs.
	// Successfully set desired count to 14. Change successfully fulfilled by ecs.
}
