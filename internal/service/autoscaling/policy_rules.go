package autoscaling

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/optional"
	"flyball/scaling"
)

// defaultCooldown is what ECS services wait where a policy says nothing.
const defaultCooldown = 300 * time.Second

// Predefined metrics of ECS services. The SDKs do not list the high-resolution
// ones yet.
const (
	cpuUtilization        = types.MetricTypeECSServiceAverageCPUUtilization
	memoryUtilization     = types.MetricTypeECSServiceAverageMemoryUtilization
	cpuHighResolution     = types.MetricType("ECSServiceAverageCPUUtilizationHighResolution")
	memoryHighResolution  = types.MetricType("ECSServiceAverageMemoryUtilizationHighResolution")
	requestCountPerTarget = types.MetricTypeALBRequestCountPerTarget
)

// app/LB/ID/targetgroup/TG/ID
var resourceLabels = regexp.MustCompile(`^app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+$`)

// configure takes over what a request says about the policy. A member that is
// left out of an update keeps its value.
func (p *policy) configure(in *applicationautoscaling.PutScalingPolicyInput) error {
	// AWS had step scaling first, and takes it for policies that name no type.
	kind := cmp.Or(in.PolicyType, p.Type, types.PolicyTypeStepScaling)
	if p.Type != "" && kind != p.Type {
		return invalid("The type of a scaling policy cannot be changed: %s is a %s policy", p.Name, p.Type)
	}
	p.Type = kind
	for _, c := range []struct {
		kind  types.PolicyType
		given bool
	}{
		{types.PolicyTypeStepScaling, in.StepScalingPolicyConfiguration != nil},
		{types.PolicyTypeTargetTrackingScaling, in.TargetTrackingScalingPolicyConfiguration != nil},
		{types.PolicyTypePredictiveScaling, in.PredictiveScalingPolicyConfiguration != nil},
	} {
		if c.given && c.kind != kind {
			return invalid("%sPolicyConfiguration cannot be specified for policy type %s", c.kind, kind)
		}
	}
	p.Tracking = cmp.Or(in.TargetTrackingScalingPolicyConfiguration, p.Tracking)
	p.Step = cmp.Or(in.StepScalingPolicyConfiguration, p.Step)
	p.Predictive = cmp.Or(withDefaults(in.PredictiveScalingPolicyConfiguration), p.Predictive)
	return nil
}

// compile makes the rule of the policy's configuration, or says what is wrong
// with it.
func (p *policy) compile() (err error) {
	switch {
	case p.Type == types.PolicyTypeTargetTrackingScaling && p.Tracking != nil:
		p.rule, err = compileTracking(p.Tracking)
	case p.Type == types.PolicyTypeStepScaling && p.Step != nil:
		p.rule, err = compileStep(p.Step)
	case p.Type == types.PolicyTypePredictiveScaling && p.Predictive != nil:
		err = checkPredictive(p.Predictive) // no alarm calls it: it has no rule
	default:
		err = invalid("%sPolicyConfiguration must be specified for policy type %s", p.Type, p.Type)
	}
	return err
}

func compileTracking(c *types.TargetTrackingScalingPolicyConfiguration) (scaling.Policy, error) {
	switch pre, custom := c.PredefinedMetricSpecification, c.CustomizedMetricSpecification; {
	case (pre == nil) == (custom == nil):
		return nil, invalid("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified")
	case pre != nil:
		if err := checkPredefined(pre); err != nil {
			return nil, err
		}
	default:
		if err := checkCustomized(custom); err != nil {
			return nil, err
		}
	}
	// The documented range of TargetValue.
	if math.Abs(aws.ToFloat64(c.TargetValue)) > math.Ldexp(1, 360) {
		return nil, invalid("TargetValue must be in the range of -2^360 to 2^360")
	}
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{
		Target:           aws.ToFloat64(c.TargetValue),
		ScaleOutCooldown: cooldown(c.ScaleOutCooldown),
		ScaleInCooldown:  cooldown(c.ScaleInCooldown),
		DisableScaleIn:   aws.ToBool(c.DisableScaleIn),
	})
	if err != nil {
		return nil, invalidRule(err)
	}
	return rule, nil
}

func checkPredefined(m *types.PredefinedMetricSpecification) error {
	switch m.PredefinedMetricType {
	case requestCountPerTarget, cpuUtilization, memoryUtilization, cpuHighResolution, memoryHighResolution:
		return checkLabel(string(m.PredefinedMetricType), m.ResourceLabel, m.PredefinedMetricType == requestCountPerTarget)
	}
	return invalid("Predefined metric type %s is not supported for scalable dimension %s", m.PredefinedMetricType, dimension)
}

// checkLabel checks the resource label of a predefined metric: those of load
// balancers need one, others have none.
func checkLabel(metricType string, label *string, needed bool) error {
	switch {
	case !needed && label == nil:
		return nil
	case !needed:
		return invalid("Resource label cannot be specified for predefined metric type %s", metricType)
	case aws.ToString(label) == "":
		return invalid("Resource label should be specified for predefined metric type %s", metricType)
	case !resourceLabels.MatchString(*label):
		return invalid("Invalid resource label '%s' for predefined metric type %s: it must have the form app/LOAD-BALANCER/ID/targetgroup/TARGET-GROUP/ID", *label, metricType)
	}
	return nil
}

