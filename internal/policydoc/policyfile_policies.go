package policydoc

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.yaml.in/yaml/v4"
)

// A filePolicy is a policy of a file: short, or as AWS has it.
type filePolicy struct {
	Metric *yaml.Node `yaml:"metric" about:"cpu, memory, requests (for each target) or backlog (messages for each task), or a metric as AWS has it; the policy's name by default"`

	Target           *float64 `yaml:"target" about:"value that the metric is kept at (target tracking)" more:"0"`
	ScaleOutCooldown *int32   `yaml:"scaleOutCooldown" about:"seconds; 300 by default" least:"0"`
	ScaleInCooldown  *int32   `yaml:"scaleInCooldown" about:"seconds; 300 by default" least:"0"`
	ScaleIn          *bool    `yaml:"scaleIn" about:"false never scales in"`

	Steps    []fileStep `yaml:"steps" about:"what is added when the metric is above, or below, a threshold (step scaling)"`
	Above    *float64   `yaml:"above" about:"threshold from which on steps are taken"`
	Below    *float64   `yaml:"below" about:"threshold down from which steps are taken"`
	Periods  *int32     `yaml:"periods" about:"periods in a row that have to breach the threshold; 1 by default" least:"1"`
	Period   *int32     `yaml:"period" about:"seconds of a period; 60 by default" least:"10"`
	Cooldown *int32     `yaml:"cooldown" about:"seconds; 300 by default" least:"0"`
	Change   fileChange `yaml:"change" about:"what steps add: a count of tasks (by default), percent of those there are, or the exact count"`

	Forecast *float64 `yaml:"forecast" about:"value that the metric is kept at by what is forecast (predictive scaling)" more:"0"`
	Buffer   *int32   `yaml:"buffer" about:"seconds that tasks are started ahead" least:"0"`
	Only     bool     `yaml:"forecastOnly" about:"true forecasts without scaling"`

	Tracking   *types.TargetTrackingScalingPolicyConfiguration `yaml:"TargetTrackingScalingPolicyConfiguration" about:"target tracking as AWS has it"`
	Stepping   *types.StepScalingPolicyConfiguration           `yaml:"StepScalingPolicyConfiguration" about:"steps as AWS has them; alarms call the policy by its name"`
	Predictive *types.PredictiveScalingPolicyConfiguration     `yaml:"PredictiveScalingPolicyConfiguration" about:"predictive scaling as AWS has it"`
}

// A fileStep is taken between two distances from the threshold.
type fileStep struct {
	From float64  `yaml:"from" about:"distance from the threshold; 0 by default" least:"0"`
	To   *float64 `yaml:"to" about:"distance from the threshold; where the next step begins by default" least:"0"`
	Add  *int32   `yaml:"add" about:"what is added; less than 0 takes away"`
}

// A fileChange is what the steps of a policy add.
type fileChange string

// Values are the words for it.
func (fileChange) Values() []fileChange { return []fileChange{"count", "percent", "exact"} }

func (c fileChange) adjustment() types.AdjustmentType {
	switch c {
	case "percent":
		return types.AdjustmentTypePercentChangeInCapacity
	case "exact":
		return types.AdjustmentTypeExactCapacity
	}
	return types.AdjustmentTypeChangeInCapacity
}

// policyARN is what alarms of the same file call a policy by.
func policyARN(resource, name string) string { return resource + ":policyName/" + name }

// A policyOf is a policy of a file, with what the file says beside it.
type policyOf struct {
	filePolicy
	name, resource string
	at             *yaml.Node
}

