package scaling_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/scaling"
)

// history makes hours of a service whose metric follows a relation, on a
// sine-wave day: 100 to 1,100 requests on 10 tasks.
func history(r scaling.Relation, change func(i int, h *scaling.Hour)) []scaling.Hour {
	hours := make([]scaling.Hour, 14*24)
	for i := range hours {
		load := 600 - 500*math.Cos(2*math.Pi*float64(i)/24)
		hours[i] = scaling.Hour{Load: load, Tasks: 10}
		if change != nil {
			change(i, &hours[i])
		}
		hours[i].Metric += r.Idle + r.PerLoad*hours[i].Load/hours[i].Tasks
	}
	return hours
}

func TestTheRelationIsLearnedFromHistory(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	noisy := func(_ int, h *scaling.Hour) { h.Metric = noise.NormFloat64() }
	tests := map[string]struct {
		hours []scaling.Hour
		want  scaling.Relation
	}{
		"proportion":             {history(scaling.Relation{PerLoad: 0.5}, nil), scaling.Relation{PerLoad: 0.5}},
		"proportion with noise":  {history(scaling.Relation{PerLoad: 0.5}, noisy), scaling.Relation{PerLoad: 0.5}},
		"idle tasks work":        {history(scaling.Relation{Idle: 10, PerLoad: 0.5}, nil), scaling.Relation{Idle: 10, PerLoad: 0.5}},
		"idle tasks, with noise": {history(scaling.Relation{Idle: 10, PerLoad: 0.5}, noisy), scaling.Relation{Idle: 10, PerLoad: 0.5}},
		"a quarter of the hours are odd": {history(scaling.Relation{Idle: 10, PerLoad: 0.5}, func(i int, h *scaling.Hour) {
			if i%4 == 0 {
				h.Metric = 300
			}
		}), scaling.Relation{Idle: 10, PerLoad: 0.5}},
		"hours without data, load or tasks are left out": {history(scaling.Relation{PerLoad: 0.5}, func(i int, h *scaling.Hour) {
			switch i % 5 {
			case 0:
				h.Metric = math.NaN()
			case 1:
				h.Load = 0
			case 2:
				h.Tasks = 0
			}
		}), scaling.Relation{PerLoad: 0.5}},
		"one hour tells the proportion": {[]scaling.Hour{{Load: 600, Metric: 50, Tasks: 10}}, scaling.Relation{PerLoad: 50.0 / 60}},
		"load on a task that hardly changes shows no line": {history(scaling.Relation{Idle: 20, PerLoad: 0.5}, func(_ int, h *scaling.Hour) {
			h.Tasks = h.Load / 60
		}), scaling.Relation{PerLoad: 50.0 / 60}},
		"idle near the target is not believed": {history(scaling.Relation{Idle: 45, PerLoad: 0.05}, nil), scaling.Relation{PerLoad: 0.8}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := scaling.EstimateRelation(tt.hours, 50)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Idle-tt.want.Idle) > 0.5 || math.Abs(got.PerLoad/tt.want.PerLoad-1) > 0.05 {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNoRelationWithoutAnHourThatHasEverything(t *testing.T) {
	hours := []scaling.Hour{
		{Load: nan, Metric: 50, Tasks: 10}, {Load: 600, Metric: nan, Tasks: 10}, {Load: 600, Metric: 50, Tasks: nan},
		{Load: 600, Metric: 50, Tasks: 0}, {Load: 0, Metric: 0, Tasks: 10},
	}
	if r, err := scaling.EstimateRelation(hours, 50); !errors.Is(err, scaling.ErrNoRelation) {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestCapacityFromLoadIsRoundedUp(t *testing.T) {
	tests := []struct {
		relation     scaling.Relation
		load, target float64
		want         scaling.Capacity
	}{
		{scaling.Relation{PerLoad: 0.5}, 1000, 50, 10},
		{scaling.Relation{PerLoad: 0.5}, 1001, 50, 11},
		{scaling.Relation{Idle: 10, PerLoad: 0.5}, 600, 50, 8},
		{scaling.Relation{PerLoad: 1.0 / 60}, 60 * 700, 70, 10}, // CPU: the sum of an hour's minutes
		{scaling.Relation{PerLoad: 0.1}, 3, 0.3, 1},             // not 2 because of binary fractions
		{scaling.Relation{PerLoad: 0.5}, 0, 50, 0},
		{scaling.Relation{PerLoad: 0.5}, -1, 50, 0},
		{scaling.Relation{PerLoad: 0.5}, math.NaN(), 50, 0},
		{scaling.Relation{PerLoad: 1}, 1e300, 50, scaling.MaxCapacity},
	}
	for _, tt := range tests {
		if got := tt.relation.Capacity(tt.load, tt.target); got != tt.want {
			t.Errorf("%+v under %v for %v needs %d, want %d", tt.relation, tt.load, tt.target, got, tt.want)
		}
	}
}

// More load never needs fewer tasks, and a higher target never more.
func TestCapacityIsMonotonous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := scaling.Relation{
			Idle:    rapid.Float64Range(0, 8).Draw(t, "idle"),
			PerLoad: rapid.Float64Range(0, 10).Draw(t, "per load"),
		}
		load, target := rapid.Float64Range(0, 1e6).Draw(t, "load"), rapid.Float64Range(10, 100).Draw(t, "target")
		c := r.Capacity(load, target)
		if more := r.Capacity(load*1.5, target); more < c {
			t.Errorf("%d tasks, and %d with more load", c, more)
		}
		if fewer := r.Capacity(load, target*1.5); fewer > c {
			t.Errorf("%d tasks, and %d with a higher target", c, fewer)
		}
	})
}

func TestTheMaximumGivesWayToAForecast(t *testing.T) {
	tests := map[string]struct {
		breach   scaling.Breach
		forecast scaling.Capacity
		max      scaling.Capacity
	}{
		"honor":                         {scaling.Breach{}, 50, 40},
		"increase, with a buffer":       {scaling.Breach{Increase: true, Buffer: 10}, 50, 55},
		"increase, without a buffer":    {scaling.Breach{Increase: true}, 50, 50},
		"close to the maximum":          {scaling.Breach{Increase: true, Buffer: 10}, 38, 42},
		"far from the maximum":          {scaling.Breach{Increase: true, Buffer: 10}, 30, 40},
		"as large as a forecast can be": {scaling.Breach{Increase: true, Buffer: 100}, scaling.MaxCapacity, scaling.MaxCapacity},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := tt.breach.Admit(bounds(t, 1, 40).Bounds, tt.forecast)
			if b.Min() != 1 || b.Max() != tt.max {
				t.Errorf("bounds are %d to %d, want 1 to %d", b.Min(), b.Max(), tt.max)
			}
		})
	}
}