func checkCustomized(m *types.CustomizedMetricSpecification) error {
	if len(m.Metrics) > 0 {
		return checkQueries(m)
	}
	if aws.ToString(m.Namespace) == "" || aws.ToString(m.MetricName) == "" || m.Statistic == "" {
		return invalid("MetricName, Namespace and Statistic must be specified for a customized metric")
	}
	return checkMetric(m.Namespace, m.MetricName, aws.ToString(m.Unit), m.Dimensions)
}

func checkMetric(namespace, name *string, unitName string, dimensions []types.MetricDimension) error {
	if aws.ToString(namespace) == "" || aws.ToString(name) == "" {
		return invalid("A metric must have a Namespace and a MetricName")
	}
	if unit := cwtypes.StandardUnit(unitName); unit != "" && !slices.Contains(unit.Values(), unit) {
		return invalid("Unit must be one of %v", unit.Values())
	}
	if len(dimensions) > maxDimensions {
		return invalid("A metric can have %d dimensions at most", maxDimensions)
	}
	names := []bounded{{"Namespace", namespace, 255}, {"MetricName", name, 255}}
	for _, d := range dimensions {
		if aws.ToString(d.Name) == "" || aws.ToString(d.Value) == "" {
			return invalid("A metric dimension must have a name and a value")
		}
		names = append(names, bounded{"A dimension's name", d.Name, 255}, bounded{"A dimension's value", d.Value, 1024})
	}
	return checkLengths(names)
}

// What CloudWatch takes for a metric. It is checked here because the alarms are
// put in-process, past the checks of requests.
const maxDimensions = 30

type bounded struct {
	what string
	text *string
	most int // characters
}

func checkLengths(names []bounded) error {
	for _, n := range names {
		if utf8.RuneCountInString(*n.text) > n.most {
			return invalid("%s must not be longer than %d characters", n.what, n.most)
		}
	}
	return nil
}

func cooldown(seconds *int32) time.Duration {
	if seconds == nil {
		return defaultCooldown
	}
	return time.Duration(*seconds) * time.Second
}

var (
	adjustments = map[types.AdjustmentType]scaling.Adjustment{
		types.AdjustmentTypeChangeInCapacity:        scaling.ChangeInCapacity,
		types.AdjustmentTypeExactCapacity:           scaling.ExactCapacity,
		types.AdjustmentTypePercentChangeInCapacity: scaling.PercentChangeInCapacity,
	}
	aggregations = map[types.MetricAggregationType]scaling.Aggregation{
		"":                                 scaling.Average,
		types.MetricAggregationTypeAverage: scaling.Average,
		types.MetricAggregationTypeMinimum: scaling.Minimum,
		types.MetricAggregationTypeMaximum: scaling.Maximum,
	}
)

func compileStep(c *types.StepScalingPolicyConfiguration) (scaling.Policy, error) {
	adjustment, ok := adjustments[c.AdjustmentType]
	if !ok {
		return nil, invalid("AdjustmentType must be one of ChangeInCapacity, ExactCapacity and PercentChangeInCapacity")
	}
	aggregation, ok := aggregations[c.MetricAggregationType]
	if !ok {
		return nil, invalid("MetricAggregationType must be one of Average, Minimum and Maximum")
	}
	if len(c.StepAdjustments) > scaling.MaxSteps {
		return nil, limitExceeded("There can be at most %d step adjustments per scaling policy", scaling.MaxSteps)
	}
	steps := make([]scaling.StepAdjustment, len(c.StepAdjustments))
	for i, s := range c.StepAdjustments {
		if s.ScalingAdjustment == nil {
			return nil, invalid("ScalingAdjustment must be specified for a step adjustment")
		}
		steps[i] = scaling.StepAdjustment{Lower: math.Inf(-1), Upper: math.Inf(1), Amount: *s.ScalingAdjustment}
		optional.Set(&steps[i].Lower, s.MetricIntervalLowerBound)
		optional.Set(&steps[i].Upper, s.MetricIntervalUpperBound)
	}
	rule, err := scaling.NewStep(scaling.StepConfig{
		Adjustment:   adjustment,
		Steps:        steps,
		MinMagnitude: aws.ToInt32(c.MinAdjustmentMagnitude),
		Aggregation:  aggregation,
		Cooldown:     cooldown(c.Cooldown),
	})
	if err != nil {
		return nil, invalidRule(err)
	}
	return rule, nil
}

// sameMetric reports whether two target tracking policies follow one metric.
func sameMetric(a, b *types.TargetTrackingScalingPolicyConfiguration) bool {
	if a == nil || b == nil {
		return false
	}
	if x, y := a.PredefinedMetricSpecification, b.PredefinedMetricSpecification; x != nil && y != nil {
		return x.PredefinedMetricType == y.PredefinedMetricType && aws.ToString(x.ResourceLabel) == aws.ToString(y.ResourceLabel)
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

func sortedDimensions(dimensions []types.MetricDimension) []string {
	pairs := make([]string, len(dimensions))
	for i, d := range dimensions {
		pairs[i] = aws.ToString(d.Name) + "\x00" + aws.ToString(d.Value)
	}
	slices.SortFunc(pairs, strings.Compare)
	return pairs
}