// add adds the policy, and the alarm that calls it, in AWS's shapes.
func (p policyOf) add(d *Documents) error {
	out := types.ScalingPolicy{PolicyName: &p.name, PolicyARN: aws.String(policyARN(p.resource, p.name)), ResourceId: &p.resource}
	said := 0
	for _, one := range []bool{p.Target != nil, p.Steps != nil, p.Forecast != nil, p.Tracking != nil, p.Stepping != nil, p.Predictive != nil} {
		if one {
			said++
		}
	}
	if said != 1 {
		return wrong(p.at, "a policy has one of target, steps and forecast, or of the configurations as AWS has them")
	}
	if err := p.apart(); err != nil {
		return err
	}
	var err error
	switch {
	case p.Target != nil:
		out.TargetTrackingScalingPolicyConfiguration, err = p.tracking()
	case p.Steps != nil:
		var a cwtypes.MetricAlarm
		out.StepScalingPolicyConfiguration, a, err = p.steps()
		d.Alarms = append(d.Alarms, a)
	case p.Forecast != nil:
		out.PredictiveScalingPolicyConfiguration, err = p.predictive()
	default:
		out.TargetTrackingScalingPolicyConfiguration, out.StepScalingPolicyConfiguration, out.PredictiveScalingPolicyConfiguration = p.Tracking, p.Stepping, p.filePolicy.Predictive
	}
	switch {
	case out.StepScalingPolicyConfiguration != nil:
		out.PolicyType = types.PolicyTypeStepScaling
	case out.PredictiveScalingPolicyConfiguration != nil:
		out.PolicyType = types.PolicyTypePredictiveScaling
	default:
		out.PolicyType = types.PolicyTypeTargetTrackingScaling
	}
	labelKnownLater(&out)
	d.Policies = append(d.Policies, out)
	return err
}

// kinds are the members that belong to one of the kinds of policies.
var kinds = map[string][]string{
	"target":   {"target", "metric", "scaleOutCooldown", "scaleInCooldown", "scaleIn"},
	"steps":    {"steps", "metric", "above", "below", "periods", "period", "cooldown", "change"},
	"forecast": {"forecast", "metric", "buffer", "forecastOnly"},
}

// apart refuses members of another kind of policy.
func (p policyOf) apart() error {
	for kind, own := range kinds {
		if get(p.at, kind) == nil {
			continue
		}
		for i := 0; i+1 < len(p.at.Content); i += 2 {
			if name := p.at.Content[i]; !slices.Contains(own, name.Value) {
				return wrong(name, "%s does not belong to a policy with %s; %s do", name.Value, kind, strings.Join(own[1:], ", "))
			}
		}
	}
	if p.Target == nil && p.Steps == nil && p.Forecast == nil && len(p.at.Content) > 2 {
		return wrong(p.at, "a policy as AWS has it has no other members: remove them")
	}
	return nil
}

// A shortMetric is a metric that has a short name.
type shortMetric struct {
	predefined      types.MetricType // of target tracking
	pair            string           // of predictive scaling
	namespace, name string
	statistic       cwtypes.Statistic
}

var shortMetrics = map[string]shortMetric{
	"cpu":      {types.MetricTypeECSServiceAverageCPUUtilization, "ECSServiceCPUUtilization", "AWS/ECS", "CPUUtilization", cwtypes.StatisticAverage},
	"memory":   {types.MetricTypeECSServiceAverageMemoryUtilization, "ECSServiceMemoryUtilization", "AWS/ECS", "MemoryUtilization", cwtypes.StatisticAverage},
	"requests": {types.MetricTypeALBRequestCountPerTarget, "ALBRequestCount", "AWS/ApplicationELB", "RequestCountPerTarget", cwtypes.StatisticSum},
	"backlog":  {"", "", "Flyball/SQS", "BacklogPerTask", cwtypes.StatisticAverage},
}

// metric is the metric of a policy: one with a short name, or one as AWS has it.
func (p policyOf) metric() (shortMetric, *types.CustomizedMetricSpecification, error) {
	short := []string{"cpu", "memory", "requests", "backlog"}
	if p.Metric == nil {
		m, known := shortMetrics[p.name]
		if !known {
			return m, nil, wrong(p.at, "it has no metric: write metric: cpu, %s, or a metric as AWS has it", strings.Join(short[1:], ", "))
		}
		return m, nil, nil
	}
	if p.Metric.Kind == yaml.ScalarNode {
		m, known := shortMetrics[p.Metric.Value]
		if !known {
			return m, nil, within(unknown(p.Metric, short), "metric")
		}
		return m, nil, nil
	}
	var own types.CustomizedMetricSpecification
	err := handwritten.fill(p.Metric, &own)
	if err == nil && len(own.Metrics) == 0 && (own.MetricName == nil || own.Namespace == nil) {
		err = wrong(p.Metric, "a metric has a MetricName and a Namespace")
	}
	return shortMetric{}, &own, within(err, "metric")
}

