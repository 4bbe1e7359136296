package console

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// targetHCL is a scalable target as Terraform has it.
func targetHCL(in *applicationautoscaling.RegisterScalableTargetInput) string {
	s := in.SuspendedState
	return fmt.Sprintf(`resource "aws_appautoscaling_target" %q {
  service_namespace  = %s
  resource_id        = %s
  scalable_dimension = %s
  min_capacity       = %d
  max_capacity       = %d

  suspended_state {
    dynamic_scaling_out_suspended = %t
    dynamic_scaling_in_suspended  = %t
    scheduled_scaling_suspended   = %t
  }
}
`, label(aws.ToString(in.ResourceId)), hclText(string(in.ServiceNamespace)), hclText(aws.ToString(in.ResourceId)), hclText(string(in.ScalableDimension)),
		aws.ToInt32(in.MinCapacity), aws.ToInt32(in.MaxCapacity),
		aws.ToBool(s.DynamicScalingOutSuspended), aws.ToBool(s.DynamicScalingInSuspended), aws.ToBool(s.ScheduledScalingSuspended))
}

// policyHCL is a target tracking policy on a predefined metric as Terraform has it; of others
// nothing.
func policyHCL(in *applicationautoscaling.PutScalingPolicyInput) string {
	c := in.TargetTrackingScalingPolicyConfiguration
	if c.PredefinedMetricSpecification == nil {
		return ""
	}
	var more strings.Builder
	if c.ScaleOutCooldown != nil {
		fmt.Fprintf(&more, "    scale_out_cooldown = %d\n", *c.ScaleOutCooldown)
	}
	if c.ScaleInCooldown != nil {
		fmt.Fprintf(&more, "    scale_in_cooldown = %d\n", *c.ScaleInCooldown)
	}
	if aws.ToBool(c.DisableScaleIn) {
		more.WriteString("    disable_scale_in = true\n")
	}
	return fmt.Sprintf(`resource "aws_appautoscaling_policy" %q {
  name               = %s
  policy_type        = %s
  service_namespace  = %s
  resource_id        = %s
  scalable_dimension = %s

  target_tracking_scaling_policy_configuration {
    target_value = %s
%s
    predefined_metric_specification {
%s    }
  }
}
`, label(aws.ToString(in.PolicyName)), hclText(aws.ToString(in.PolicyName)), hclText(string(in.PolicyType)), hclText(string(in.ServiceNamespace)),
		hclText(aws.ToString(in.ResourceId)), hclText(string(in.ScalableDimension)),
		strconv.FormatFloat(aws.ToFloat64(c.TargetValue), 'f', -1, 64), more.String(), predefinedHCL(c.PredefinedMetricSpecification))
}

func predefinedHCL(m *types.PredefinedMetricSpecification) string {
	text := fmt.Sprintf("      predefined_metric_type = %s\n", hclText(string(m.PredefinedMetricType)))
	if m.ResourceLabel != nil {
		text += fmt.Sprintf("      resource_label         = %s\n", hclText(*m.ResourceLabel))
	}
	return text
}

// hclText is a text that Terraform does not take a part of for an expression.
func hclText(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(s))
}

var noLabel = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// label is a name that a resource of Terraform can have: it begins with a letter.
func label(s string) string {
	name := noLabel.ReplaceAllString(s[strings.LastIndexByte(s, '/')+1:], "_")
	if name == "" || !('A' <= name[0]&^0x20 && name[0]&^0x20 <= 'Z') {
		name = "service_" + name
	}
	return name
}
