package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/awscommand"
	"flyball/internal/policydoc"
	"flyball/scaling"
)

// usualPolicy are the fields of a policy of any kind, and what they are at first.
var usualPolicy = map[string]string{
	"kind": "tracking", "name": "",
	"metric": "cpu", "target": "50", "out": "60", "in": "60", "no-in": "",
	"step-metric": "cpu", "side": "above", "threshold": "70", "minutes": "1", "adjustment": "ChangeInCapacity", "steps": "0:1, 20:3", "cooldown": "60",
	"schedule": "cron(0 8 * * ? *)", "zone": "", "schedule-min": "2", "schedule-max": "",
	"m1-namespace": "", "m1-name": "", "m1-dimensions": "", "m1-stat": "Average", "m1-unit": "", "m2-namespace": "", "m2-name": "", "m2-dimensions": "", "m2-stat": "Average", "m2-unit": "",
	"m3-namespace": "", "m3-name": "", "m3-dimensions": "", "m3-stat": "Average", "m3-unit": "", "expression": "",
	"ahead-metric": "cpu", "ahead-target": "50", "mode": "ForecastOnly", "buffer": "300",
}

// A policyChoice is what a form of a policy offers.
type policyChoice struct {
	typed
	Kinds    []choice
	Metrics  []choice // that can be forecast
	Tracked  []choice // of target tracking
	Measured []choice // of alarms
}

// Adjustments are what steps can mean.
func (policyChoice) Adjustments() []choice {
	return []choice{{"ChangeInCapacity", "tasks"}, {"PercentChangeInCapacity", "percent of the tasks"}, {"ExactCapacity", "tasks exactly"}}
}

// Sides are those of a threshold.
func (policyChoice) Sides() []choice {
	return []choice{{"above", "at or above"}, {"below", "at or below"}}
}

// Modes are those of predictive scaling.
func (policyChoice) Modes() []choice {
	return []choice{{"ForecastOnly", "Forecast only"}, {"ForecastAndScale", "Forecast and scale"}}
}

// policyKinds are the four.
var policyKinds = []choice{{"tracking", "Target tracking"}, {"step", "Step"}, {"scheduled", "Scheduled"}, {"predictive", "Predictive"}}

// newPolicyChoice offers the metrics that a service has.
func newPolicyChoice(t typed, label string) policyChoice {
	c := policyChoice{typed: t, Kinds: policyKinds, Measured: []choice{{"cpu", "Average CPU utilization"}, {"memory", "Average memory utilization"}}}
	c.Metrics = slices.Clone(c.Measured)
	if label != "" {
		c.Metrics = append(c.Metrics, choice{"requests", "Requests per target"})
	}
	c.Tracked = append(slices.Clone(c.Metrics), choice{ownMetric, "A metric of your own"}, choice{metricMath, "Metric math"})
	return c
}

// resourceLabel names the target group of a service as policies on its requests do; "" where
// nothing balances its load.
func resourceLabel(v *visit, groups []string) string {
	if len(groups) == 0 {
		return ""
	}
	out, err := v.Client.LoadBalancing.DescribeTargetGroups(v.r.Context(), &elb.DescribeTargetGroupsInput{TargetGroupArns: groups[:1]})
	if err != nil || len(out.TargetGroups) == 0 || len(out.TargetGroups[0].LoadBalancerArns) == 0 {
		return ""
	}
	_, balancer, _ := strings.Cut(out.TargetGroups[0].LoadBalancerArns[0], ":loadbalancer/")
	return balancer + "/" + groups[0][strings.LastIndexByte(groups[0], ':')+1:]
}

// A drafted policy is one that is not put yet: one of its parts, and of a step policy two.
type drafted struct {
	policy *applicationautoscaling.PutScalingPolicyInput
	alarm  *cloudwatch.PutMetricAlarmInput // that calls it
	action *applicationautoscaling.PutScheduledActionInput

	registered bool // its target is registered in the same plan
}

// A drafter reads a form about a service.
type drafter struct {
	typed
	cluster, service, label string
}