func TestTheFloorIsThatOfTheHoursThatWereActedFor(t *testing.T) {
	at := func(clock string) time.Time {
		moment, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	plan := scaling.Plan{Start: at("10:00"), Steps: []scaling.Capacity{5, 8, 3}}
	tests := []struct {
		now, acted string
		want       scaling.Capacity
		hour       string
	}{
		{"10:30", "10:00", 5, "10:00"},
		{"10:54", "10:00", 5, "10:00"},
		{"10:55", "11:00", 8, "11:00"}, // the buffer before 11 o'clock
		{"11:30", "11:00", 8, "11:00"},
		{"11:55", "12:00", 8, "11:00"}, // the larger of both
		{"12:00", "12:00", 3, "12:00"},
		{"11:30", "10:00", 0, "00:00"}, // nothing was done for this hour
		{"13:00", "13:00", 0, "00:00"}, // beyond the forecast
		{"09:30", "09:00", 0, "00:00"}, // before it
	}
	for _, tt := range tests {
		f := plan.Floor("daily", at(tt.now), at(tt.acted))
		if f.Capacity != tt.want || tt.want > 0 && !f.Hour.Equal(at(tt.hour)) {
			t.Errorf("at %s, acted for %s: floor %+v, want %d for %s", tt.now, tt.acted, f, tt.want, tt.hour)
		}
	}
}

func TestScaleInStopsAtTheFloor(t *testing.T) {
	hour := now.Truncate(time.Hour)
	target := bounds(t, 1, 20)
	target.Floor = scaling.Floor{Capacity: 8, Policy: "daily", Hour: hour}
	in := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: -inf, Upper: 0, Amount: -5}}})
	seen := scaling.Seen{Desired: 10, Running: 10, Policies: []scaling.Reading{stepped("in", in, true, 50, 40)}}
	if d := scaling.Decide(now, target, seen); d.Direction != scaling.In || d.To != 8 {
		t.Errorf("above the floor: %s", d)
	}
	seen.Desired, seen.Running = 8, 8
	d := scaling.Decide(now, target, seen)
	if d.Direction != scaling.Hold || len(d.Reasons) != 1 || d.Reasons[0].String() != "policy daily forecasts that 8 are needed until 18:00:00" {
		t.Errorf("on the floor: %s", d)
	}
	if e := scaling.Explain(now, target, seen); !e.ScaleIn.Earliest.Equal(hour.Add(time.Hour)) {
		t.Errorf("scale-in: %s", e.ScaleIn)
	}
	target.Floor.Capacity = 30 // a maximum that is honored bounds it
	seen.Desired, seen.Running = 25, 25
	if d := scaling.Decide(now, target, seen); d.Direction != scaling.In || d.To != 20 {
		t.Errorf("above the maximum: %s", d)
	}
}

func BenchmarkEstimateRelation(b *testing.B) {
	noise := rand.New(rand.NewPCG(1, 2))
	hours := history(scaling.Relation{Idle: 10, PerLoad: 0.5}, func(_ int, h *scaling.Hour) { h.Metric = noise.NormFloat64() })
	for b.Loop() {
		_, _ = scaling.EstimateRelation(hours, 50)
	}
}
