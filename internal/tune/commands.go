package tune

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/hcl"
)

// WriteCommands writes the lines of the AWS CLI that put a candidate in place.
func (s Subject) WriteCommands(w io.Writer, c Candidate) error {
	d := s.Documents(c)
	var b strings.Builder
	b.WriteString("#!/bin/sh\nset -eu\n")
	scale := func(operation string, args ...string) string {
		return fmt.Sprintf("aws application-autoscaling %s --service-namespace ecs \\\n  --scalable-dimension ecs:service:DesiredCount --resource-id %s \\\n  %s",
			operation, quote(s.ResourceID), strings.Join(args, " \\\n  "))
	}
	fmt.Fprintf(&b, "\n%s\n", scale("register-scalable-target", fmt.Sprintf("--min-capacity %d --max-capacity %d", c.Min, c.Max)))
	for _, p := range d.Policies {
		flag, value := configOf(p)
		put := scale("put-scaling-policy", "--policy-name "+quote(aws.ToString(p.PolicyName))+" --policy-type "+string(p.PolicyType), flag+" "+quote(compact(value)))
		if p.PolicyType != types.PolicyTypeStepScaling {
			fmt.Fprintf(&b, "\n%s\n", put)
			continue
		}
		fmt.Fprintf(&b, "\npolicy=$(%s \\\n  --query PolicyARN --output text)\n", put)
		for _, a := range d.Alarms {
			if *a.AlarmName == *p.PolicyName {
				b.WriteString(s.alarmCommand(a))
			}
		}
	}
	for _, a := range d.Actions {
		fmt.Fprintf(&b, "\n%s\n", scale("put-scheduled-action", "--scheduled-action-name "+quote(aws.ToString(a.ScheduledActionName)),
			"--schedule "+quote(aws.ToString(a.Schedule)),
			fmt.Sprintf("--scalable-target-action MinCapacity=%d,MaxCapacity=%d", *a.ScalableTargetAction.MinCapacity, *a.ScalableTargetAction.MaxCapacity)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// configOf is the configuration of a policy with the flag that takes it.
func configOf(p types.ScalingPolicy) (flag string, value any) {
	switch p.PolicyType {
	case types.PolicyTypeStepScaling:
		return "--step-scaling-policy-configuration", p.StepScalingPolicyConfiguration
	case types.PolicyTypePredictiveScaling:
		return "--predictive-scaling-policy-configuration", p.PredictiveScalingPolicyConfiguration
	}
	return "--target-tracking-scaling-policy-configuration", p.TargetTrackingScalingPolicyConfiguration
}

// alarmCommand puts the alarm of a step policy, whose ARN the shell has.
func (s Subject) alarmCommand(a cwtypes.MetricAlarm) string {
	cluster, service := s.names()
	return fmt.Sprintf("aws cloudwatch put-metric-alarm --alarm-name %s --alarm-actions \"$policy\" \\\n"+
		"  --namespace %s --metric-name %s --dimensions %s %s \\\n"+
		"  --statistic %s --period %d --evaluation-periods %d --datapoints-to-alarm %d \\\n  --comparison-operator %s --threshold %v\n",
		quote(aws.ToString(a.AlarmName)), *a.Namespace, *a.MetricName, quote("Name=ClusterName,Value="+cluster), quote("Name=ServiceName,Value="+service),
		a.Statistic, *a.Period, *a.EvaluationPeriods, *a.DatapointsToAlarm, a.ComparisonOperator, *a.Threshold)
}

// names are cluster and service of the target.
func (s Subject) names() (cluster, service string) {
	parts := strings.Split(s.ResourceID, "/")
	return parts[len(parts)-2], parts[len(parts)-1]
}

// compact is a value as JSON, without members that are not given.
func compact(v any) string {
	text, err := json.Marshal(hcl.Given(v))
	if err != nil {
		return ""
	}
	return string(text)
}

// quote is a word for the shell.
func quote(word string) string {
	if !strings.ContainsAny(word, " \t\n'\"\\$`*?()[]{}<>|&;#~!") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
