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
	for _, tt := range []struct {
		name      string
		namespace types.ServiceNamespace
		resource  *string
		dimension types.ScalableDimension
		message   string
	}{
		{"a short resource id", Namespace, aws.String("service/web"), Dimension, unsupported + ": an ECS service is named service/CLUSTER/web, not service/web"},
		{"an ARN as resource id", Namespace, aws.String("arn:aws:ecs:us-east-1:123456789012:service/default/web"), Dimension, unsupported},
		{"another resource type", Namespace, aws.String("table/foo"), Dimension, unsupported},
		{"another dimension", Namespace, aws.String("service/default/web"), types.ScalableDimensionDynamoDBTableReadCapacityUnits, unsupported},
		{"another namespace", types.ServiceNamespaceDynamodb, aws.String("table/foo"), Dimension, "Flyball scales ECS services: service namespace dynamodb is not supported"},
		{"no namespace", "", aws.String("service/default/web"), Dimension, missing},
		{"no resource id", Namespace, nil, Dimension, missing},
		{"no dimension", Namespace, aws.String("service/default/web"), "", missing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Resource(tt.namespace, tt.resource, tt.dimension)
			wantError(t, err, "ValidationException", tt.message)
		})
	}
}

func TestNothingOfAnotherNamespaceIsFound(t *testing.T) {
	_, err := Existing(types.ServiceNamespaceDynamodb, aws.String("table/foo"), Dimension, fault.TargetNotFound)
	wantError(t, err, "ObjectNotFoundException", "No scalable target found for service namespace: dynamodb, resource ID: table/foo")
	id, err := Existing(Namespace, aws.String("service/default/web"), Dimension, fault.TargetNotFound)
	if err != nil || id != "service/default/web" {
		t.Errorf("got %s, %v", id, err)
	}
}
