package rules

import (
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// Predefined metrics of ECS services, and of functions. The SDKs do not list the
// high-resolution ones yet.
const (
	cpuUtilization        = types.MetricTypeECSServiceAverageCPUUtilization
	memoryUtilization     = types.MetricTypeECSServiceAverageMemoryUtilization
	cpuHighResolution     = types.MetricType("ECSServiceAverageCPUUtilizationHighResolution")
	memoryHighResolution  = types.MetricType("ECSServiceAverageMemoryUtilizationHighResolution")
	requestCountPerTarget = types.MetricTypeALBRequestCountPerTarget

	provisionedUtilization = types.MetricTypeLambdaProvisionedConcurrencyUtilization
)

// backlogPerTask is a predefined metric of Flyball's own: the messages that wait in a
// queue, which the resource label names, for each running task.
const backlogPerTask = types.MetricType("FlyballSQSBacklogPerTask")

// Predefined metrics of Flyball's own for what has a scale in Kubernetes: what its pods use, as a
// part of what they request, in percent.
const (
	podCPU    = types.MetricType("FlyballPodAverageCPUUtilization")
	podMemory = types.MetricType("FlyballPodAverageMemoryUtilization")
)

// NamespaceKubernetes is that of the metrics of pods.
const NamespaceKubernetes = "Flyball/Kubernetes"

// compileTracking makes the rule of a configuration for a kind of resource.
func compileTracking(k scaling.Kind, c *types.TargetTrackingScalingPolicyConfiguration) (scaling.Policy, error) {
	switch pre, custom := c.PredefinedMetricSpecification, c.CustomizedMetricSpecification; {
	case pre == nil && custom == nil:
		return nil, fault.Invalid("PredefinedMetricSpecification or CustomizedMetricSpecification must be set for target tracking scaling.")
	case pre != nil && custom != nil:
		return nil, fault.Invalid("Only one of PredefinedMetricSpecification or CustomizedMetricSpecification can be set for target tracking scaling.")
	case pre != nil:
		if err := checkPredefined(k, pre); err != nil {
			return nil, err
		}
	default:
		if err := checkCustomized(custom); err != nil {
			return nil, err
		}
	}
	// The documented range of TargetValue.
	if math.Abs(aws.ToFloat64(c.TargetValue)) > math.Ldexp(1, 360) {
		return nil, fault.Invalid("TargetValue must be in the range of -2^360 to 2^360")
	}
	_, counts := queueOf(c.PredefinedMetricSpecification)
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{
		Target:           aws.ToFloat64(c.TargetValue),
		ScaleOutCooldown: cooldown(c.ScaleOutCooldown, defaultCooldown(k)),
		ScaleInCooldown:  cooldown(c.ScaleInCooldown, defaultCooldown(k)),
		DisableScaleIn:   aws.ToBool(c.DisableScaleIn),
		OfTasks:          c.PredefinedMetricSpecification != nil && !counts,
		AtZero:           counts,
	})
	if err != nil {
		return nil, fault.Rule(err)
	}
	return rule, nil
}

func checkPredefined(k scaling.Kind, m *types.PredefinedMetricSpecification) error {
	var known bool
	switch m.PredefinedMetricType {
	case podCPU, podMemory:
		known = k == scaling.Scales
	case requestCountPerTarget:
		known = k == scaling.Services || k == scaling.Scales
	case cpuUtilization, memoryUtilization, cpuHighResolution, memoryHighResolution:
		known = k == scaling.Services
	case provisionedUtilization:
		known = k == scaling.Functions
	case backlogPerTask:
		if k != scaling.Functions {
			return checkQueueLabel(m)
		}
	}
	if !known {
		return fault.Invalid("Predefined metric type %s is not supported for scalable dimension %s", m.PredefinedMetricType, dimension(k))
	}
	return checkLabel(string(m.PredefinedMetricType), m.ResourceLabel, m.PredefinedMetricType == requestCountPerTarget)
}

func checkCustomized(m *types.CustomizedMetricSpecification) error {
	if len(m.Metrics) > 0 {
		return checkQueries(m)
	}
	if aws.ToString(m.Namespace) == "" || aws.ToString(m.MetricName) == "" || m.Statistic == "" {
		return fault.Invalid("MetricName, Namespace and Statistic must be specified for a customized metric")
	}
	return checkMetric(m.Namespace, m.MetricName, aws.ToString(m.Unit), m.Dimensions)
}

// SameMetric reports whether two policies are of target tracking, and follow one
// metric.
func (p Policy) SameMetric(other Policy) bool {
	a, b := p.Tracking, other.Tracking
	if a == nil || b == nil {
		return false
	}
	if x, y := a.PredefinedMetricSpecification, b.PredefinedMetricSpecification; x != nil && y != nil {
		return x.PredefinedMetricType == y.PredefinedMetricType && subject(x) == subject(y)
	}
	if x, y := a.CustomizedMetricSpecification, b.CustomizedMetricSpecification; x != nil && y != nil {
		return sameQueries(x.Metrics, y.Metrics) &&
			aws.ToString(x.Namespace) == aws.ToString(y.Namespace) &&
			aws.ToString(x.MetricName) == aws.ToString(y.MetricName) &&
			x.Statistic == y.Statistic && aws.ToString(x.Unit) == aws.ToString(y.Unit) &&
			slices.Equal(sortedDimensions(x.Dimensions), sortedDimensions(y.Dimensions))
	}
	return false
}
