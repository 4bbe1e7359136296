package awscommand

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

func TestCallsAreWrittenAsTheCLITakesThem(t *testing.T) {
	for _, c := range []struct {
		service, operation string
		input              any
		want               string
	}{
		{"ecs", "create-cluster", &ecs.CreateClusterInput{ClusterName: aws.String("it's")}, `aws ecs create-cluster --cluster-name 'it'\''s'`},
		{"ecs", "delete-service", &ecs.DeleteServiceInput{Service: aws.String("web"), Force: aws.Bool(true)}, "aws ecs delete-service --service web --force"},
		{
			"ecs", "register-task-definition",
			&ecs.RegisterTaskDefinitionInput{
				Family:                  aws.String("web"),
				RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate, ecstypes.CompatibilityEc2},
				ContainerDefinitions:    []ecstypes.ContainerDefinition{{Name: aws.String("web"), Cpu: 3, Command: []string{}, PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(80)}}}},
			},
			"aws ecs register-task-definition \\\n    --container-definitions '[{\"cpu\": 3, \"name\": \"web\", \"portMappings\": [{\"containerPort\": 80}]}]' \\\n" +
				"    --family web --requires-compatibilities FARGATE EC2",
		},
		{
			"ecs", "create-service", &ecs.CreateServiceInput{ServiceName: aws.String("web"), DeploymentConfiguration: &ecstypes.DeploymentConfiguration{DeploymentCircuitBreaker: &ecstypes.DeploymentCircuitBreaker{}}},
			"aws ecs create-service --service-name web \\\n" + `    --deployment-configuration '{"deploymentCircuitBreaker": {"enable": false, "rollback": false}}'`,
		},
		{
			"ecs", "register-task-definition",
			&ecs.RegisterTaskDefinitionInput{Family: aws.String("web"), ContainerDefinitions: []ecstypes.ContainerDefinition{{
				Ulimits: []ecstypes.Ulimit{{Name: ecstypes.UlimitNameCore}}, StartTimeout: aws.Int32(0), Privileged: aws.Bool(false),
			}}},
			"aws ecs register-task-definition \\\n" +
				`    --container-definitions '[{"cpu": 0, "privileged": false, "startTimeout": 0, "ulimits": [{"hardLimit": 0, "name": "core", "softLimit": 0}]}]' \` +
				"\n    --family web",
		},
		{
			"ecs", "create-service", &ecs.CreateServiceInput{ServiceName: aws.String("web"), EnableECSManagedTags: true},
			"aws ecs create-service --service-name web --enable-ecs-managed-tags",
		},
		{
			"cloudwatch", "put-metric-alarm", &cloudwatch.PutMetricAlarmInput{OKActions: []string{"a"}, InsufficientDataActions: []string{"b"}, ThresholdMetricId: aws.String("c")},
			"aws cloudwatch put-metric-alarm --insufficient-data-actions b --ok-actions a --threshold-metric-id c",
		},
		{
			"ecs", "put-attributes", &ecs.PutAttributesInput{Attributes: []ecstypes.Attribute{{Name: aws.String("a<b>&c")}}},
			`aws ecs put-attributes --attributes '[{"name": "a<b>&c"}]'`,
		},
		{"elbv2", "create-load-balancer", &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{"a", "b"}}, "aws elbv2 create-load-balancer --name web --subnets a b"},
		{
			"application-autoscaling", "put-scaling-policy",
			&aas.PutScalingPolicyInput{
				PolicyName: aws.String("cpu"), ServiceNamespace: aastypes.ServiceNamespaceEcs,
				TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(50)},
			},
			"aws application-autoscaling put-scaling-policy --policy-name cpu --service-namespace ecs \\\n" +
				`    --target-tracking-scaling-policy-configuration '{"TargetValue": 50}'`,
		},
	} {
		if got := Format(c.service, c.operation, c.input); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}
