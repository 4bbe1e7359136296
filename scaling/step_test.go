package scaling_test

import (
	"math"
	"testing"
	"time"

	"flyball/scaling"
)

var (
	inf = math.Inf(1)
	nan = math.NaN()
)

// The example of "Step adjustments" in the Application Auto Scaling user guide:
// a threshold of 50, 0 %, 10 % and 30 % more from 50, 60 and 70 on, mirrored
// below.
func TestStepExample(t *testing.T) {
	out := step(t, scaling.StepConfig{Adjustment: scaling.PercentChangeInCapacity, Steps: []scaling.StepAdjustment{
		{Lower: 0, Upper: 10, Amount: 0}, {Lower: 10, Upper: 20, Amount: 10}, {Lower: 20, Upper: inf, Amount: 30},
	}})
	in := step(t, scaling.StepConfig{Adjustment: scaling.PercentChangeInCapacity, Steps: []scaling.StepAdjustment{
		{Lower: -10, Upper: 0, Amount: 0}, {Lower: -20, Upper: -10, Amount: -10}, {Lower: -inf, Upper: -20, Amount: -30},
	}})
	capacity := scaling.Capacity(10)
	for _, at := range []struct {
		metric float64
		want   scaling.Capacity
	}{{59, 10}, {60, 11}, {69, 12}, {70, 15}, {41, 15}, {40, 14}, {31, 13}, {30, 10}} {
		reading := stepped("out", out, false, 50, at.metric)
		if at.metric < 50 {
			reading = stepped("in", in, true, 50, at.metric)
		}
		d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: capacity, Running: capacity, Policies: []scaling.Reading{reading}})
		if capacity = d.To; capacity != at.want {
			t.Errorf("at %v the capacity is %d, want %d (%v)", at.metric, capacity, at.want, d)
		}
	}
}

func TestStepAdjustments(t *testing.T) {
	between := []scaling.StepAdjustment{{Lower: 0, Upper: 10, Amount: 1}, {Lower: 10, Upper: inf, Amount: 2}}
	beneath := []scaling.StepAdjustment{{Lower: -inf, Upper: -10, Amount: -2}, {Lower: -10, Upper: 0, Amount: -1}}
	always := func(amount int32) []scaling.StepAdjustment {
		return []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: amount}}
	}
	below := func(amount int32) []scaling.StepAdjustment {
		return []scaling.StepAdjustment{{Lower: -inf, Upper: 0, Amount: amount}}
	}
	percent := scaling.PercentChangeInCapacity
	tests := []struct {
		name    string
		config  scaling.StepConfig
		below   bool
		metrics []float64
		from    scaling.Capacity
		to      scaling.Capacity
	}{
		{"above the threshold the lower bound is inclusive", scaling.StepConfig{Steps: between}, false, []float64{60}, 10, 12},
		{"above the threshold the upper bound is exclusive", scaling.StepConfig{Steps: between}, false, []float64{59.9}, 10, 11},
		{"at the threshold the first step above it applies", scaling.StepConfig{Steps: between}, false, []float64{50}, 10, 11},
		{"below the threshold the upper bound is inclusive", scaling.StepConfig{Steps: beneath}, true, []float64{40}, 10, 8},
		{"below the threshold the lower bound is exclusive", scaling.StepConfig{Steps: beneath}, true, []float64{40.1}, 10, 9},
		{"at the threshold the first step below it applies", scaling.StepConfig{Steps: beneath}, true, []float64{50}, 10, 9},
		{"ExactCapacity out", scaling.StepConfig{Adjustment: scaling.ExactCapacity, Steps: always(17)}, false, []float64{60}, 10, 17},
		{"ExactCapacity in", scaling.StepConfig{Adjustment: scaling.ExactCapacity, Steps: always(3)}, false, []float64{60}, 10, 3},
		{"a percentage above 1 is rounded down", scaling.StepConfig{Adjustment: percent, Steps: always(30)}, false, []float64{60}, 11, 14},
		{"a percentage between 0 and 1 is rounded to 1", scaling.StepConfig{Adjustment: percent, Steps: always(1)}, false, []float64{60}, 11, 12},
		{"a percentage between 0 and -1 is rounded to -1", scaling.StepConfig{Adjustment: percent, Steps: below(-1)}, true, []float64{40}, 11, 10},
		{"a percentage below -1 is rounded up", scaling.StepConfig{Adjustment: percent, Steps: below(-30)}, true, []float64{40}, 13, 10},
		{"25 % of 4 with a minimum magnitude of 2 adds 2", scaling.StepConfig{Adjustment: percent, MinMagnitude: 2, Steps: always(25)}, false, []float64{60}, 4, 6},
		{"the minimum magnitude counts downwards, too", scaling.StepConfig{Adjustment: percent, MinMagnitude: 2, Steps: below(-25)}, true, []float64{40}, 4, 2},
		{"the minimum magnitude is what lets a percentage leave 0", scaling.StepConfig{Adjustment: percent, MinMagnitude: 2, Steps: always(25)}, false, []float64{60}, 0, 2},
		{"without one a percentage of 0 is 0", scaling.StepConfig{Adjustment: percent, Steps: always(25)}, false, []float64{60}, 0, 0},
		{"a change below 0 stops at 0", scaling.StepConfig{Steps: below(-5)}, true, []float64{40}, 3, 0},
		{"the average of the datapoints is the default", scaling.StepConfig{Steps: between}, false, []float64{55, 55, 70}, 10, 12},
		{"the minimum of the datapoints", scaling.StepConfig{Steps: between, Aggregation: scaling.Minimum}, false, []float64{55, 55, 70}, 10, 11},
		{"the maximum of the datapoints", scaling.StepConfig{Steps: between, Aggregation: scaling.Maximum}, false, []float64{51, 51, 61}, 10, 12},
		{"an alarm put into ALARM by hand counts as just at its threshold", scaling.StepConfig{Steps: between}, false, []float64{3}, 10, 11},
		{"even without data", scaling.StepConfig{Steps: between}, false, nil, 10, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: tt.from, Running: tt.from, Policies: []scaling.Reading{
				stepped("step", step(t, tt.config), tt.below, 50, tt.metrics...),
			}})
			if d.To != tt.to {
				t.Errorf("got %v, want capacity %d", d, tt.to)
			}
		})
	}
}