// draft reads what was typed. What only AWS refuses, it lets through.
func (d drafter) draft() (drafted, error) {
	name := cmp.Or(d.Get("name"), d.usualName())
	put := &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: d.id(), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, PolicyName: &name,
	}
	var err error
	switch d.Get("kind") {
	case "tracking":
		put.PolicyType = types.PolicyTypeTargetTrackingScaling
		put.TargetTrackingScalingPolicyConfiguration, err = d.tracking()
	case "step":
		put.PolicyType = types.PolicyTypeStepScaling
		out := drafted{policy: put}
		if put.StepScalingPolicyConfiguration, err = d.step(); err == nil {
			out.alarm, err = d.alarm(name)
		}
		return out, err
	case "predictive":
		put.PolicyType = types.PolicyTypePredictiveScaling
		put.PredictiveScalingPolicyConfiguration, err = d.predictive()
	case "scheduled":
		action, err := d.action(name)
		return drafted{action: action}, err
	default:
		return drafted{}, &fieldError{"", fmt.Sprintf("There is no kind of policy %q.", d.Get("kind"))}
	}
	return drafted{policy: put}, err
}

func (d drafter) id() *string { return aws.String(string(scaling.ServiceID(d.cluster, d.service))) }

// usualName is that of a policy which nobody has named.
func (d drafter) usualName() string {
	switch d.Get("kind") {
	case "tracking":
		return d.Get("metric") + "-target"
	case "step":
		return d.Get("step-metric") + "-" + d.Get("side")
	}
	return d.Get("kind")
}

func (d drafter) tracking() (*types.TargetTrackingScalingPolicyConfiguration, error) {
	c := &types.TargetTrackingScalingPolicyConfiguration{}
	target, err := d.number("target")
	if err != nil {
		return nil, err
	}
	c.TargetValue = &target
	switch metric := d.Get("metric"); metric {
	case ownMetric, metricMath:
		c.CustomizedMetricSpecification, err = d.customized(metric)
	default:
		c.PredefinedMetricSpecification, err = d.predefined(metric)
	}
	if err != nil {
		return nil, err
	}
	if c.ScaleOutCooldown, err = d.whole("out"); err != nil {
		return nil, err
	}
	if d.Get("no-in") != "" {
		c.DisableScaleIn = aws.Bool(true)
	}
	c.ScaleInCooldown, err = d.whole("in")
	return c, err
}

func (d drafter) predefined(metric string) (*types.PredefinedMetricSpecification, error) {
	switch metric {
	case "cpu":
		return &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageCPUUtilization}, nil
	case "memory":
		return &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageMemoryUtilization}, nil
	case "requests":
		if d.label == "" {
			return nil, &fieldError{"metric", "No load balancer sends requests to this service."}
		}
		return &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeALBRequestCountPerTarget, ResourceLabel: &d.label}, nil
	}
	return nil, &fieldError{"metric", fmt.Sprintf("There is no metric %q.", metric)}
}

func (d drafter) step() (*types.StepScalingPolicyConfiguration, error) {
	c := &types.StepScalingPolicyConfiguration{AdjustmentType: types.AdjustmentType(d.Get("adjustment")), MetricAggregationType: types.MetricAggregationTypeAverage}
	var err error
	if c.Cooldown, err = d.whole("cooldown"); err != nil {
		return nil, err
	}
	c.StepAdjustments, err = steps(d.Get("steps"), d.Get("side") == "below")
	return c, err
}

