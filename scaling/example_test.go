package scaling_test

import (
	"fmt"
	"math"
	"time"

	"flyball/alarm"
	"flyball/metric"
	"flyball/scaling"
)

// Ten tasks have had a CPU utilization of 75 % for three minutes.
func ExampleDecide() {
	now := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	bounds, err := scaling.NewBounds(2, 20)
	if err != nil {
		panic(err)
	}
	cpu50, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50})
	if err != nil {
		panic(err)
	}
	d := scaling.Decide(now, scaling.Target{Bounds: bounds}, scaling.Seen{
		Desired: 10,
		Running: 10,
		Policies: []scaling.Reading{{
			Name:   "cpu50",
			Policy: cpu50,
			Alarms: []scaling.Alarm{{
				Name: "high", State: alarm.Alarm, Comparison: alarm.Greater, Threshold: 50, Period: time.Minute, Needed: 3, Of: 3,
				Datapoints: []metric.Datapoint{
					{Time: now.Add(-3 * time.Minute), Value: 71},
					{Time: now.Add(-2 * time.Minute), Value: 74},
					{Time: now.Add(-1 * time.Minute), Value: 75},
				},
			}},
		}},
	})
	a := d.Activity("b4fc5ff6-ee4b-4ba3-b5a9-4d08b2a0b5e1")
	fmt.Println(d)
	fmt.Println(a.Description)
	fmt.Println(a.Cause)
	// Output:
	// scale-out from 10 to 15 by policy cpu50: 10 running at 75 against a target of 50 need 15
	// Setting desired count to 15.
	// monitor alarm high in state ALARM triggered policy cpu50
}

// The steps of the Application Auto Scaling user guide: 10 % more from 60 on,
// 30 % more from 70 on, if the alarm's threshold is 50.
func ExampleNewStep() {
	p, err := scaling.NewStep(scaling.StepConfig{
		Adjustment: scaling.PercentChangeInCapacity,
		Cooldown:   5 * time.Minute,
		Steps: []scaling.StepAdjustment{
			{Lower: 0, Upper: 10, Amount: 0},
			{Lower: 10, Upper: 20, Amount: 10},
			{Lower: 20, Upper: math.Inf(1), Amount: 30},
		},
	})
	if err != nil {
		panic(err)
	}
	bounds, err := scaling.NewBounds(1, 100)
	if err != nil {
		panic(err)
	}
	now := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	d := scaling.Decide(now, scaling.Target{Bounds: bounds}, scaling.Seen{
		Desired: 11,
		Running: 11,
		Policies: []scaling.Reading{{
			Name:   "steps",
			Policy: p,
			Alarms: []scaling.Alarm{{
				Name: "busy", State: alarm.Alarm, Comparison: alarm.Greater, Threshold: 50, Period: time.Minute, Needed: 1, Of: 1,
				Datapoints: []metric.Datapoint{{Time: now.Add(-time.Minute), Value: 70}},
			}},
		}},
	})
	fmt.Println(d.To, d.Rule)
	// Output:
	// 14 the metric at 70 is 20 from the threshold of 50: +30 % of 11 make 14
}
