package console

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

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

// jsonHCL is a document of JSON as Terraform writes it.
func jsonHCL(document string) hcl.Raw {
	var v any
	if json.Unmarshal([]byte(document), &v) != nil {
		return hcl.Expression(document)
	}
	return "jsonencode(" + hcl.Expression(v) + ")"
}

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

// targetHCL is a scalable target as Terraform has it. Of a role that is made with it, it has the name.
func targetHCL(in *applicationautoscaling.RegisterScalableTargetInput, newRole string) string {
	fields := given(hcl.Fields{
		{"service_namespace", string(in.ServiceNamespace)}, {"resource_id", in.ResourceId}, {"scalable_dimension", string(in.ScalableDimension)},
		{"min_capacity", in.MinCapacity}, {"max_capacity", in.MaxCapacity},
	})
	if newRole != "" {
		fields = append(fields, hcl.Field{"role_arn", hcl.Raw("aws_iam_role." + label(newRole) + ".arn")},
			hcl.Field{"depends_on", hcl.Raw("[aws_iam_role_policy_attachment." + label(newRole) + "]")}) // by which it may scale
	} else {
		fields = append(fields, given(hcl.Fields{{"role_arn", in.RoleARN}})...)
	}
	if s := in.SuspendedState; s != nil {
		fields = append(fields, hcl.Field{"suspended_state", hcl.Given(s)})
	}
	return resourceHCL("aws_appautoscaling_target", aws.ToString(in.ResourceId), fields)
}

// resourceOf is what a policy or a schedule scales: its ID, or the target that is registered with it,
// which has to be there first.
func resourceOf(id *string, registered bool) any {
	if registered {
		return hcl.Raw("aws_appautoscaling_target." + label(aws.ToString(id)) + ".resource_id")
	}
	return aws.ToString(id)
}

// policyHCL is a policy as Terraform has it.
func policyHCL(in *applicationautoscaling.PutScalingPolicyInput, registered bool) string {
	fields := hcl.Fields{
		{"name", aws.ToString(in.PolicyName)}, {"policy_type", string(in.PolicyType)}, {"service_namespace", string(in.ServiceNamespace)},
		{"resource_id", resourceOf(in.ResourceId, registered)}, {"scalable_dimension", string(in.ScalableDimension)},
	}
	switch in.PolicyType {
	case types.PolicyTypeStepScaling:
		fields = append(fields, hcl.Field{"step_scaling_policy_configuration", hcl.Given(in.StepScalingPolicyConfiguration)})
	case types.PolicyTypePredictiveScaling:
		fields = append(fields, hcl.Field{"predictive_scaling_policy_configuration", hcl.Given(in.PredictiveScalingPolicyConfiguration)})
	default:
		fields = append(fields, hcl.Field{"target_tracking_scaling_policy_configuration", hcl.Given(in.TargetTrackingScalingPolicyConfiguration)})
	}
	text := resourceHCL("aws_appautoscaling_policy", aws.ToString(in.PolicyName), fields)
	if in.PolicyType == types.PolicyTypePredictiveScaling {
		text = "# Predictive scaling needs version 6.13 of the provider, or a newer one.\n" + text
	}
	return text
}

