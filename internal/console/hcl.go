package console

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/hcl"
)

// resourceHCL is one resource of Terraform.
func resourceHCL(kind, name string, all hcl.Fields) string {
	var f hcl.File
	f.Resource(kind, label(name), all)
	return f.String()
}

// label is the last part of a name, as a resource of Terraform can have it.
func label(s string) string { return hcl.Label(s[strings.LastIndexByte(s, '/')+1:]) }

// given are the fields that have a value.
func given(all hcl.Fields) (some hcl.Fields) {
	for _, f := range all {
		switch v := f.Value.(type) {
		case nil:
			continue
		case *string:
			if v == nil || *v == "" {
				continue
			}
			f.Value = *v
		case *int32:
			if v == nil {
				continue
			}
			f.Value = *v
		}
		some = append(some, f)
	}
	return some
}

// targetHCL is a scalable target as Terraform has it.
func targetHCL(in *applicationautoscaling.RegisterScalableTargetInput) string {
	fields := given(hcl.Fields{
		{"service_namespace", string(in.ServiceNamespace)}, {"resource_id", in.ResourceId}, {"scalable_dimension", string(in.ScalableDimension)},
		{"min_capacity", in.MinCapacity}, {"max_capacity", in.MaxCapacity}, {"role_arn", in.RoleARN},
	})
	if s := in.SuspendedState; s != nil {
		fields = append(fields, hcl.Field{"suspended_state", hcl.Given(s)})
	}
	return resourceHCL("aws_appautoscaling_target", aws.ToString(in.ResourceId), fields)
}

// policyHCL is a policy as Terraform has it.
func policyHCL(in *applicationautoscaling.PutScalingPolicyInput) string {
	fields := hcl.Fields{
		{"name", aws.ToString(in.PolicyName)}, {"policy_type", string(in.PolicyType)}, {"service_namespace", string(in.ServiceNamespace)},
		{"resource_id", aws.ToString(in.ResourceId)}, {"scalable_dimension", string(in.ScalableDimension)},
	}
	switch in.PolicyType {
	case types.PolicyTypeStepScaling:
		fields = append(fields, hcl.Field{"step_scaling_policy_configuration", hcl.Given(in.StepScalingPolicyConfiguration)})
	case types.PolicyTypePredictiveScaling:
		fields = append(fields, hcl.Field{"predictive_scaling_policy_configuration", hcl.Given(in.PredictiveScalingPolicyConfiguration)})
	default:
		fields = append(fields, hcl.Field{"target_tracking_scaling_policy_configuration", hcl.Given(in.TargetTrackingScalingPolicyConfiguration)})
	}
	return resourceHCL("aws_appautoscaling_policy", aws.ToString(in.PolicyName), fields)
}

// alarmHCL is the alarm that calls a step policy.
func alarmHCL(in *cloudwatch.PutMetricAlarmInput, policy string) string {
	dimensions := map[string]string{}
	for _, d := range in.Dimensions {
		dimensions[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	return resourceHCL("aws_cloudwatch_metric_alarm", aws.ToString(in.AlarmName), hcl.Fields{
		{"alarm_name", aws.ToString(in.AlarmName)}, {"alarm_actions", hcl.Raw("[aws_appautoscaling_policy." + label(policy) + ".arn]")},
		{"namespace", aws.ToString(in.Namespace)}, {"metric_name", aws.ToString(in.MetricName)}, {"dimensions", expression(dimensions)},
		{"statistic", string(in.Statistic)}, {"period", aws.ToInt32(in.Period)}, {"evaluation_periods", aws.ToInt32(in.EvaluationPeriods)},
		{"comparison_operator", string(in.ComparisonOperator)}, {"threshold", aws.ToFloat64(in.Threshold)},
	})
}

// actionHCL is a scheduled action.
func actionHCL(in *applicationautoscaling.PutScheduledActionInput) string {
	return resourceHCL("aws_appautoscaling_scheduled_action", aws.ToString(in.ScheduledActionName), append(given(hcl.Fields{
		{"name", in.ScheduledActionName}, {"service_namespace", string(in.ServiceNamespace)}, {"resource_id", in.ResourceId},
		{"scalable_dimension", string(in.ScalableDimension)}, {"schedule", in.Schedule}, {"timezone", in.Timezone},
	}), hcl.Field{"scalable_target_action", hcl.Given(in.ScalableTargetAction)}))
}

// definitionHCL is a revision of a task definition.
func definitionHCL(in *ecs.RegisterTaskDefinitionInput) string {
	fields := given(hcl.Fields{
		{"family", in.Family}, {"cpu", in.Cpu}, {"memory", in.Memory}, {"execution_role_arn", in.ExecutionRoleArn}, {"task_role_arn", in.TaskRoleArn},
	})
	if in.NetworkMode != "" {
		fields = append(fields, hcl.Field{"network_mode", string(in.NetworkMode)})
	}
	if len(in.RequiresCompatibilities) > 0 {
		fields = append(fields, hcl.Field{"requires_compatibilities", expression(in.RequiresCompatibilities)})
	}
	return resourceHCL("aws_ecs_task_definition", aws.ToString(in.Family), append(fields,
		hcl.Field{"container_definitions", hcl.Raw("jsonencode(" + string(expression(lowered(hcl.Given(in.ContainerDefinitions)))) + ")")}))
}

// serviceHCL is what a service is set to.
func serviceHCL(in *ecs.UpdateServiceInput, definition hcl.Raw) string {
	fields := given(hcl.Fields{{"name", in.Service}, {"cluster", in.Cluster}, {"desired_count", in.DesiredCount}, {"task_definition", in.TaskDefinition}})
	if definition != "" {
		fields[len(fields)-1].Value = definition
	}
	if in.ForceNewDeployment {
		fields = append(fields, hcl.Field{"force_new_deployment", true})
	}
	return resourceHCL("aws_ecs_service", aws.ToString(in.Service), fields)
}

// expression is a value of lists and members, which Terraform reads as JSON has them.
func expression(v any) hcl.Raw {
	text, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return hcl.Raw(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(text)))
}

// lowered has the members of ECS begin with small letters, as its API has them.
func lowered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, member := range v {
			if key != "DockerLabels" && key != "Options" { // whose names are the user's
				member = lowered(member)
			}
			all[strings.ToLower(key[:1])+key[1:]] = member
		}
		return all
	case []any:
		for i := range v {
			v[i] = lowered(v[i])
		}
	}
	return v
}
