package rules

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/scaling"
)

// ReadPolicy reads a policy as DescribeScalingPolicies tells it, and its rule for a kind of
// target. The error of one that could not be put is in plain words.
func ReadPolicy(p types.ScalingPolicy, kind scaling.Kind) (Policy, scaling.Policy, error) {
	checked, err := Policy{}.With(&applicationautoscaling.PutScalingPolicyInput{
		PolicyName: p.PolicyName, PolicyType: p.PolicyType,
		StepScalingPolicyConfiguration:           p.StepScalingPolicyConfiguration,
		TargetTrackingScalingPolicyConfiguration: p.TargetTrackingScalingPolicyConfiguration,
		PredictiveScalingPolicyConfiguration:     p.PredictiveScalingPolicyConfiguration,
	})
	if err != nil {
		return checked, nil, Plain(err)
	}
	rule, err := checked.Compile(kind)
	return checked, rule, Plain(err)
}

// ReadSuspended reads what is suspended of a target as DescribeScalableTargets tells it; nil is
// nothing.
func ReadSuspended(s *types.SuspendedState) scaling.Suspended {
	if s == nil {
		return scaling.Suspended{}
	}
	return scaling.Suspended{
		In: aws.ToBool(s.DynamicScalingInSuspended), Out: aws.ToBool(s.DynamicScalingOutSuspended), Scheduled: aws.ToBool(s.ScheduledScalingSuspended),
	}
}

// ReadAlarm reads the rule of an alarm as DescribeAlarms tells it.
func ReadAlarm(m cwtypes.MetricAlarm) (alarm.Rule, error) {
	comparison, err := alarm.ParseComparison(string(m.ComparisonOperator))
	if err != nil || comparison.OfBand() {
		return alarm.Rule{}, fmt.Errorf("its comparison %s drives no policy", m.ComparisonOperator)
	}
	r := alarm.Rule{
		Comparison: comparison, Threshold: aws.ToFloat64(m.Threshold), Period: AlarmPeriod(m),
		Periods: max(1, aws.ToInt32(m.EvaluationPeriods)), Datapoints: aws.ToInt32(m.DatapointsToAlarm),
	}
	if r.Datapoints == r.Periods {
		r.Datapoints = 0
	}
	if text := aws.ToString(m.TreatMissingData); text != "" {
		if r.Missing, err = alarm.ParseTreatment(text); err != nil {
			return r, fmt.Errorf("its treatment of missing data %q is not known", text)
		}
	}
	return r, nil
}

// AlarmPeriod is the period of an alarm; one on metric math has it in its queries.
func AlarmPeriod(m cwtypes.MetricAlarm) time.Duration {
	seconds := aws.ToInt32(m.Period)
	for _, q := range m.Metrics {
		if q.MetricStat != nil {
			seconds = max(seconds, aws.ToInt32(q.MetricStat.Period))
		}
		seconds = max(seconds, aws.ToInt32(q.Period))
	}
	return time.Duration(cmp.Or(seconds, 60)) * time.Second
}

// Plain is an error of the API without its code.
func Plain(err error) error {
	var invalid *types.ValidationException
	if errors.As(err, &invalid) {
		return errors.New(aws.ToString(invalid.Message))
	}
	return err
}
