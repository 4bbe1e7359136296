package tune

import (
	"fmt"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/hcl"
)

// WriteTerraform writes the resources of Terraform's AWS provider that put a candidate in
// place.
func (s Subject) WriteTerraform(w io.Writer, c Candidate) error {
	d := s.Documents(c)
	cluster, service := s.names()
	name := hcl.Label(service)
	target := "aws_appautoscaling_target." + name
	of := hcl.Fields{
		{"service_namespace", hcl.Raw(target + ".service_namespace")},
		{"scalable_dimension", hcl.Raw(target + ".scalable_dimension")},
		{"resource_id", hcl.Raw(target + ".resource_id")},
	}
	t := &hcl.File{}
	if c.Forecast != (Predicted{}) {
		t.WriteString("# Predictive scaling needs version 6.13 of the provider, or a newer one.\n")
	}
	t.Resource("aws_appautoscaling_target", name, hcl.Fields{
		{"service_namespace", "ecs"}, {"scalable_dimension", "ecs:service:DesiredCount"}, {"resource_id", s.ResourceID},
		{"min_capacity", c.Min}, {"max_capacity", c.Max},
	})
	for _, p := range d.Policies {
		_, config := configOf(p)
		block := map[types.PolicyType]string{
			types.PolicyTypeStepScaling:           "step_scaling_policy_configuration",
			types.PolicyTypePredictiveScaling:     "predictive_scaling_policy_configuration",
			types.PolicyTypeTargetTrackingScaling: "target_tracking_scaling_policy_configuration",
		}[p.PolicyType]
		t.Resource("aws_appautoscaling_policy", hcl.Label(service+"-"+aws.ToString(p.PolicyName)), append(hcl.Fields{
			{"name", aws.ToString(p.PolicyName)}, {"policy_type", string(p.PolicyType)},
		}, append(slices.Clone(of), hcl.Field{block, hcl.Given(config)})...))
	}
	for _, a := range d.Alarms {
		t.Resource("aws_cloudwatch_metric_alarm", hcl.Label(service+"-"+*a.AlarmName), hcl.Fields{
			{"alarm_name", *a.AlarmName}, {"alarm_actions", hcl.Raw("[aws_appautoscaling_policy." + hcl.Label(service+"-"+*a.AlarmName) + ".arn]")},
			{"namespace", *a.Namespace}, {"metric_name", *a.MetricName},
			{"dimensions", hcl.Raw(fmt.Sprintf("{ ClusterName = %q, ServiceName = %q }", cluster, service))},
			{"statistic", string(a.Statistic)}, {"period", *a.Period}, {"evaluation_periods", *a.EvaluationPeriods}, {"datapoints_to_alarm", *a.DatapointsToAlarm},
			{"comparison_operator", string(a.ComparisonOperator)}, {"threshold", *a.Threshold},
		})
	}
	for _, a := range d.Actions {
		t.Resource("aws_appautoscaling_scheduled_action", hcl.Label(service+"-"+*a.ScheduledActionName), append(hcl.Fields{
			{"name", *a.ScheduledActionName}, {"schedule", *a.Schedule},
		}, append(slices.Clone(of), hcl.Field{"scalable_target_action", hcl.Given(a.ScalableTargetAction)})...))
	}
	_, err := io.WriteString(w, t.String())
	return err
}