func (p policyOf) tracking() (*types.TargetTrackingScalingPolicyConfiguration, error) {
	m, own, err := p.metric()
	c := &types.TargetTrackingScalingPolicyConfiguration{
		TargetValue: p.Target, ScaleOutCooldown: p.ScaleOutCooldown, ScaleInCooldown: p.ScaleInCooldown, CustomizedMetricSpecification: own,
	}
	if p.ScaleIn != nil {
		c.DisableScaleIn = aws.Bool(!*p.ScaleIn)
	}
	switch {
	case own != nil || err != nil:
	case m.predefined != "":
		c.PredefinedMetricSpecification = &types.PredefinedMetricSpecification{PredefinedMetricType: m.predefined}
	default:
		c.CustomizedMetricSpecification = &types.CustomizedMetricSpecification{Namespace: &m.namespace, MetricName: &m.name, Statistic: types.MetricStatistic(m.statistic)}
	}
	return c, err
}

func (p policyOf) predictive() (*types.PredictiveScalingPolicyConfiguration, error) {
	m, own, err := p.metric()
	if err == nil && (own != nil || m.pair == "") {
		err = wrong(p.at, "predictive scaling is by cpu, memory or requests")
	}
	c := &types.PredictiveScalingPolicyConfiguration{
		Mode: types.PredictiveScalingModeForecastAndScale, SchedulingBufferTime: p.Buffer,
		MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
			TargetValue: p.Forecast, PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: &m.pair},
		}},
	}
	if p.Only {
		c.Mode = types.PredictiveScalingModeForecastOnly
	}
	return c, err
}

// steps are the steps of a policy, and the alarm that calls it.
func (p policyOf) steps() (*types.StepScalingPolicyConfiguration, cwtypes.MetricAlarm, error) {
	m, own, err := p.metric()
	a := cwtypes.MetricAlarm{
		AlarmName: aws.String(p.name), Namespace: &m.namespace, MetricName: &m.name, Statistic: m.statistic,
		Period: cmp.Or(p.Period, aws.Int32(60)), EvaluationPeriods: cmp.Or(p.Periods, aws.Int32(1)), AlarmActions: []string{policyARN(p.resource, p.name)},
		Threshold: cmp.Or(p.Above, p.Below), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
	}
	if p.Below != nil {
		a.ComparisonOperator = cwtypes.ComparisonOperatorLessThanOrEqualToThreshold
	}
	switch {
	case err != nil:
		return nil, a, err
	case (p.Above == nil) == (p.Below == nil):
		return nil, a, wrong(p.at, "a policy with steps has one of above and below: the threshold from which on they are taken")
	case own != nil && len(own.Metrics) > 0:
		return nil, a, wrong(p.Metric, "metric math of a step policy belongs to its alarm: write StepScalingPolicyConfiguration, and the alarm under alarms")
	case own != nil:
		a.Namespace, a.MetricName, a.Statistic = own.Namespace, own.MetricName, cwtypes.Statistic(cmp.Or(own.Statistic, types.MetricStatisticAverage))
	}
	c := &types.StepScalingPolicyConfiguration{AdjustmentType: p.Change.adjustment(), Cooldown: p.Cooldown}
	for i, s := range p.Steps {
		at := get(p.at, "steps").Content[i]
		if s.Add == nil {
			return nil, a, within(wrong(at, "a step has add: what is added to the tasks"), "steps")
		}
		from, to := &s.From, s.To
		if to == nil && i+1 < len(p.Steps) {
			to = &p.Steps[i+1].From
		}
		if to != nil && *to <= *from {
			return nil, a, within(wrong(at, "the step ends at %g and begins at %g: write steps in order, each with from", *to, *from), "steps")
		}
		if p.Below != nil {
			from, to = negative(to), negative(from)
		}
		c.StepAdjustments = append(c.StepAdjustments, types.StepAdjustment{MetricIntervalLowerBound: from, MetricIntervalUpperBound: to, ScalingAdjustment: s.Add})
	}
	return c, a, nil
}

func negative(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return aws.Float64(0 - *v)
}
