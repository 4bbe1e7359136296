package rules

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/service/autoscaling/fault"
)

func TestKeyRefusals(t *testing.T) {
	const unsupported = "Unsupported service namespace, resource type or scalable dimension"
	const missing = "ServiceNamespace, ResourceId and ScalableDimension must be specified"
	const ecs, desiredCount = types.ServiceNamespaceEcs, types.ScalableDimensionECSServiceDesiredCount
	const lambda, concurrency = types.ServiceNamespaceLambda, types.ScalableDimensionLambdaFunctionProvisionedConcurrency
	for _, tt := range []struct {
		name      string
		namespace types.ServiceNamespace
		resource  *string
		dimension types.ScalableDimension
		message   string
	}{
		{"a short resource id", ecs, aws.String("service/web"), desiredCount, unsupported + ": an ECS service is named service/CLUSTER/web, not service/web"},
		{"an ARN as resource id", ecs, aws.String("arn:aws:ecs:us-east-1:123456789012:service/default/web"), desiredCount, unsupported},
		{"another resource type", ecs, aws.String("table/foo"), desiredCount, unsupported},
		{"another dimension", ecs, aws.String("service/default/web"), types.ScalableDimensionDynamoDBTableReadCapacityUnits, unsupported},
		{"another namespace", types.ServiceNamespaceDynamodb, aws.String("table/foo"), desiredCount, "Flyball scales ECS services and Lambda functions: service namespace dynamodb is not supported"},
		{"a function without a version or an alias", lambda, aws.String("function:f"), concurrency, unsupported + ": a version or an alias of a Lambda function is named function:NAME:QUALIFIER, not function:f"},
		{"the version that changes", lambda, aws.String("function:f:$LATEST"), concurrency, "$LATEST is not a supported qualifier for Auto Scaling"},
		{"a function among services", ecs, aws.String("function:f:live"), desiredCount, unsupported},
		{"a service among functions", lambda, aws.String("service/default/web"), concurrency, unsupported},
		{"the dimension of services for a function", lambda, aws.String("function:f:live"), desiredCount, unsupported},
		{"no namespace", "", aws.String("service/default/web"), desiredCount, missing},
		{"no resource id", ecs, nil, desiredCount, missing},
		{"no dimension", ecs, aws.String("service/default/web"), "", missing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Resource(tt.namespace, tt.resource, tt.dimension)
			wantError(t, err, "ValidationException", tt.message)
		})
	}
}

func TestNothingOfAnotherNamespaceIsFound(t *testing.T) {
	_, err := Existing(types.ServiceNamespaceDynamodb, aws.String("table/foo"), types.ScalableDimensionECSServiceDesiredCount, fault.TargetNotFound)
	wantError(t, err, "ObjectNotFoundException", "No scalable target found for service namespace: dynamodb, resource ID: table/foo")
	id, err := Existing(types.ServiceNamespaceEcs, aws.String("service/default/web"), types.ScalableDimensionECSServiceDesiredCount, fault.TargetNotFound)
	if err != nil || id != "service/default/web" {
		t.Errorf("got %s, %v", id, err)
	}
}
