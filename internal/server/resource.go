package server

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/cell"
	"flyball/internal/permission"
	"flyball/internal/service/iam"
	"flyball/internal/tags"
	"flyball/internal/wire"
	"flyball/scaling"
)

// resource finds a resource as policies see it, by the end of its ARN or by all of it.
func (s *Server) resource(ctx context.Context, scope wire.Scope, service, name string) (found permission.Resource, ok bool) {
	if service == "iam" {
		if v := s.globals.find(scope.Account, cell.Partition(scope.Region)); v != nil {
			found.ARN, found.Tags, ok = v.iam.Resource(ctx, name)
		}
		return found, ok
	}
	if v := s.cells.find(scope.Account, scope.Region); v != nil {
		return v.resource(ctx, service, name)
	}
	return found, false
}

// resource finds a resource of the cell.
func (v *services) resource(ctx context.Context, service, name string) (found permission.Resource, ok bool) {
	switch service {
	case "ec2":
		if api, err := v.ec2(ctx); err == nil {
			found.ARN, found.Tags, ok = api.Resource(ctx, name)
		}
		return found, ok
	case "ecr":
		return v.repository(ctx, name)
	case "ecs":
		return v.ecsResource(ctx, name)
	case "elasticloadbalancing":
		found.ARN = name
		found.Tags, ok = v.elb.Resource(ctx, name)
		return found, ok
	case "lambda":
		found.ARN, found.Tags, _, ok = v.lambda.Resource(ctx, name)
		return found, ok
	case "events":
		found.ARN, found.Tags, _, ok = v.events.Resource(ctx, name)
		return found, ok
	case "scheduler":
		found.ARN = v.fullARN("scheduler", name)
		found.Tags, ok = v.scheduler.Resource(ctx, found.ARN)
		return found, ok
	case "sqs":
		found.ARN = name
		found.Tags, _, ok = v.sqs.Resource(ctx, name)
		return found, ok
	case "logs":
		found.ARN, found.Tags, ok = v.logs.Resource(ctx, v.fullARN("logs", name))
		return found, ok
	case "monitoring":
		return v.metricResource(ctx, name)
	case "application-autoscaling":
		return v.scalableTarget(ctx, name)
	}
	return found, false
}

// policyOf is the policy that a resource has of its own, or nil. Queues, event
// buses, functions and repositories have them.
func (s *Server) policyOf(ctx context.Context, resource string) *iam.Document {
	a, err := arn.Parse(resource)
	if err != nil {
		return nil
	}
	v := s.cells.find(a.AccountID, a.Region)
	if v == nil {
		return nil
	}
	text := ""
	switch name, isRepository := strings.CutPrefix(a.Resource, "repository/"); {
	case a.Service == "ecr" && isRepository:
		_, text, _ = v.ecr.Resource(ctx, name)
	case a.Service == "lambda":
		_, _, text, _ = v.lambda.Resource(ctx, resource)
	case a.Service == "events":
		_, _, text, _ = v.events.Resource(ctx, resource)
	case a.Service == "sqs":
		_, text, _ = v.sqs.Resource(ctx, resource)
	}
	if text == "" {
		return nil
	}
	return &iam.Document{Name: resource, Text: text}
}

// repository finds a repository of ECR.
func (v *services) repository(ctx context.Context, name string) (found permission.Resource, ok bool) {
	found.ARN = v.fullARN("ecr", name)
	resource, _ := v.cell.Parse("ecr", found.ARN)
	if name, is := strings.CutPrefix(resource, "repository/"); is {
		found.Tags, _, ok = v.ecr.Resource(ctx, name)
	}
	return found, ok
}

// ecsResource finds a resource of ECS. A family of task definitions stands for its
// newest revision.
func (v *services) ecsResource(ctx context.Context, name string) (found permission.Resource, ok bool) {
	found.ARN = v.fullARN("ecs", name)
	if definition, is := strings.CutPrefix(name, "task-definition/"); is {
		out, err := v.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &definition})
		if err != nil {
			return found, false
		}
		found.ARN = *out.TaskDefinition.TaskDefinitionArn
		for _, role := range []*string{out.TaskDefinition.TaskRoleArn, out.TaskDefinition.ExecutionRoleArn} {
			if role != nil {
				found.Roles = append(found.Roles, *role)
			}
		}
	}
	out, err := v.ecs.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: &found.ARN})
	if err != nil {
		return found, false
	}
	found.Tags = tags.Map(out.Tags, func(t ecstypes.Tag) (key, value *string) { return t.Key, t.Value })
	return found, true
}

// metricResource finds an alarm or a dashboard.
func (v *services) metricResource(ctx context.Context, name string) (found permission.Resource, ok bool) {
	if strings.HasPrefix(name, "dashboard/") {
		return found, false // it is in no region, and as good by its name
	}
	found.ARN = v.fullARN("cloudwatch", name)
	out, err := v.cloudwatch.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &found.ARN})
	if err != nil {
		return found, false
	}
	found.Tags = tags.Map(out.Tags, func(t cwtypes.Tag) (key, value *string) { return t.Key, t.Value })
	return found, true
}

// scalableTarget finds a target by the resource that it scales, or by its ARN.
func (v *services) scalableTarget(ctx context.Context, name string) (found permission.Resource, ok bool) {
	found.ARN = name
	if id, is := strings.CutPrefix(name, "scalable-target/"); is {
		out, err := v.autoscaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: astypes.ServiceNamespace(scaling.ResourceID(id).Kind().Namespace()), ResourceIds: []string{id},
		})
		if err != nil || len(out.ScalableTargets) == 0 {
			return found, false
		}
		found.ARN = *out.ScalableTargets[0].ScalableTargetARN
	}
	out, err := v.autoscaling.ListTagsForResource(ctx, &applicationautoscaling.ListTagsForResourceInput{ResourceARN: &found.ARN})
	if err != nil {
		return found, false
	}
	found.Tags = out.Tags
	return found, true
}

// fullARN is the ARN of the end of one in the cell, or the ARN itself.
func (v *services) fullARN(service, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return v.cell.ARN(service, name)
}
