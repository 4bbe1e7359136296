package policydoc

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.yaml.in/yaml/v4"
)

// ofTerraform begins files of Terraform.
var ofTerraform = regexp.MustCompile(`^(terraform|locals|(resource|data|provider|module|variable|output) ?"[^"]*"( ?"[^"]*")?) ?[{]`)

// readDescribed reads what the AWS CLI prints, as JSON or as YAML: the members of the API's
// answers.
func readDescribed(n *yaml.Node) (Documents, error) {
	if n.Kind == yaml.ScalarNode && ofTerraform.MatchString(n.Value) {
		return Documents{}, wrong(n, "it is in Terraform's own language, of which the plan is read, as JSON: terraform plan -out plan.out, and terraform show -json plan.out > plan.json")
	}
	if n.Kind != yaml.MappingNode {
		return Documents{}, wrong(n, "it is %s, and no object: %v", kindOf(n), ErrNothing)
	}
	var out struct {
		ScalableTargets  []types.ScalableTarget
		ScalingPolicies  []types.ScalingPolicy
		ScheduledActions []types.ScheduledAction
		MetricAlarms     []cwtypes.MetricAlarm
	}
	if err := (form{}).fill(n, &out); err != nil {
		return Documents{}, err
	}
	return Documents{
		Targets: out.ScalableTargets, Policies: out.ScalingPolicies, Actions: out.ScheduledActions, Alarms: out.MetricAlarms,
		listed: out.ScalableTargets != nil || out.ScalingPolicies != nil || out.ScheduledActions != nil || out.MetricAlarms != nil,
	}, nil
}
