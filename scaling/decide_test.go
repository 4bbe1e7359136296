package scaling_test

import (
	"slices"
	"testing"
	"time"

	"flyball/scaling"
)

func TestTargetTracking(t *testing.T) {
	at100 := tracking(t, scaling.TrackingConfig{Target: 100})
	at50 := tracking(t, scaling.TrackingConfig{Target: 50})
	noIn := tracking(t, scaling.TrackingConfig{Target: 50, DisableScaleIn: true})
	tests := []struct {
		name    string
		seen    scaling.Seen
		policy  scaling.Reading
		to      scaling.Capacity // 0: hold
		reasons []scaling.Code
	}{
		{
			name:   "10 running tasks at 150 against a target of 100 make 15",
			seen:   scaling.Seen{Desired: 10, Running: 10},
			policy: tracked("p", at100, repeat(150, 3)...),
			to:     15,
		},
		{
			name:   "scale-out is rounded up",
			seen:   scaling.Seen{Desired: 10, Running: 10},
			policy: tracked("p", at100, repeat(100.5, 3)...),
			to:     11,
		},
		{
			name:    "binary fractions do not add a task",
			seen:    scaling.Seen{Desired: 30, Running: 30},
			policy:  tracked("p", tracking(t, scaling.TrackingConfig{Target: 0.3}), 0.4, 0.4, 0.30000000000000004),
			reasons: []scaling.Code{scaling.AlreadyAtDesiredCapacity},
		},
		{
			name:    "the running count is what is multiplied, not the desired count",
			seen:    scaling.Seen{Desired: 15, Running: 10},
			policy:  tracked("p", at100, repeat(150, 3)...),
			reasons: []scaling.Code{scaling.AlreadyAtDesiredCapacity},
		},
		{
			name:    "two breaching datapoints are not enough",
			seen:    scaling.Seen{Desired: 10, Running: 10},
			policy:  tracked("p", at100, 90, 150, 150),
			reasons: []scaling.Code{scaling.NotInAlarm},
		},
		{
			name:   "without a task the metric is of none, and the first step is 1",
			policy: tracked("p", at100, 10_000),
			to:     1,
		},
		{
			name:   "a metric that is as with one task says how many there have to be: 10,000 against 100 are 100",
			policy: tracked("p", tracking(t, scaling.TrackingConfig{Target: 100, AtZero: true}), 10_000),
			to:     100,
		},
		{
			name:   "a single message is demand as well",
			policy: tracked("p", tracking(t, scaling.TrackingConfig{Target: 100, AtZero: true}), 1),
			to:     1,
		},
		{
			name:    "nothing that waits is no demand",
			policy:  tracked("p", tracking(t, scaling.TrackingConfig{Target: 100, AtZero: true}), 0, 0, 0),
			reasons: []scaling.Code{scaling.NotInAlarm},
		},
		{
			name:   "scale-in removes half of what could go: 20 at 10 against 50 need 4, 12 stay",
			seen:   scaling.Seen{Desired: 20, Running: 20},
			policy: tracked("p", at50, repeat(10, 15)...),
			to:     12,
		},
		{
			name:   "scale-in removes at least one",
			seen:   scaling.Seen{Desired: 3, Running: 3},
			policy: tracked("p", at50, repeat(30, 15)...),
			to:     2,
		},
		{
			name:   "scale-in is gradual for tasks that do not run, too: 20 desired, 2 running at 10 need 1, 10 stay",
			seen:   scaling.Seen{Desired: 20, Running: 2},
			policy: tracked("p", at50, repeat(10, 15)...),
			to:     10,
		},
		{
			name:    "14 datapoints below 90 % of the target are not enough",
			seen:    scaling.Seen{Desired: 20, Running: 20},
			policy:  tracked("p", at50, append([]float64{47}, repeat(10, 14)...)...),
			reasons: []scaling.Code{scaling.NotInAlarm},
		},
		{
			name:    "scale-in that would bring the metric above the target is not done",
			seen:    scaling.Seen{Desired: 2, Running: 2},
			policy:  tracked("p", at50, repeat(30, 15)...),
			reasons: []scaling.Code{scaling.AutoScalingAnticipatedFlapping},
		},
		{
			name:    "DisableScaleIn never scales in",
			seen:    scaling.Seen{Desired: 20, Running: 20},
			policy:  tracked("p", noIn, repeat(10, 15)...),
			reasons: []scaling.Code{scaling.NotInAlarm},
		},
		{
			name:    "no data never scales",
			seen:    scaling.Seen{Desired: 5, Running: 5},
			policy:  tracked("p", at50),
			reasons: []scaling.Code{scaling.NoData},
		},
		{
			name:    "with nothing running the metric does not tell what could go",
			seen:    scaling.Seen{Desired: 10},
			policy:  tracked("p", at50, repeat(10, 15)...),
			reasons: []scaling.Code{scaling.NoData},
		},
		{
			name:   "capacity 0 goes out by the smallest amount on one datapoint that shows demand",
			seen:   scaling.Seen{},
			policy: tracked("p", at100, 1500),
			to:     1,
		},
		{
			name:    "capacity 0 stays without demand",
			seen:    scaling.Seen{},
			policy:  tracked("p", at100, 0),
			reasons: []scaling.Code{scaling.NotInAlarm},
		},
		{
			name:    "the maximum stops scale-out",
			seen:    scaling.Seen{Desired: 100, Running: 100},
			policy:  tracked("p", at50, repeat(90, 3)...),
			reasons: []scaling.Code{scaling.AlreadyAtMaxCapacity},
		},
		{
			name:   "scale-out goes to the maximum at most",
			seen:   scaling.Seen{Desired: 80, Running: 80},
			policy: tracked("p", at50, repeat(90, 3)...),
			to:     100,
		},
		{
			name:    "a deployment stops scale-in",
			seen:    scaling.Seen{Desired: 20, Running: 20, Deploying: true},
			policy:  tracked("p", at50, repeat(10, 15)...),
			reasons: []scaling.Code{scaling.TargetServicePutResourceAsUnscalable},
		},
		{
			name:   "a deployment does not stop scale-out",
			seen:   scaling.Seen{Desired: 10, Running: 10, Deploying: true},
			policy: tracked("p", at100, repeat(150, 3)...),
			to:     15,
		},
		{
			name:   "1,500 messages and 10 tasks are a backlog of 150 each, against 100 acceptable: 15 tasks",
			seen:   scaling.Seen{Desired: 10, Running: 10},
			policy: tracked("backlog", at100, repeat(1500.0/10, 3)...),
			to:     15,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.seen.Policies = []scaling.Reading{tt.policy}
			d := scaling.Decide(now, bounds(t, 0, 100), tt.seen)
			check(t, d, tt.to, tt.reasons)
		})
	}
}