// alarmHCL is the alarm that calls a step policy.
func alarmHCL(in *cloudwatch.PutMetricAlarmInput, policy string) string {
	dimensions := map[string]any{}
	for _, d := range in.Dimensions {
		dimensions[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	return resourceHCL("aws_cloudwatch_metric_alarm", aws.ToString(in.AlarmName), hcl.Fields{
		{"alarm_name", aws.ToString(in.AlarmName)}, {"alarm_actions", hcl.Raw("[aws_appautoscaling_policy." + label(policy) + ".arn]")},
		{"namespace", aws.ToString(in.Namespace)}, {"metric_name", aws.ToString(in.MetricName)}, {"dimensions", hcl.Expression(dimensions)},
		{"statistic", string(in.Statistic)}, {"period", aws.ToInt32(in.Period)}, {"evaluation_periods", aws.ToInt32(in.EvaluationPeriods)},
		{"comparison_operator", string(in.ComparisonOperator)}, {"threshold", aws.ToFloat64(in.Threshold)},
	})
}

// actionHCL is a scheduled action.
func actionHCL(in *applicationautoscaling.PutScheduledActionInput, registered bool) string {
	return resourceHCL("aws_appautoscaling_scheduled_action", aws.ToString(in.ScheduledActionName), append(given(hcl.Fields{
		{"name", in.ScheduledActionName}, {"service_namespace", string(in.ServiceNamespace)}, {"resource_id", resourceOf(in.ResourceId, registered)},
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
		fields = append(fields, hcl.Field{"requires_compatibilities", hcl.Expression(hcl.Given(in.RequiresCompatibilities))})
	}
	containers := hcl.Expression(lowered(hcl.Given(in.ContainerDefinitions)))
	fields = append(fields, hcl.Field{"container_definitions", "jsonencode(" + containers + ")"}, tagsField(in.Tags))
	return unwritten(map[string]bool{
		"volumes": len(in.Volumes) > 0, "placement constraints": len(in.PlacementConstraints) > 0, "a proxy": in.ProxyConfiguration != nil,
		"a runtime platform": in.RuntimePlatform != nil, "ephemeral storage": in.EphemeralStorage != nil, "an IPC mode": in.IpcMode != "", "a PID mode": in.PidMode != "",
		"fault injection": aws.ToBool(in.EnableFaultInjection),
	}) + resourceHCL("aws_ecs_task_definition", aws.ToString(in.Family), given(fields))
}

// unwritten is a comment that names what a resource has and its text here does not.
func unwritten(settings map[string]bool) string {
	var names []string
	for name, has := range settings {
		if has {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "# There are settings that are not written here, which Terraform would reset: " + strings.Join(names, ", ") + ". Add them before you apply.\n"
}

// tagsField are the tags of a resource of ECS; nothing where there are none.
func tagsField(tags []ecstypes.Tag) hcl.Field {
	if len(tags) == 0 {
		return hcl.Field{}
	}
	all := map[string]any{}
	for _, t := range tags {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return hcl.Field{"tags", hcl.Expression(all)}
}

// A serviceState is a service as it is to be, for Terraform.
type serviceState struct {
	ecstypes.Service // as it is
	change           *ecs.UpdateServiceInput
	definition       hcl.Raw // its task definition, where that is another resource
	tags             []ecstypes.Tag
	scaled           bool // its desired count is not Terraform's to set
}

// HCL is the service, whole: Terraform resets what is not written. It takes up the one that is there.
func (s serviceState) HCL() string {
	name, desired := label(aws.ToString(s.ServiceName)), s.DesiredCount
	if s.change.DesiredCount != nil {
		desired = *s.change.DesiredCount
	}
	fields := hcl.Fields{
		{"name", aws.ToString(s.ServiceName)}, {"cluster", aws.ToString(s.ClusterArn)}, {"task_definition", s.task()}, {"desired_count", desired},
		{"launch_type", text(s.LaunchType)}, {"platform_version", s.PlatformVersion}, {"availability_zone_rebalancing", text(s.AvailabilityZoneRebalancing)},
		{"scheduling_strategy", text(s.SchedulingStrategy)}, {"health_check_grace_period_seconds", s.HealthCheckGracePeriodSeconds},
	}
	if s.EnableExecuteCommand {
		fields = append(fields, hcl.Field{"enable_execute_command", true})
	}
	if s.EnableECSManagedTags {
		fields = append(fields, hcl.Field{"enable_ecs_managed_tags", true})
	}
	if s.PropagateTags != ecstypes.PropagateTagsNone {
		fields = append(fields, hcl.Field{"propagate_tags", text(s.PropagateTags)})
	}
	if s.change.ForceNewDeployment {
		fields = append(fields, hcl.Field{"force_new_deployment", true})
	}
	fields = append(fields, s.deployment()...)
	fields = append(fields, tagsField(s.tags))
	fields = append(fields, s.network()...)
	if s.scaled && s.change.DesiredCount == nil {
		fields = append(fields, hcl.Field{"lifecycle", map[string]any{"IgnoreChanges": hcl.Raw("[desired_count]")}})
	}
	var f hcl.File
	f.Import("aws_ecs_service", name, lastPart(aws.ToString(s.ClusterArn))+"/"+aws.ToString(s.ServiceName))
	f.Resource("aws_ecs_service", name, given(fields))
	return s.unwritten() + f.String()
}

// unwritten names what the service has and its text does not.
func (s serviceState) unwritten() string {
	has := map[string]bool{
		"service registries": len(s.ServiceRegistries) > 0, "placement constraints": len(s.PlacementConstraints) > 0, "placement strategy": len(s.PlacementStrategy) > 0,
		"a deployment controller": s.DeploymentController != nil && s.DeploymentController.Type != ecstypes.DeploymentControllerTypeEcs,
	}
	if d := s.DeploymentConfiguration; d != nil {
		has["alarms of deployments"] = d.Alarms != nil && len(d.Alarms.AlarmNames) > 0
		has["a deployment strategy"] = d.Strategy != "" && d.Strategy != ecstypes.DeploymentStrategyRolling
		has["lifecycle hooks"] = len(d.LifecycleHooks) > 0
	}
	for _, d := range s.Deployments {
		if aws.ToString(d.Status) == "PRIMARY" {
			has["Service Connect"] = d.ServiceConnectConfiguration != nil && d.ServiceConnectConfiguration.Enabled
			has["volumes"] = len(d.VolumeConfigurations) > 0
			has["VPC Lattice"] = len(d.VpcLatticeConfigurations) > 0
		}
	}
	return unwritten(has)
}

// task is the task definition.
func (s serviceState) task() any {
	switch {
	case s.definition != "":
		return s.definition
	case s.change.TaskDefinition != nil:
		return *s.change.TaskDefinition
	}
	return lastPart(aws.ToString(s.TaskDefinition)) // as the provider has it
}

// deployment is how the service is deployed.
func (s serviceState) deployment() (fields hcl.Fields) {
	d := s.DeploymentConfiguration
	if d == nil {
		return nil
	}
	fields = hcl.Fields{{"deployment_maximum_percent", d.MaximumPercent}, {"deployment_minimum_healthy_percent", d.MinimumHealthyPercent}}
	if b := d.DeploymentCircuitBreaker; b != nil && b.Enable {
		fields = append(fields, hcl.Field{"deployment_circuit_breaker", map[string]any{"Enable": b.Enable, "Rollback": b.Rollback}})
	}
	return fields
}

// network is where the service is reached.
func (s serviceState) network() (fields hcl.Fields) {
	for _, l := range s.LoadBalancers {
		l.AdvancedConfiguration = nil // of deployments that are not written
		fields = append(fields, hcl.Field{"load_balancer", hcl.Given(l)})
	}
	if n := s.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		of := map[string]any{"Subnets": hcl.Expression(hcl.Given(n.AwsvpcConfiguration.Subnets)), "AssignPublicIp": n.AwsvpcConfiguration.AssignPublicIp == ecstypes.AssignPublicIpEnabled}
		if groups := n.AwsvpcConfiguration.SecurityGroups; len(groups) > 0 {
			of["SecurityGroups"] = hcl.Expression(hcl.Given(groups))
		}
		fields = append(fields, hcl.Field{"network_configuration", of})
	}
	for _, c := range s.CapacityProviderStrategy {
		fields = append(fields, hcl.Field{"capacity_provider_strategy", map[string]any{"CapacityProvider": aws.ToString(c.CapacityProvider), "Base": float64(c.Base), "Weight": float64(c.Weight)}})
	}
	return fields
}

// text is a word of the API, nil where none is given.
func text[T ~string](word T) *string {
	if word == "" {
		return nil
	}
	return aws.String(string(word))
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