func TestAStepOfNothingIsReportedAsAlreadyAtDesiredCapacity(t *testing.T) {
	none := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 0}}})
	d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: 5, Running: 5, Policies: []scaling.Reading{stepped("none", none, false, 50, 60)}})
	check(t, d, 0, []scaling.Code{scaling.AlreadyAtDesiredCapacity})
	if !d.Driven() {
		t.Error("the alarm that drove the decision is not named")
	}
}

func TestNewStepRefuses(t *testing.T) {
	one := []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 1}}
	many := make([]scaling.StepAdjustment, scaling.MaxSteps+1)
	for i := range many {
		many[i] = scaling.StepAdjustment{Lower: float64(i), Upper: float64(i + 1), Amount: 1}
	}
	many[scaling.MaxSteps].Upper = inf
	for name, c := range map[string]scaling.StepConfig{
		"no steps":                         {},
		"too many steps":                   {Steps: many},
		"a step without bounds":            {Steps: []scaling.StepAdjustment{{Lower: -inf, Upper: inf}}},
		"a bound that is no number":        {Steps: []scaling.StepAdjustment{{Lower: nan, Upper: inf}}},
		"bounds the wrong way round":       {Steps: []scaling.StepAdjustment{{Lower: 10, Upper: 5}}},
		"an empty range":                   {Steps: []scaling.StepAdjustment{{Lower: 5, Upper: 5}}},
		"a gap":                            {Steps: []scaling.StepAdjustment{{Lower: 0, Upper: 5}, {Lower: 6, Upper: inf}}},
		"an overlap":                       {Steps: []scaling.StepAdjustment{{Lower: 0, Upper: 5}, {Lower: 4, Upper: inf}}},
		"a positive bound without an end":  {Steps: []scaling.StepAdjustment{{Lower: 0, Upper: 5}}},
		"a negative bound without an end":  {Steps: []scaling.StepAdjustment{{Lower: -5, Upper: 0}}},
		"a negative exact capacity":        {Adjustment: scaling.ExactCapacity, Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: -1}}},
		"a magnitude without a percentage": {Steps: one, MinMagnitude: 2},
		"a negative magnitude":             {Adjustment: scaling.PercentChangeInCapacity, Steps: one, MinMagnitude: -2},
		"a negative cooldown":              {Steps: one, Cooldown: -time.Second},
	} {
		if _, err := scaling.NewStep(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