// check compares a decision with the capacity it should set; 0 stands for hold.
func check(t *testing.T, d scaling.Decision, to scaling.Capacity, reasons []scaling.Code) {
	t.Helper()
	if to == 0 && d.Direction != scaling.Hold || to != 0 && (d.Direction == scaling.Hold || d.To != to) {
		t.Errorf("got %v, want capacity %d", d, to)
	}
	if got := codes(d); !slices.Equal(got, reasons) {
		t.Errorf("reasons are %v, want %v", got, reasons)
	}
}

func TestBounds(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	out, in := tracked("p", p, repeat(60, 3)...), tracked("p", p, repeat(10, 15)...)
	remove1 := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: -inf, Upper: 0, Amount: -1}}})
	down := stepped("p", remove1, true, 50, 40)
	tests := []struct {
		name     string
		min, max int32
		desired  scaling.Capacity
		policy   scaling.Reading
		to       scaling.Capacity
		reasons  []scaling.Code
	}{
		{"the minimum stops scale-in", 4, 10, 4, in, 0, []scaling.Code{scaling.AlreadyAtMinCapacity}},
		{"scale-in goes to the minimum at least", 9, 10, 10, in, 9, nil},
		{"a desired count below the minimum is raised to it by a scale-out", 8, 10, 2, out, 8, nil},
		{"a desired count below the minimum is left by a scale-in", 8, 10, 2, down, 0, []scaling.Code{scaling.AlreadyAtMinCapacity}},
		{"a desired count above the maximum is lowered to it by a scale-in", 1, 10, 30, in, 10, nil},
		{"a desired count above the maximum is left by a scale-out", 1, 10, 30, out, 0, []scaling.Code{scaling.AlreadyAtMaxCapacity}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := scaling.Decide(now, bounds(t, tt.min, tt.max), scaling.Seen{
				Desired: tt.desired, Running: tt.desired, Policies: []scaling.Reading{tt.policy},
			})
			check(t, d, tt.to, tt.reasons)
		})
	}
}

func TestSuspended(t *testing.T) {
	p := tracking(t, scaling.TrackingConfig{Target: 50})
	out, in := tracked("p", p, repeat(60, 3)...), tracked("p", p, repeat(10, 15)...)
	tests := []struct {
		name      string
		suspended scaling.Suspended
		policy    scaling.Reading
		to        scaling.Capacity
	}{
		{"suspended scale-out", scaling.Suspended{Out: true}, out, 0},
		{"suspended scale-out leaves scale-in alone", scaling.Suspended{Out: true}, in, 6},
		{"suspended scale-in", scaling.Suspended{In: true}, in, 0},
		{"suspended scale-in leaves scale-out alone", scaling.Suspended{In: true}, out, 12},
		{"suspended scheduled scaling leaves policies alone", scaling.Suspended{Scheduled: true}, out, 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := bounds(t, 1, 20)
			target.Suspended = tt.suspended
			var reasons []scaling.Code
			if tt.to == 0 {
				reasons = []scaling.Code{scaling.ScalingSuspended}
			}
			check(t, scaling.Decide(now, target, scaling.Seen{Desired: 10, Running: 10, Policies: []scaling.Reading{tt.policy}}), tt.to, reasons)
		})
	}
}

