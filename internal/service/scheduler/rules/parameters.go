package rules

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	events "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// Parameters are what a target needs besides its input, in the types that targets of all
// services have, which are EventBridge's; or nil.
func Parameters(t *types.Target) any {
	switch {
	case t.EcsParameters != nil:
		return ecsParameters(t.EcsParameters)
	case t.SqsParameters != nil:
		return &events.SqsParameters{MessageGroupId: t.SqsParameters.MessageGroupId}
	}
	return nil
}

func ecsParameters(p *types.EcsParameters) *events.EcsParameters {
	to := &events.EcsParameters{
		TaskDefinitionArn:    p.TaskDefinitionArn,
		EnableECSManagedTags: aws.ToBool(p.EnableECSManagedTags),
		EnableExecuteCommand: aws.ToBool(p.EnableExecuteCommand),
		Group:                p.Group,
		LaunchType:           events.LaunchType(p.LaunchType),
		PlatformVersion:      p.PlatformVersion,
		PropagateTags:        events.PropagateTags(p.PropagateTags),
		ReferenceId:          p.ReferenceId,
		TaskCount:            p.TaskCount,
	}
	if p.NetworkConfiguration != nil && p.NetworkConfiguration.AwsvpcConfiguration != nil {
		n := p.NetworkConfiguration.AwsvpcConfiguration
		to.NetworkConfiguration = &events.NetworkConfiguration{AwsvpcConfiguration: &events.AwsVpcConfiguration{
			Subnets: n.Subnets, SecurityGroups: n.SecurityGroups, AssignPublicIp: events.AssignPublicIp(n.AssignPublicIp),
		}}
	}
	for _, s := range p.CapacityProviderStrategy {
		to.CapacityProviderStrategy = append(to.CapacityProviderStrategy, events.CapacityProviderStrategyItem{CapacityProvider: s.CapacityProvider, Base: s.Base, Weight: s.Weight})
	}
	for _, c := range p.PlacementConstraints {
		to.PlacementConstraints = append(to.PlacementConstraints, events.PlacementConstraint{Expression: c.Expression, Type: events.PlacementConstraintType(c.Type)})
	}
	for _, s := range p.PlacementStrategy {
		to.PlacementStrategy = append(to.PlacementStrategy, events.PlacementStrategy{Field: s.Field, Type: events.PlacementStrategyType(s.Type)})
	}
	for _, t := range p.Tags {
		to.Tags = append(to.Tags, ecsTag(t))
	}
	return to
}

// ecsTag reads a tag, which is a map with a key and a value, as ECS spells them.
func ecsTag(t map[string]string) events.Tag {
	var tag events.Tag
	for name, value := range t {
		switch name {
		case "key", "Key":
			tag.Key = aws.String(value)
		case "value", "Value":
			tag.Value = aws.String(value)
		}
	}
	return tag
}
