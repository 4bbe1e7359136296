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
	_, err := Run(documents(types.MetricTypeECSServiceAverageMemoryUtilization, 50), steady(40), Change{"cpu", 60})
	if !errors.Is(err, ErrUnmeasured) {
		t.Errorf("memory: %v", err)
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