// steps reads steps away from a threshold, such as "0:1, 20:3": from it on 1 more, and from 20
// beyond it 3.
func steps(text string, below bool) ([]types.StepAdjustment, error) {
	wrong := func() error {
		return &fieldError{"steps", fmt.Sprintf("%q are no steps; write them such as 0:1, 20:3: from the threshold on 1 more, and from 20 beyond it 3.", text)}
	}
	var all []types.StepAdjustment
	before := -1.0
	for one := range strings.SplitSeq(text, ",") {
		from, change, is := strings.Cut(strings.TrimSpace(one), ":")
		bound, err := strconv.ParseFloat(strings.TrimSpace(from), 64)
		amount, err2 := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(change), "+"), 10, 32)
		if !is || err != nil || err2 != nil || !(bound > before) {
			return nil, wrong()
		}
		step := types.StepAdjustment{ScalingAdjustment: aws.Int32(int32(amount))}
		if below {
			step.MetricIntervalUpperBound = aws.Float64(-bound)
		} else {
			step.MetricIntervalLowerBound = aws.Float64(bound)
		}
		if n := len(all); n > 0 && below {
			all[n-1].MetricIntervalLowerBound = aws.Float64(-bound)
		} else if n > 0 {
			all[n-1].MetricIntervalUpperBound = aws.Float64(bound)
		}
		all, before = append(all, step), bound
	}
	return all, nil
}

// alarm is the one that calls a step policy.
func (d drafter) alarm(policy string) (*cloudwatch.PutMetricAlarmInput, error) {
	metric := map[string]string{"cpu": "CPUUtilization", "memory": "MemoryUtilization"}[d.Get("step-metric")]
	if metric == "" {
		return nil, &fieldError{"step-metric", fmt.Sprintf("There is no metric %q.", d.Get("step-metric"))}
	}
	threshold, err := d.number("threshold")
	if err != nil {
		return nil, err
	}
	minutes, err := d.whole("minutes")
	if err != nil {
		return nil, err
	}
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(d.cluster + "-" + d.service + "-" + policy), Namespace: aws.String("AWS/ECS"), MetricName: &metric,
		Dimensions: []cwtypes.Dimension{{Name: aws.String("ClusterName"), Value: &d.cluster}, {Name: aws.String("ServiceName"), Value: &d.service}},
		Statistic:  cwtypes.StatisticAverage, Period: aws.Int32(60), EvaluationPeriods: cmp.Or(minutes, aws.Int32(1)), Threshold: &threshold,
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
	}
	if d.Get("side") == "below" {
		in.ComparisonOperator = cwtypes.ComparisonOperatorLessThanOrEqualToThreshold
	}
	return in, nil
}

func (d drafter) action(name string) (*applicationautoscaling.PutScheduledActionInput, error) {
	in := &applicationautoscaling.PutScheduledActionInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: d.id(), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ScheduledActionName: &name, Schedule: aws.String(d.Get("schedule")), ScalableTargetAction: &types.ScalableTargetAction{},
	}
	if zone := d.Get("zone"); zone != "" {
		in.Timezone = &zone
	}
	var err error
	if in.ScalableTargetAction.MinCapacity, err = d.whole("schedule-min"); err == nil {
		in.ScalableTargetAction.MaxCapacity, err = d.whole("schedule-max")
	}
	return in, err
}

func (d drafter) predictive() (*types.PredictiveScalingPolicyConfiguration, error) {
	metric := map[string]string{"cpu": "ECSServiceCPUUtilization", "memory": "ECSServiceMemoryUtilization", "requests": "ALBRequestCount"}[d.Get("ahead-metric")]
	if metric == "" || d.Get("ahead-metric") == "requests" && d.label == "" {
		return nil, &fieldError{"ahead-metric", fmt.Sprintf("There is no metric %q of this service.", d.Get("ahead-metric"))}
	}
	target, err := d.number("ahead-target")
	if err != nil {
		return nil, err
	}
	pair := &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: &metric}
	if d.Get("ahead-metric") == "requests" {
		pair.ResourceLabel = &d.label
	}
	c := &types.PredictiveScalingPolicyConfiguration{
		Mode:                 types.PredictiveScalingMode(d.Get("mode")),
		MetricSpecifications: []types.PredictiveScalingMetricSpecification{{TargetValue: &target, PredefinedMetricPairSpecification: pair}},
	}
	c.SchedulingBufferTime, err = d.whole("buffer")
	return c, err
}

