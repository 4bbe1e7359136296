package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/awscommand"
	"flyball/internal/hcl"
	"flyball/internal/policydoc"
)

// written are documents as people change them: what AWS describes, without what it adds.
func documentsText(d policydoc.Documents) (string, error) {
	d = bare(d)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(hcl.Given(struct {
		ScalableTargets  []types.ScalableTarget  `json:",omitempty"`
		ScalingPolicies  []types.ScalingPolicy   `json:",omitempty"`
		ScheduledActions []types.ScheduledAction `json:",omitempty"`
		MetricAlarms     []cwtypes.MetricAlarm   `json:",omitempty"`
	}{d.Targets, d.Policies, d.Actions, d.Alarms}))
	return text.String(), err
}

// bare are documents without what AWS adds to them.
func bare(d policydoc.Documents) policydoc.Documents {
	d.Targets, d.Policies, d.Actions = slices.Clone(d.Targets), slices.Clone(d.Policies), slices.Clone(d.Actions)
	for i, t := range d.Targets {
		d.Targets[i] = types.ScalableTarget{
			ServiceNamespace: t.ServiceNamespace, ResourceId: t.ResourceId, ScalableDimension: t.ScalableDimension,
			MinCapacity: t.MinCapacity, MaxCapacity: t.MaxCapacity, SuspendedState: t.SuspendedState,
		}
	}
	var called []string
	for i := range d.Policies {
		p := &d.Policies[i]
		p.Alarms, p.CreationTime = nil, nil
		if p.StepScalingPolicyConfiguration != nil {
			called = append(called, aws.ToString(p.PolicyARN))
		} else {
			p.PolicyARN = nil
		}
	}
	for i := range d.Actions {
		d.Actions[i].ScheduledActionARN, d.Actions[i].CreationTime = nil, nil
	}
	var alarms []cwtypes.MetricAlarm
	for _, a := range d.Alarms {
		if slices.ContainsFunc(a.AlarmActions, func(arn string) bool { return slices.Contains(called, arn) }) {
			alarms = append(alarms, cwtypes.MetricAlarm{
				AlarmName: a.AlarmName, AlarmActions: a.AlarmActions, Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions, Statistic: a.Statistic,
				ExtendedStatistic: a.ExtendedStatistic, Metrics: a.Metrics, Period: a.Period, EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm,
				Threshold: a.Threshold, ComparisonOperator: a.ComparisonOperator, TreatMissingData: a.TreatMissingData,
			})
		}
	}
	d.Alarms = alarms
	return d
}

// readDocuments reads documents that are to be those of one service, whichever they name.
func readDocuments(v *visit, text, resource string) (policydoc.Documents, error) {
	d, err := policydoc.Options{Region: v.Region, Account: v.Account}.Read(strings.NewReader(text))
	if err == nil {
		d, err = d.Choose("")
	}
	if err != nil {
		return d, &fieldError{"documents", sentence(err)}
	}
	switch names := d.Resources(); {
	case slices.Contains(names, resource):
		d = d.Of(resource)
	case len(names) > 1:
		return d, &fieldError{"documents", "They are of several services: " + strings.Join(names, ", ") + "."}
	case len(names) == 1:
		d = d.Of(names[0])
	}
	for i := range d.Targets {
		d.Targets[i].ResourceId = &resource
	}
	for i := range d.Policies {
		d.Policies[i].ResourceId = &resource
	}
	for i := range d.Actions {
		d.Actions[i].ResourceId = &resource
	}
	return d, nil
}

// replacing are the calls that put documents of a service in the place of those that it has.
func replacing(v *visit, resource string, before, after policydoc.Documents) (all plan, err error) {
	if len(after.Autoscalers) > 0 {
		return nil, errors.New("another autoscaler than AWS's can be simulated here, and not be put in place")
	}
	id, registers := aws.String(resource), false
	before, after = bare(before), bare(after)
	for _, t := range after.Targets {
		if len(before.Targets) == 0 || !same(before.Targets[0].MinCapacity, t.MinCapacity) || !same(before.Targets[0].MaxCapacity, t.MaxCapacity) {
			registers = true
			all = append(all, register(v, &applicationautoscaling.RegisterScalableTargetInput{
				ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: id, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
				MinCapacity: t.MinCapacity, MaxCapacity: t.MaxCapacity,
			}, "bounds"))
		}
	}
	all = append(all, deletions(v, id, before, after)...) // first: of one metric there is one policy
	for _, p := range after.Policies {
		was, _ := policyNamed(before, aws.ToString(p.PolicyName))
		alarms := callers(after, p)
		if same(was.TargetTrackingScalingPolicyConfiguration, p.TargetTrackingScalingPolicyConfiguration) && same(was.StepScalingPolicyConfiguration, p.StepScalingPolicyConfiguration) &&
			same(was.PredictiveScalingPolicyConfiguration, p.PredictiveScalingPolicyConfiguration) && same(rulesOf(callers(before, was)), rulesOf(alarms)) {
			continue
		}
		one := drafted{registered: registers, policy: &applicationautoscaling.PutScalingPolicyInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: id, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			PolicyName: p.PolicyName, PolicyType: p.PolicyType, TargetTrackingScalingPolicyConfiguration: p.TargetTrackingScalingPolicyConfiguration,
			StepScalingPolicyConfiguration: p.StepScalingPolicyConfiguration, PredictiveScalingPolicyConfiguration: p.PredictiveScalingPolicyConfiguration,
		}}
		if len(alarms) > 1 {
			return nil, fmt.Errorf("several alarms call policy %s: put them one by one", aws.ToString(p.PolicyName))
		}
		if len(alarms) == 1 {
			one.alarm = alarmInput(alarms[0])
		}
		all = append(all, one.plan(v)...)
	}
	for _, a := range after.Actions {
		if !slices.ContainsFunc(before.Actions, func(o types.ScheduledAction) bool { return same(o, a) }) {
			all = append(all, drafted{registered: registers, action: &applicationautoscaling.PutScheduledActionInput{
				ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: id, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
				ScheduledActionName: a.ScheduledActionName, Schedule: a.Schedule, Timezone: a.Timezone, StartTime: a.StartTime, EndTime: a.EndTime, ScalableTargetAction: a.ScalableTargetAction,
			}}.plan(v)...)
		}
	}
	return all, nil
}

