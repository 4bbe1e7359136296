package whatif

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/policydoc"
)

// documents are a target of 1 to 10 tasks with a policy.
func documents(m types.MetricType, target float64) policydoc.Documents {
	id := aws.String("service/shop/web")
	var label *string
	if m == types.MetricTypeALBRequestCountPerTarget {
		label = aws.String("app/web/0123456789abcdef/targetgroup/web/0123456789abcdef")
	}
	return policydoc.Documents{
		Targets: []types.ScalableTarget{{ResourceId: id, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(10)}},
		Policies: []types.ScalingPolicy{{
			ResourceId: id, PolicyName: aws.String("cpu"), PolicyType: types.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
				TargetValue: &target, PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: m, ResourceLabel: label},
			},
		}},
	}
}

// steady is an hour in which four tasks were busy to some percent.
func steady(percent float64) Past {
	p := Past{Start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), VCPU: 0.25}
	for range 60 {
		p.Minutes = append(p.Minutes, Minute{CPU: percent, Running: 4, Desired: 4, Requests: 100 * percent})
	}
	return p
}

func TestAnotherTargetOnTheSameLoad(t *testing.T) {
	const cpu, requests = types.MetricTypeECSServiceAverageCPUUtilization, types.MetricTypeALBRequestCountPerTarget
	for _, tt := range []struct {
		name    string
		metric  types.MetricType
		past    Past
		now, to float64
		last    float64 // desired at the end
	}{
		{"a lower target needs more", cpu, steady(48), 50, 30, 7},   // 4*48/30 = 6.4
		{"a higher target needs fewer", cpu, steady(40), 40, 80, 2}, // 4*40/80 = 2
		{"the same target changes nothing", cpu, steady(48), 50, 50, 4},
		{"of requests", requests, steady(48), 1200, 600, 8}, // 4800/600
	} {
		o, err := Run(documents(tt.metric, tt.now), tt.past, Change{"cpu", tt.to})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := o.Then.Desired[59]; got != tt.last || o.Target != tt.now {
			t.Errorf("%s: %v tasks at the end, want %v; the target is %v", tt.name, got, tt.last, o.Target)
		}
		if got := o.Now.Desired[59]; got != 4 {
			t.Errorf("%s: with the policy as it is %v tasks at the end, want 4 as there were", tt.name, got)
		}
		if o.Was.TaskMinutes != 240 || o.Was.Most != 4 {
			t.Errorf("%s: there were %v minutes of tasks, %v at most", tt.name, o.Was.TaskMinutes, o.Was.Most)
		}
	}
}

func TestWhatCannotBeToldIsRefused(t *testing.T) {
	cpu := types.MetricTypeECSServiceAverageCPUUtilization
	for name, f := range map[string]func() error{
		"no target": func() error { _, err := Run(documents(cpu, 50), steady(40), Change{"cpu", math.NaN()}); return err },
		"below 0":   func() error { _, err := Run(documents(cpu, 50), steady(40), Change{"cpu", -1}); return err },
		"no policy": func() error { _, err := Run(documents(cpu, 50), steady(40), Change{"none", 60}); return err },
		"no past":   func() error { _, err := Run(documents(cpu, 50), Past{}, Change{"cpu", 60}); return err },
	} {
		if f() == nil {
			t.Errorf("%s: it is told", name)
		}
	}
	_, err := Run(documents(types.MetricTypeDynamoDBReadCapacityUtilization, 50), steady(40), Change{"cpu", 60})
	if !errors.Is(err, ErrUnmeasured) {
		t.Errorf("another metric: %v", err)
	}
}

func TestMinutesThatAreNotMeasuredHaveNoLoad(t *testing.T) {
	p := steady(48)
	for i := range p.Minutes[30:] {
		p.Minutes[30+i].CPU = math.NaN()
	}
	if _, err := Run(documents(types.MetricTypeECSServiceAverageCPUUtilization, 50), p, Change{"cpu", 60}); err != nil {
		t.Error(err)
	}
}