func TestSeveralPolicies(t *testing.T) {
	cpu := tracking(t, scaling.TrackingConfig{Target: 50})
	memory := tracking(t, scaling.TrackingConfig{Target: 80})
	cpuOut := tracking(t, scaling.TrackingConfig{Target: 50, DisableScaleIn: true})
	add3 := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 3}}})
	add200 := step(t, scaling.StepConfig{Adjustment: scaling.PercentChangeInCapacity, Steps: []scaling.StepAdjustment{{Lower: 0, Upper: inf, Amount: 200}}})
	remove2 := step(t, scaling.StepConfig{Steps: []scaling.StepAdjustment{{Lower: -inf, Upper: 0, Amount: -2}}})
	tests := []struct {
		name     string
		policies []scaling.Reading
		to       scaling.Capacity
		reasons  []scaling.Code
	}{
		{
			name:     "out if any says out",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(60, 3)...), tracked("memory", memory, repeat(20, 15)...)},
			to:       12,
		},
		{
			name:     "the largest capacity wins on the way out",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(60, 3)...), tracked("memory", memory, repeat(120, 3)...)},
			to:       15,
		},
		{
			name:     "3 more against 200 % more of 10 make 30",
			policies: []scaling.Reading{stepped("add3", add3, false, 50, 60), stepped("add200", add200, false, 50, 60)},
			to:       30,
		},
		{
			name:     "in only if all say in",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(10, 15)...), tracked("memory", memory, repeat(78, 15)...)},
			reasons:  []scaling.Code{scaling.OthersDisagree},
		},
		{
			name:     "a policy without data does not agree to scale in",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(10, 15)...), tracked("memory", memory)},
			reasons:  []scaling.Code{scaling.OthersDisagree},
		},
		{
			name:     "a policy without data does not stop scale-out",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(60, 3)...), tracked("memory", memory)},
			to:       12,
		},
		{
			name:     "the largest capacity wins on the way in",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(10, 15)...), tracked("memory", memory, repeat(60, 15)...)},
			to:       9,
		},
		{
			name:     "a policy that may not scale in is not asked",
			policies: []scaling.Reading{tracked("memory", memory, repeat(20, 15)...), tracked("cpu", cpuOut, repeat(20, 15)...)},
			to:       6,
		},
		{
			name:     "but its metric is not brought above its target",
			policies: []scaling.Reading{tracked("memory", memory, repeat(20, 15)...), tracked("cpu", cpuOut, repeat(41, 15)...)},
			to:       9,
		},
		{
			name:     "and if any scale-in would do that, nothing is done",
			policies: []scaling.Reading{tracked("memory", memory, repeat(20, 15)...), tracked("cpu", cpuOut, repeat(49, 15)...)},
			reasons:  []scaling.Code{scaling.AutoScalingAnticipatedFlapping},
		},
		{
			name:     "a step policy's scale-in is not blocked by target tracking",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(48, 15)...), stepped("remove2", remove2, true, 50, 40)},
			to:       8,
		},
		{
			name:     "a step policy's scale-in is stopped by a policy that says out",
			policies: []scaling.Reading{tracked("cpu", cpu, repeat(60, 3)...), stepped("remove2", remove2, true, 50, 40)},
			to:       12,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: 10, Running: 10, Policies: tt.policies})
			check(t, d, tt.to, tt.reasons)
		})
	}
}

func TestADecisionNamesThePolicyAndAlarmThatCount(t *testing.T) {
	cpu := tracking(t, scaling.TrackingConfig{Target: 50})
	memory := tracking(t, scaling.TrackingConfig{Target: 80})
	d := scaling.Decide(now, bounds(t, 0, 100), scaling.Seen{Desired: 10, Running: 10, Policies: []scaling.Reading{
		tracked("cpu", cpu, repeat(60, 3)...), tracked("memory", memory, repeat(120, 3)...),
	}})
	if d.Policy != "memory" || d.Alarm != "memory-High" {
		t.Errorf("decided by %q of %q", d.Alarm, d.Policy)
	}
	if want := "10 running at 120 against a target of 80 need 15"; d.Rule != want {
		t.Errorf("rule is %q, want %q", d.Rule, want)
	}
}

func TestNewTargetTrackingRefuses(t *testing.T) {
	for name, c := range map[string]scaling.TrackingConfig{
		"a target of zero":        {Target: 0},
		"a target below zero":     {Target: -1},
		"a target that is none":   {Target: nan},
		"an infinite target":      {Target: inf},
		"a negative out cooldown": {Target: 1, ScaleOutCooldown: -time.Second},
		"a negative in cooldown":  {Target: 1, ScaleInCooldown: -time.Second},
	} {
		if _, err := scaling.NewTargetTracking(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestNewBoundsRefuses(t *testing.T) {
	for _, b := range [][2]int32{{-1, 5}, {0, -1}, {6, 5}} {
		if _, err := scaling.NewBounds(b[0], b[1]); err == nil {
			t.Errorf("%d..%d is accepted", b[0], b[1])
		}
	}
}
