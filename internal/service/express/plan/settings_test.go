package plan_test

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/express/plan"
)

func request() *ecs.CreateExpressGatewayServiceInput {
	return &ecs.CreateExpressGatewayServiceInput{
		ExecutionRoleArn: aws.String("exec"), PrimaryContainer: &types.ExpressGatewayContainer{Image: aws.String("web")},
	}
}

func settings(t *testing.T) plan.Settings {
	t.Helper()
	s, err := plan.New(request())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatARequestLeavesOutIsAsTheGuideSays(t *testing.T) {
	s := settings(t)
	if s.CPU != "1024" || s.Memory != "2048" || s.HealthCheckPath != "/" || *s.Container.ContainerPort != 80 || s.Architecture != "X86_64" {
		t.Errorf("%+v", s)
	}
	want := types.ExpressGatewayScalingTarget{
		AutoScalingMetric: "AVERAGE_CPU", AutoScalingTargetValue: aws.Int32(60), MinTaskCount: aws.Int32(1), MaxTaskCount: aws.Int32(20),
	}
	if !reflect.DeepEqual(s.Scaling, want) {
		t.Errorf("%+v", s.Scaling)
	}
}

func TestAChangeKeepsWhatItDoesNotName(t *testing.T) {
	s := settings(t)
	s.Container.Environment = []types.KeyValuePair{{Name: aws.String("A"), Value: aws.String("1")}}
	for name, c := range map[string]struct {
		change *ecs.UpdateExpressGatewayServiceInput
		want   func(*plan.Settings)
	}{
		"nothing":     {&ecs.UpdateExpressGatewayServiceInput{}, func(*plan.Settings) {}},
		"the path":    {&ecs.UpdateExpressGatewayServiceInput{HealthCheckPath: aws.String("/ping")}, func(s *plan.Settings) { s.HealthCheckPath = "/ping" }},
		"the size":    {&ecs.UpdateExpressGatewayServiceInput{Memory: aws.String("4096")}, func(s *plan.Settings) { s.Memory = "4096" }},
		"the role":    {&ecs.UpdateExpressGatewayServiceInput{TaskRoleArn: aws.String("task")}, func(s *plan.Settings) { s.TaskRole = "task" }},
		"the maximum": {&ecs.UpdateExpressGatewayServiceInput{ScalingTarget: &types.ExpressGatewayScalingTarget{MaxTaskCount: aws.Int32(3)}}, func(s *plan.Settings) { s.Scaling.MaxTaskCount = aws.Int32(3) }},
		"the image": {
			&ecs.UpdateExpressGatewayServiceInput{PrimaryContainer: &types.ExpressGatewayContainer{Image: aws.String("web:2")}},
			func(s *plan.Settings) { s.Container.Image = aws.String("web:2") },
		},
		"an empty list takes away": {
			&ecs.UpdateExpressGatewayServiceInput{PrimaryContainer: &types.ExpressGatewayContainer{Environment: []types.KeyValuePair{}}},
			func(s *plan.Settings) { s.Container.Environment = []types.KeyValuePair{} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := s
			c.want(&want)
			if got, err := s.Changed(c.change); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestARevisionHasOnlyWhatHasChanged(t *testing.T) {
	before := settings(t)
	def := &types.TaskDefinition{
		Family: aws.String("web"), Cpu: aws.String("1024"), Memory: aws.String("2048"), ExecutionRoleArn: aws.String("exec"),
		ContainerDefinitions: []types.ContainerDefinition{
			{Name: aws.String("side"), Image: aws.String("side")},
			{Name: aws.String("Main"), Image: aws.String("web"), StopTimeout: aws.Int32(5), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80), Name: aws.String("mine")}}},
		},
	}
	after := before
	after.CPU, after.Container.Image = "512", aws.String("web:2")
	got := after.Revision(def, before, "us-east-1")
	main := got.ContainerDefinitions[1]
	if *got.Cpu != "512" || *got.Memory != "2048" || *main.Image != "web:2" || *main.StopTimeout != 5 || *main.PortMappings[0].Name != "mine" || *got.ContainerDefinitions[0].Image != "side" {
		t.Errorf("%+v", got)
	}
	if *def.ContainerDefinitions[1].Image != "web" {
		t.Error("the definition before has changed, too")
	}
}

func TestADefinitionIsReadAsItWasMade(t *testing.T) {
	want := settings(t)
	want.TaskRole = "task"
	want.Container.Command = []string{"serve"}
	want.Container.AwsLogsConfiguration = &types.ExpressGatewayServiceAwsLogsConfiguration{LogGroup: aws.String("g"), LogStreamPrefix: aws.String("p")}
	in := want.Definition("web", "us-east-1")
	got, err := plan.Settings{HealthCheckPath: want.HealthCheckPath, Scaling: want.Scaling}.Reading(&types.TaskDefinition{
		Cpu: in.Cpu, Memory: in.Memory, ExecutionRoleArn: in.ExecutionRoleArn, TaskRoleArn: in.TaskRoleArn,
		RuntimePlatform: in.RuntimePlatform, ContainerDefinitions: in.ContainerDefinitions,
	})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestNamesHaveAWSsForm(t *testing.T) {
	for what, c := range map[string]struct{ got, want string }{
		"of a service by its image": {plan.ServiceName("127.0.0.1:4566/team/web-app:2", "0a1b"), "web-app-0a1b"},
		"by an image with a digest": {plan.ServiceName("web@sha256:00", "0a1b"), "web-0a1b"},
		"by an odd one":             {plan.ServiceName("a.b", "0a1b"), "a-b-0a1b"},
		"by none":                   {plan.ServiceName("", "0a1b"), "express-0a1b"},
		"of an endpoint":            {plan.EndpointName("Hello", "00ff", "eu-west-2"), "he-00ff.ecs.eu-west-2"},
		"of one without letters":    {plan.EndpointName("1_2", "00ff", "eu-west-2"), "ex-00ff.ecs.eu-west-2"},
		"of a log group":            {plan.LogGroup("default", "web", "0a1b"), "/aws/ecs/default/web-0a1b"},
		"of a security group":       {plan.ServiceGroup("default", "web", "vpc-1"), "default-web-vpc-1"},
		"of an alarm":               {plan.AlarmName("default", "web"), "default/web/RollbackAlarm"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", what, c.got, c.want)
		}
	}
}