// deletions are the calls that delete what documents do not have any more.
func deletions(v *visit, id *string, before, after policydoc.Documents) (all plan) {
	c := v.Client
	for _, p := range before.Policies {
		if _, there := policyNamed(after, aws.ToString(p.PolicyName)); there {
			continue
		}
		in := &applicationautoscaling.DeleteScalingPolicyInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: id, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, PolicyName: p.PolicyName,
		}
		all = append(all, planned{
			Title: "Without policy " + aws.ToString(p.PolicyName), Note: leftAlarms(before, p), Command: awscommand.Format("application-autoscaling", "delete-scaling-policy", in),
			send: func(ctx context.Context) error {
				_, err := c.AutoScaling.DeleteScalingPolicy(ctx, in)
				return err
			},
		})
	}
	for _, a := range before.Actions {
		if slices.ContainsFunc(after.Actions, func(o types.ScheduledAction) bool { return same(o.ScheduledActionName, a.ScheduledActionName) }) {
			continue
		}
		in := &applicationautoscaling.DeleteScheduledActionInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: id, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ScheduledActionName: a.ScheduledActionName,
		}
		all = append(all, planned{
			Title: "Without schedule " + aws.ToString(a.ScheduledActionName), Command: awscommand.Format("application-autoscaling", "delete-scheduled-action", in),
			send: func(ctx context.Context) error {
				_, err := c.AutoScaling.DeleteScheduledAction(ctx, in)
				return err
			},
		})
	}
	return all
}

// leftAlarms says which alarms stay behind when a policy is deleted.
func leftAlarms(d policydoc.Documents, p types.ScalingPolicy) string {
	var names []string
	if p.StepScalingPolicyConfiguration != nil {
		for _, a := range callers(d, p) {
			names = append(names, aws.ToString(a.AlarmName))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Its alarm stays, as on AWS, and calls nothing any more: " + strings.Join(names, ", ") + ". Its page deletes it."
}

// register is the call that sets the bounds of a target.
func register(v *visit, in *applicationautoscaling.RegisterScalableTargetInput, part string) planned {
	return planned{
		Title: "The bounds", part: part, Command: awscommand.Format("application-autoscaling", "register-scalable-target", in), HCL: targetHCL(in, ""),
		send: func(ctx context.Context) error {
			_, err := v.Client.AutoScaling.RegisterScalableTarget(ctx, in)
			return err
		},
	}
}

// same reports whether two values of the SDK say the same.
func same(a, b any) bool { return reflect.DeepEqual(hcl.Given(a), hcl.Given(b)) }

func policyNamed(d policydoc.Documents, name string) (types.ScalingPolicy, bool) {
	i := slices.IndexFunc(d.Policies, func(p types.ScalingPolicy) bool { return aws.ToString(p.PolicyName) == name })
	if i < 0 {
		return types.ScalingPolicy{}, false
	}
	return d.Policies[i], true
}

// callers are the alarms that call a step policy.
func callers(d policydoc.Documents, p types.ScalingPolicy) (all []cwtypes.MetricAlarm) {
	for _, a := range d.Alarms {
		if p.PolicyARN != nil && slices.Contains(a.AlarmActions, *p.PolicyARN) {
			all = append(all, a)
		}
	}
	return all
}

// rulesOf are alarms without the names of what they call.
func rulesOf(alarms []cwtypes.MetricAlarm) []cwtypes.MetricAlarm {
	all := slices.Clone(alarms)
	for i := range all {
		all[i].AlarmActions = nil
	}
	return all
}

// alarmInput is what puts an alarm.
func alarmInput(a cwtypes.MetricAlarm) *cloudwatch.PutMetricAlarmInput {
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: a.AlarmName, Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions, Statistic: a.Statistic, ExtendedStatistic: a.ExtendedStatistic,
		Metrics: a.Metrics, Period: a.Period, EvaluationPeriods: cmp.Or(a.EvaluationPeriods, aws.Int32(1)), DatapointsToAlarm: a.DatapointsToAlarm, Threshold: a.Threshold,
		ComparisonOperator: a.ComparisonOperator, TreatMissingData: a.TreatMissingData,
	}
}
