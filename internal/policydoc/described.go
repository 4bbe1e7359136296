package policydoc

import (
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.yaml.in/yaml/v4"
)

// readDescribed reads what the AWS CLI prints, as JSON or as YAML: the members of the API's
// answers.
func readDescribed(n *yaml.Node) (Documents, error) {
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
