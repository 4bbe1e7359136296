package console

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Terraform resets what is not written, so that is named.
func TestTerraformNamesWhatItDoesNotWrite(t *testing.T) {
	service := types.Service{
		ServiceName: aws.String("web"), ClusterArn: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/shop"), TaskDefinition: aws.String("web:1"),
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeEcs}, Deployments: []types.Deployment{{Status: aws.String("PRIMARY")}},
	}
	definition := ecs.RegisterTaskDefinitionInput{Family: aws.String("web")}
	for name, text := range map[string]string{
		"service": serviceState{Service: service, change: &ecs.UpdateServiceInput{}}.HCL(), "definition": definitionHCL(&definition),
	} {
		if strings.Contains(text, "#") {
			t.Errorf("the %s lacks something:\n%s", name, text)
		}
	}
	service.ServiceRegistries = []types.ServiceRegistry{{}}
	service.Deployments[0].ServiceConnectConfiguration = &types.ServiceConnectConfiguration{Enabled: true}
	definition.Volumes = []types.Volume{{Name: aws.String("data")}}
	for want, text := range map[string]string{
		"reset: Service Connect, service registries.": serviceState{Service: service, change: &ecs.UpdateServiceInput{}}.HCL(),
		"reset: volumes.": definitionHCL(&definition),
	} {
		if first, _, _ := strings.Cut(text, "\n"); !strings.HasPrefix(first, "# ") || !strings.Contains(first, want) {
			t.Errorf("it begins with %q, and is to name %q", first, want)
		}
	}
}
