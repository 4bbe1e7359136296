package autoscaling

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/uuid"

	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

// alarmsAtOnce is how many alarms a call of CloudWatch takes.
const alarmsAtOnce = 100

// alarmPrefix begins the names of the alarms of target tracking policies.
const alarmPrefix = "TargetTracking-"

// policyAlarms are the alarms of policies in CloudWatch. Its errors are answers.
// What it writes is part of the change that the context comes from.
type policyAlarms struct{ client CloudWatch }

// put makes or changes the alarms of a target tracking policy, which takes the
// place of an old one if there is one. They keep their names as long as the policy
// keeps its metric.
func (a policyAlarms) put(ctx context.Context, pace rules.Pace, p, old *policy) error {
	if old != nil && !p.SameMetric(old.Policy) {
		p.Alarms = nil
	}
	var err error
	if p.Alarms, err = a.write(ctx, pace, p); err != nil || old == nil {
		return err
	}
	kept := func(name string) bool { return slices.Contains(p.Alarms, name) }
	return a.delete(ctx, slices.DeleteFunc(slices.Clone(old.Alarms), kept))
}

// write puts the alarms of a target tracking policy, and returns their names.
// Those that it has already keep them.
func (a policyAlarms) write(ctx context.Context, pace rules.Pace, p *policy) (names []string, err error) {
	called := slices.Clone(p.Alarms)
	for _, side := range []string{"High", "Low"}[len(called):] {
		called = append(called, alarmPrefix+string(p.ResourceID)+"-Alarm"+side+"-"+uuid.NewString())
	}
	inputs := p.AlarmInputs(rules.AlarmSetting{
		Resource: p.ResourceID, PolicyARN: p.ARN, Rule: p.rule.(scaling.TargetTracking), Pace: pace, High: called[0], Low: called[1],
	})
	for _, in := range inputs {
		if _, err := a.client.PutMetricAlarm(ctx, in); err != nil {
			return nil, fault.Alarms(err)
		}
		names = append(names, *in.AlarmName)
	}
	return names, nil
}

// delete deletes alarms. Some may be gone: their owner can delete them by hand.
func (a policyAlarms) delete(ctx context.Context, names []string) error {
	remove := func(names []string) error {
		_, err := a.client.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	}
	for batch := range slices.Chunk(names, alarmsAtOnce) {
		err := remove(batch)
		if isMissing(err) { // the call deletes none if one is missing
			err = nil
			for _, name := range batch {
				if one := remove([]string{name}); one != nil && !isMissing(one) {
					err = one
				}
			}
		}
		if err != nil {
			return fault.Alarms(err)
		}
	}
	return nil
}

func isMissing(err error) bool {
	return errors.As(err, new(*cwtypes.ResourceNotFound)) || errors.As(err, new(*cwtypes.ResourceNotFoundException))
}

// described are the metric alarms with some names that there are, by name.
func (a policyAlarms) described(ctx context.Context, names []string) (map[string]*cwtypes.MetricAlarm, error) {
	alarms := make(map[string]*cwtypes.MetricAlarm, len(names))
	for batch := range slices.Chunk(names, alarmsAtOnce) {
		out, err := a.client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: batch, MaxRecords: aws.Int32(alarmsAtOnce), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm},
		})
		if err != nil {
			return nil, fault.Alarms(err)
		}
		for i := range out.MetricAlarms {
			m := &out.MetricAlarms[i]
			alarms[aws.ToString(m.AlarmName)] = m
		}
	}
	return alarms, nil
}

// calling are the users' alarms whose action is a step policy.
func (a policyAlarms) calling(ctx context.Context, policyARN string) ([]types.Alarm, error) {
	found, err := a.client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{ActionPrefix: aws.String(policyARN)})
	if err != nil {
		return nil, fault.Alarms(err)
	}
	alarms := make([]types.Alarm, 0, len(found.MetricAlarms)+len(found.CompositeAlarms))
	for _, m := range found.MetricAlarms {
		alarms = append(alarms, types.Alarm{AlarmName: m.AlarmName, AlarmARN: m.AlarmArn})
	}
	for _, c := range found.CompositeAlarms {
		alarms = append(alarms, types.Alarm{AlarmName: c.AlarmName, AlarmARN: c.AlarmArn})
	}
	return alarms, nil
}

// lacking reports whether alarms of a policy are not there.
func (a policyAlarms) lacking(ctx context.Context, p *policy) (bool, error) {
	if p.Tracking == nil {
		return false, nil
	}
	out, err := a.client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: p.Alarms})
	if err != nil {
		return false, fault.Alarms(err)
	}
	return len(p.Alarms) == 0 || len(out.MetricAlarms) < len(p.Alarms), nil
}
