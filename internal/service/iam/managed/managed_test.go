package managed_test

import (
	"strings"
	"testing"

	"flyball/internal/service/iam/managed"
	"flyball/policy"
)

// The versions that AWS publishes as of 2026-03.
func TestPoliciesThatSetUpsNameAreThere(t *testing.T) {
	policies, err := managed.Load()
	if err != nil {
		t.Fatal(err)
	}
	for resource, version := range map[string]string{
		"policy/AdministratorAccess":                                        "v1",
		"policy/AmazonECS_FullAccess":                                       "v21",
		"policy/service-role/AmazonECSTaskExecutionRolePolicy":              "v1",
		"policy/service-role/AmazonEC2ContainerServiceEventsRole":           "v3",
		"policy/service-role/AmazonEC2ContainerServiceforEC2Role":           "v10",
		"policy/service-role/AWSLambdaBasicExecutionRole":                   "v1",
		"policy/service-role/AWSLambdaSQSQueueExecutionRole":                "v1",
		"policy/aws-service-role/AmazonECSServiceRolePolicy":                "v23",
		"policy/aws-service-role/AWSApplicationAutoscalingECSServicePolicy": "v2",
		"policy/aws-service-role/AWSElasticLoadBalancingServiceRolePolicy":  "v14",
		"policy/service-role/AmazonEC2ContainerServiceAutoscaleRole":        "v2",
		"policy/service-role/AmazonECSInfrastructureRolePolicyForVolumes":   "v5",
		"policy/AmazonECSInfrastructureRolePolicyForLoadBalancers":          "v6",
	} {
		if p, ok := policies[resource]; !ok || p.Version != version {
			t.Errorf("%s: %q", resource, p.Version)
		}
	}
}

func TestPoliciesAreWhole(t *testing.T) {
	policies, err := managed.Load()
	if err != nil {
		t.Fatal(err)
	}
	for resource, p := range policies {
		if _, err := policy.ParseManaged(p.Text()); err != nil {
			t.Errorf("%s: %v", resource, err)
		}
		if !strings.HasPrefix(p.ID, "ANPA") || p.Created.IsZero() || p.Updated.Before(p.Created) || p.Version == "" {
			t.Errorf("%s: %+v", resource, p)
		}
	}
}