// plan are the calls that put it.
func (d drafted) plan(v *visit) plan {
	c := v.Client
	if in := d.action; in != nil {
		return plan{{
			Title: "Schedule " + *in.ScheduledActionName, Command: awscommand.Format("application-autoscaling", "put-scheduled-action", in), HCL: actionHCL(in, d.registered), part: "scheduled",
			send: func(ctx context.Context) error {
				_, err := c.AutoScaling.PutScheduledAction(ctx, in)
				return err
			},
		}}
	}
	in, arn := d.policy, new(string)
	part := map[types.PolicyType]string{types.PolicyTypeStepScaling: "step", types.PolicyTypePredictiveScaling: "predictive"}[in.PolicyType]
	command := awscommand.Format("application-autoscaling", "put-scaling-policy", in)
	if d.alarm != nil {
		command = "policy=$(" + command + " \\\n    --query PolicyARN --output text)"
	}
	all := plan{{
		Title: "Policy " + *in.PolicyName, Command: command, HCL: policyHCL(in, d.registered), part: cmp.Or(part, "tracking"),
		send: func(ctx context.Context) error {
			out, err := c.AutoScaling.PutScalingPolicy(ctx, in)
			if err == nil {
				*arn = aws.ToString(out.PolicyARN)
			}
			return err
		},
	}}
	if alarm := d.alarm; alarm != nil {
		shown := *alarm
		shown.AlarmActions = []string{"$policy"}
		all = append(all, planned{
			Title: "Alarm " + *alarm.AlarmName, part: "alarm", HCL: alarmHCL(alarm, *in.PolicyName),
			Command: strings.Replace(awscommand.Format("cloudwatch", "put-metric-alarm", &shown), "'$policy'", `"$policy"`, 1),
			send: func(ctx context.Context) error {
				sent := *alarm
				sent.AlarmActions = []string{*arn}
				_, err := c.CloudWatch.PutMetricAlarm(ctx, &sent)
				return err
			},
		})
	}
	return all
}

// draftARN stands for that of a policy that is not put yet.
const draftARN = "arn:of:the-draft"

// in are documents of the service with the policy in place of one of its name, and of an alarm.
func (d drafted) in(all policydoc.Documents) policydoc.Documents {
	if a := d.action; a != nil {
		all.Actions = append(without(all.Actions, func(o types.ScheduledAction) bool {
			return aws.ToString(o.ScheduledActionName) == *a.ScheduledActionName
		}),
			types.ScheduledAction{
				ScheduledActionName: a.ScheduledActionName, ResourceId: a.ResourceId, Schedule: a.Schedule, Timezone: a.Timezone, ScalableTargetAction: a.ScalableTargetAction,
			})
		return all
	}
	p := types.ScalingPolicy{
		PolicyName: d.policy.PolicyName, PolicyType: d.policy.PolicyType, ResourceId: d.policy.ResourceId, PolicyARN: aws.String(draftARN),
		TargetTrackingScalingPolicyConfiguration: d.policy.TargetTrackingScalingPolicyConfiguration,
		StepScalingPolicyConfiguration:           d.policy.StepScalingPolicyConfiguration,
		PredictiveScalingPolicyConfiguration:     d.policy.PredictiveScalingPolicyConfiguration,
	}
	all.Policies = append(without(all.Policies, func(o types.ScalingPolicy) bool { return aws.ToString(o.PolicyName) == *p.PolicyName }), p)
	if a := d.alarm; a != nil {
		all.Alarms = append(without(all.Alarms, func(o cwtypes.MetricAlarm) bool { return aws.ToString(o.AlarmName) == *a.AlarmName }), cwtypes.MetricAlarm{
			AlarmName: a.AlarmName, AlarmActions: []string{draftARN}, Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions, Statistic: a.Statistic,
			Period: a.Period, EvaluationPeriods: a.EvaluationPeriods, Threshold: a.Threshold, ComparisonOperator: a.ComparisonOperator,
		})
	}
	return all
}

func without[T any](all []T, is func(T) bool) []T { return slices.DeleteFunc(slices.Clone(all), is) }

// joined are the fields of two forms.
func joined(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