// A task uses 100 MiB of 512 at rest and up to 200 more with its load, so that a target of 40 % needs more
// tasks than one of 60 %.
func TestATargetOfMemoryIsToldByWhatItsLoadTakes(t *testing.T) {
	const memory = types.MetricTypeECSServiceAverageMemoryUtilization
	p := steady(40)
	p.Memory = 512
	for i := range p.Minutes {
		m := &p.Minutes[i]
		m.CPU = 20 + 40*float64(i%20)/20
		m.Memory = 100 * (100 + 200*m.CPU/60) / 512 // 33 to 58 %
	}
	o, err := Run(documents(memory, 60), p, Change{"cpu", 40})
	if err != nil {
		t.Fatal(err)
	}
	if last := len(o.Now.Desired) - 1; o.Then.Desired[last] <= o.Now.Desired[last] || o.Now.Desired[last] > 4 {
		t.Errorf("%v tasks with 60 %%, and %v with 40 %%", o.Now.Desired[last], o.Then.Desired[last])
	}
	if o.Was.Metric[19] < 57 || math.Abs(o.Now.Metric[19]-o.Was.Metric[19]) > 8 {
		t.Errorf("at the peak memory was %v %%, and is simulated as %v %%", o.Was.Metric[19], o.Now.Metric[19])
	}
	for i := range p.Minutes {
		p.Minutes[i].Memory = math.NaN()
	}
	if _, err := Run(documents(memory, 60), p, Change{"cpu", 40}); err == nil {
		t.Error("it is told of memory that was not measured")
	}
}

// A predictive policy knows the hours before the window: with two weeks of days alike it has tasks
// before the hour in which they are needed, and without them it has no forecast.
func TestAPredictivePolicyKnowsTheHoursBefore(t *testing.T) {
	const pair = "ECSServiceCPUUtilization"
	d := documents(types.MetricTypeECSServiceAverageCPUUtilization, 90)
	d.Policies[0] = types.ScalingPolicy{
		ResourceId: d.Targets[0].ResourceId, PolicyName: aws.String("ahead"), PolicyType: types.PolicyTypePredictiveScaling,
		PredictiveScalingPolicyConfiguration: &types.PredictiveScalingPolicyConfiguration{
			Mode: types.PredictiveScalingModeForecastAndScale,
			MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
				TargetValue: aws.Float64(50), PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String(pair)},
			}},
		},
	}
	p := Past{Start: time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC), VCPU: 0.25}
	busy := func(hour int) float64 { // tasks that are fully busy
		if hour >= 8 && hour < 18 {
			return 4
		}
		return 0.4
	}
	for i := range 120 {
		p.Minutes = append(p.Minutes, Minute{CPU: 100 * busy(7+i/60) / 8, Running: 8, Desired: 2})
	}
	q := Question{Now: d, Then: d, Tracks: types.MetricTypeECSServiceAverageCPUUtilization, Limit: 50}
	without, err := Compare(p, q)
	if err != nil {
		t.Fatal(err)
	}
	for at := p.Start.Add(-14 * 24 * time.Hour); at.Before(p.Start); at = at.Add(time.Hour) {
		p.Hours = append(p.Hours, Hour{CPU: 100 * busy(at.Hour()) / 8, Tasks: 8})
	}
	with, err := Compare(p, q)
	if err != nil {
		t.Fatal(err)
	}
	if now := with.Then.Desired[30]; now > 2 {
		t.Errorf("at 07:30 %v tasks are desired, want what a quiet hour needs", now)
	}
	if now := with.Then.Desired[60]; now < 7 {
		t.Errorf("at 08:00 %v tasks are desired, want the 8 of the busy hour", now)
	}
	if now := without.Then.Desired[60]; now != 2 {
		t.Errorf("without hours to forecast from %v tasks are desired, want the 2 that there were", now)
	}
}
