package ecs

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/tags"
	runtime "flyball/internal/task"
)

// The API is met by what a real client offers, for all that it serves.
var _ interface {
	DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
	UpdateService(context.Context, *ecs.UpdateServiceInput, ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
} = (*API)(nil)

func TestErrorsAreThoseOfECS(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		ctx, api, prod, none := w.Context(), w.api, aws.String("prod"), aws.String("none")
		create := func(change func(*ecs.CreateServiceInput)) error {
			in := webService(1, func(in *ecs.CreateServiceInput) { in.ServiceName = aws.String("other") }, change)
			_, err := api.CreateService(ctx, in)
			return err
		}
		update := func(in *ecs.UpdateServiceInput) error {
			in.Cluster = prod
			if in.Service == nil {
				in.Service = aws.String("web")
			}
			_, err := api.UpdateService(ctx, in)
			return err
		}
		run := func(change func(*ecs.RunTaskInput)) error {
			in := &ecs.RunTaskInput{Cluster: prod, TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets}
			change(in)
			_, err := api.RunTask(ctx, in)
			return err
		}
		percents := func(least, most int32) *types.DeploymentConfiguration {
			return &types.DeploymentConfiguration{MinimumHealthyPercent: &least, MaximumPercent: &most}
		}
		logged := func(how types.ExecuteCommandLogging, to *types.ExecuteCommandLogConfiguration) *types.ClusterConfiguration {
			return &types.ClusterConfiguration{ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{Logging: how, LogConfiguration: to}}
		}
		based := func(providers ...string) (strategy []types.CapacityProviderStrategyItem) {
			for _, p := range providers {
				strategy = append(strategy, types.CapacityProviderStrategyItem{CapacityProvider: &p, Base: 1, Weight: 1})
			}
			return strategy
		}
		tests := []struct {
			name          string
			err           error
			code, message string
		}{
			{"no cluster", second(api.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: none, Services: []string{"web"}})),
				"ClusterNotFoundException", "Cluster not found."},
			{"no default cluster before it is created", second(api.ListTasks(ctx, &ecs.ListTasksInput{})),
				"ClusterNotFoundException", "Cluster not found."},
			{"a cluster of another region", second(api.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("arn:aws:ecs:eu-west-1:123456789012:cluster/prod")})),
				"ClusterNotFoundException", "Cluster not found."},
			{"a cluster of another partition", second(api.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("arn:aws-cn:ecs:us-east-1:123456789012:cluster/prod")})),
				"ClusterNotFoundException", "Cluster not found."},
			{"a cluster name with a blank", second(api.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("a b")})),
				"InvalidParameterException", `ClusterName must match ^[a-zA-Z0-9\-_]{1,255}$`},
			{"a log that is nowhere", second(api.CreateCluster(ctx, &ecs.CreateClusterInput{Configuration: logged(types.ExecuteCommandLoggingOverride, nil)})),
				"InvalidParameterException", "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration."},
			{"a log that is not used", second(api.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: prod, Configuration: logged(types.ExecuteCommandLoggingDefault, &types.ExecuteCommandLogConfiguration{})})),
				"InvalidParameterException", "You must set logging to 'OVERRIDE' when you supply a log configuration."},
			{"a default strategy of what the cluster lacks", second(api.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{
				Cluster: prod, CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: based("FARGATE_SPOT"),
			})), "InvalidParameterException", "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again."},
			{"two bases in a default strategy", second(api.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{
				Cluster: prod, CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: based("FARGATE", "FARGATE_SPOT"),
			})), "InvalidParameterException", "The specified capacity provider strategy contains multiple capacity providers with a base value defined. Only one capacity provider per strategy can have a base value defined."},
			{"a cluster with services", second(api.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: prod})),
				"ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."},
			{"no services to describe", second(api.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: prod})),
				"InvalidParameterException", "Services cannot be empty."},
			{"no tasks to describe", second(api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: prod})),
				"InvalidParameterException", "Tasks cannot be empty."},
			{"no tasks of no cluster to describe", second(api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: none})),
				"ClusterNotFoundException", "Cluster not found."},
			{"tasks of no service", second(api.ListTasks(ctx, &ecs.ListTasksInput{Cluster: prod, ServiceName: none})),
				"ServiceNotFoundException", "Service not found."},

			{"a service that exists", create(func(in *ecs.CreateServiceInput) { in.ServiceName = aws.String("web") }),
				"InvalidParameterException", "Creation of service was not idempotent."},
			{"a service without a task definition", create(func(in *ecs.CreateServiceInput) { in.TaskDefinition = none }),
				"ClientException", "TaskDefinition not found."},
			{"no number for a revision", create(func(in *ecs.CreateServiceInput) { in.TaskDefinition = aws.String("web:latest") }),
				"InvalidParameterException", "Invalid revision number. Number: latest"},
			{"no network configuration", create(func(in *ecs.CreateServiceInput) { in.NetworkConfiguration = nil }),
				"InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
			{"a launch type and a strategy", create(func(in *ecs.CreateServiceInput) {
				in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1}}
			}), "InvalidParameterException", "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."},
			{"a provider that the cluster lacks", create(func(in *ecs.CreateServiceInput) {
				in.LaunchType = ""
				in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1}}
			}), "InvalidParameterException", "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again."},
			{"an unknown target group", create(func(in *ecs.CreateServiceInput) {
				in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: aws.String("arn:tg"), ContainerName: aws.String("web"), ContainerPort: aws.Int32(8080)}}
			}), "InvalidParameterException", "The target group with targetGroupArn arn:tg does not exist."},
			{"a container that is not there", create(func(in *ecs.CreateServiceInput) {
				in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: aws.String("arn:tg"), ContainerName: none, ContainerPort: aws.Int32(8080)}}
			}), "InvalidParameterException", "The container none does not exist in the task definition."},
			{"a negative count", create(func(in *ecs.CreateServiceInput) { in.DesiredCount = aws.Int32(-1) }),
				"InvalidParameterException", ""},
			{"percentages that block", create(func(in *ecs.CreateServiceInput) { in.DeploymentConfiguration = percents(100, 100) }),
				"InvalidParameterException", "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."},
			{"another deployment controller", create(func(in *ecs.CreateServiceInput) {
				in.DeploymentController = &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}
			}), "UnsupportedFeatureException", ""},
			{"another controller, whose services have no task definition", create(func(in *ecs.CreateServiceInput) {
				in.DeploymentController, in.TaskDefinition = &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}, nil
			}), "UnsupportedFeatureException", "The deployment controller EXTERNAL is not supported by this server."},
			{"a role for calls to no load balancer", create(func(in *ecs.CreateServiceInput) { in.Role = aws.String("ecsServiceRole") }),
				"InvalidParameterException", "You cannot specify an IAM role for services that require a service linked role."},
			{"started by, and of a family", second(api.ListTasks(ctx, &ecs.ListTasksInput{Cluster: prod, StartedBy: aws.String("me"), Family: aws.String("web")})),
				"InvalidParameterException", "When startedBy is specified, it must be the only filter."},
			{"a daemon with a count", create(func(in *ecs.CreateServiceInput) { in.SchedulingStrategy = types.SchedulingStrategyDaemon }),
				"InvalidParameterException", ""},

			{"a task set", second(api.CreateTaskSet(ctx, &ecs.CreateTaskSetInput{Cluster: prod, Service: aws.String("web"), TaskDefinition: aws.String("web")})),
				"InvalidParameterException", "Amazon ECS only supports task set management on services configured to use external deployment controllers."},
			{"task sets of no service", second(api.DescribeTaskSets(ctx, &ecs.DescribeTaskSetsInput{Cluster: prod, Service: none})),
				"ServiceNotFoundException", "Service not found."},
			{"an update of no service", update(&ecs.UpdateServiceInput{Service: none}), "ServiceNotFoundException", "Service not found."},
			{"a bad update changes nothing", update(&ecs.UpdateServiceInput{DesiredCount: aws.Int32(3), DeploymentConfiguration: percents(100, 100)}), "InvalidParameterException", ""},
			{"an update to no task definition changes nothing", update(&ecs.UpdateServiceInput{DesiredCount: aws.Int32(3), TaskDefinition: none}), "ClientException", "TaskDefinition not found."},

			{"eleven tasks", run(func(in *ecs.RunTaskInput) { in.Count = aws.Int32(11) }), "InvalidParameterException", ""},
			{"tags of no service", run(func(in *ecs.RunTaskInput) { in.PropagateTags = types.PropagateTagsService }), "InvalidParameterException", ""},
			{"an override of no container", run(func(in *ecs.RunTaskInput) {
				in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: none}}}
			}), "InvalidParameterException", "Override for container named none is not a container in the TaskDefinition."},
			{"a task that is not there", second(api.StopTask(ctx, &ecs.StopTaskInput{Cluster: prod, Task: aws.String("0123456789abcdef0123456789abcdef")})),
				"InvalidParameterException", "The referenced task was not found."},
			{"what is no task's ID", second(api.StopTask(ctx, &ecs.StopTaskInput{Cluster: prod, Task: none})),
				"InvalidParameterException", "taskId length should be one of [32,36]"},
			{"what is no task's ID among others", second(api.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: prod, Tasks: []string{"0123456789abcdef0123456789abcdef", "None"}})),
				"InvalidParameterException", "taskId length should be one of [32,36]"},
			{"what is no instance's ID", second(api.StartTask(ctx, &ecs.StartTaskInput{Cluster: prod, TaskDefinition: aws.String("web"), ContainerInstances: []string{"None"}})),
				"InvalidParameterException", "instanceId length should be one of [32,36]"},

			{"a definition that is not there", second(api.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: none})),
				"ClientException", "Unable to describe task definition."},
			{"a deregistration without a revision", second(api.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web")})),
				"ClientException", "Revision is missing."},
			{"a revision that is not a number", second(api.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:foo")})),
				"ClientException", "Invalid revision number. Number: foo"},
			{"a revision that is not there", second(api.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web:9")})),
				"ClientException", "Unable to describe task definition."},
			{"an unknown setting", second(api.PutAccountSetting(ctx, &ecs.PutAccountSettingInput{Name: "none", Value: none})),
				"InvalidParameterException", ""},
			{"a setting that cannot be so", second(api.PutAccountSetting(ctx, &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: aws.String("ENABLED")})),
				"InvalidParameterException", "Invalid setting 'value'"},
			{"short ARNs", second(api.PutAccountSettingDefault(ctx, &ecs.PutAccountSettingDefaultInput{Name: types.SettingNameServiceLongArnFormat, Value: aws.String("disabled")})),
				"InvalidParameterException", "You can no longer disable Long Arn settings"},
			{"tags of nothing", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: none})),
				"InvalidParameterException", ""},
			{"tags by an ARN of the old short form", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:service/web")})),
				"InvalidParameterException", "Long arn format must be used for tagging operations"},
			{"tags of no cluster", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/none")})),
				"InvalidParameterException", "The specified cluster does not exist."},
			{"tags of no service", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:service/prod/none")})),
				"InvalidParameterException", "The specified service does not exist."},
			{"tags of no task", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task/prod/none")})),
				"InvalidParameterException", "The specified task does not exist."},
			{"tags of no definition", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/none:1")})),
				"ClientException", "Unable to describe task definition."},
			{"tags of something else", second(api.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:namespace/prod")})),
				"InvalidParameterException", ""},
			{"a stray page token", second(api.ListClusters(ctx, &ecs.ListClustersInput{NextToken: none})),
				"InvalidParameterException", "Invalid token: none"},
		}
		for _, tt := range tests {
			if code(tt.err) != tt.code || (tt.message != "" && messageOf(tt.err) != tt.message) {
				t.Errorf("%s: %v", tt.name, tt.err)
			}
		}
		if s := w.service(); s.DesiredCount != 1 || len(s.Deployments) != 1 {
			t.Errorf("the service was changed: %d desired, %d deployments", s.DesiredCount, len(s.Deployments))
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestDefinitionIsReadBackWithAWSDefaults(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.Cpu, in.Memory = aws.String(".25 vCPU"), aws.String("1 GB")
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
		})
		if *d.TaskDefinitionArn != "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1" || d.Revision != 1 || d.Status != "ACTIVE" {
			t.Errorf("%s, revision %d, %s", *d.TaskDefinitionArn, d.Revision, d.Status)
		}
		if *d.Cpu != "256" || *d.Memory != "1024" {
			t.Errorf("size %s, %s", *d.Cpu, *d.Memory)
		}
		c := d.ContainerDefinitions[0]
		if c.Environment == nil || c.MountPoints == nil || c.VolumesFrom == nil || c.SystemControls == nil || d.Volumes == nil || d.PlacementConstraints == nil {
			t.Error("an empty list is missing")
		}
		if p := c.PortMappings[0]; *p.HostPort != 8080 || p.Protocol != "tcp" || !*c.Essential {
			t.Errorf("port %d/%s, essential %v", *p.HostPort, p.Protocol, *c.Essential)
		}
		if want := []types.Compatibility{"EC2", "MANAGED_INSTANCES", "FARGATE"}; !slices.Equal(d.Compatibilities, want) {
			t.Errorf("compatibilities %v", d.Compatibilities)
		}
		out := must(w.api.DescribeTaskDefinition(w.Context(), &ecs.DescribeTaskDefinitionInput{
			TaskDefinition: aws.String("web"), Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags},
		}))(w)
		if len(out.Tags) != 1 {
			t.Errorf("tags %v", out.Tags)
		}
	})
}

func TestDefinitionWithoutNetworkModeIsBridged(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.define(func(in *ecs.RegisterTaskDefinitionInput) { in.NetworkMode, in.RequiresCompatibilities = "", nil })
		if want := []types.Compatibility{"EXTERNAL", "EC2"}; d.NetworkMode != types.NetworkModeBridge || !slices.Equal(d.Compatibilities, want) {
			t.Errorf("network mode %s, compatibilities %v", d.NetworkMode, d.Compatibilities)
		}
		if p := d.ContainerDefinitions[0].PortMappings[0]; *p.HostPort != 0 {
			t.Errorf("host port %d", *p.HostPort)
		}
	})
}

func TestFamiliesAndRevisions(t *testing.T) {
	inWorld(t, func(w *world) {
		named := func(family string) func(*ecs.RegisterTaskDefinitionInput) {
			return func(in *ecs.RegisterTaskDefinitionInput) { in.Family = &family }
		}
		for _, f := range []string{"web", "web", "web", "api"} {
			w.define(named(f))
		}
		list := func(in *ecs.ListTaskDefinitionsInput) string {
			var names []string
			for _, arn := range must(w.api.ListTaskDefinitions(w.Context(), in))(w).TaskDefinitionArns {
				names = append(names, lastPart(arn))
			}
			return strings.Join(names, " ")
		}
		if got := list(&ecs.ListTaskDefinitionsInput{}); got != "api:1 web:1 web:2 web:3" {
			t.Errorf("listed %s", got)
		}
		must(w.api.DeregisterTaskDefinition(w.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:3")}))(w)
		must(w.api.DeregisterTaskDefinition(w.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("api:1")}))(w)
		if got := list(&ecs.ListTaskDefinitionsInput{Sort: types.SortOrderDesc}); got != "web:2 web:1" {
			t.Errorf("listed %s", got)
		}
		if got := list(&ecs.ListTaskDefinitionsInput{Status: types.TaskDefinitionStatusInactive, FamilyPrefix: aws.String("web")}); got != "web:3" {
			t.Errorf("listed %s", got)
		}
		d := must(w.api.DescribeTaskDefinition(w.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web")}))(w)
		if d.TaskDefinition.Revision != 2 {
			t.Errorf("the latest is %d", d.TaskDefinition.Revision)
		}
		if next := w.define(); next.Revision != 4 {
			t.Errorf("the next is %d", next.Revision)
		}
		families := must(w.api.ListTaskDefinitionFamilies(w.Context(), &ecs.ListTaskDefinitionFamiliesInput{Status: types.TaskDefinitionFamilyStatusActive}))(w)
		if !slices.Equal(families.Families, []string{"web"}) {
			t.Errorf("active families %v", families.Families)
		}
		again := must(w.api.DeregisterTaskDefinition(w.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:3")}))(w)
		if again.TaskDefinition.Status != types.TaskDefinitionStatusInactive {
			t.Errorf("deregistered again: %s", again.TaskDefinition.Status)
		}
		deleted := must(w.api.DeleteTaskDefinitions(w.Context(), &ecs.DeleteTaskDefinitionsInput{TaskDefinitions: []string{"web:3", "web:2", "web:9", "web"}}))(w)
		if len(deleted.TaskDefinitions) != 1 || deleted.TaskDefinitions[0].Status != types.TaskDefinitionStatusDeleteInProgress {
			t.Errorf("deleted %v", deleted.TaskDefinitions)
		}
		if _, err := w.api.DeregisterTaskDefinition(w.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:3")}); code(err) != "ClientException" {
			t.Errorf("deregistered while it is deleted: %v", err)
		}
		var failures []string
		for _, f := range deleted.Failures {
			failures = append(failures, *f.Arn+": "+*f.Reason)
		}
		if want := []string{
			"web:2: The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
			"web:9: The specified task definition does not exist. Specify a valid account, family, revision and try again.",
			"web: The specified task definition identifier is invalid. Specify a valid name or ARN and try again.",
		}; !slices.Equal(failures, want) {
			t.Errorf("failures %q", failures)
		}
	})
}

func TestServiceIsReadBackAsItWasCreated(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		s := w.service()
		if s.AvailabilityZoneRebalancing != types.AvailabilityZoneRebalancingEnabled || aws.ToInt32(s.HealthCheckGracePeriodSeconds) != 0 {
			t.Errorf("rebalancing %s, grace period %v", s.AvailabilityZoneRebalancing, s.HealthCheckGracePeriodSeconds)
		}
		if s.ResourceManagementType != types.ResourceManagementTypeCustomer || *s.RoleArn != "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS" {
			t.Errorf("managed by the %s, role %s", s.ResourceManagementType, *s.RoleArn)
		}
		c := s.DeploymentConfiguration
		if *c.MaximumPercent != 200 || *c.MinimumHealthyPercent != 100 || c.DeploymentCircuitBreaker.Enable {
			t.Errorf("deployment configuration %+v", c)
		}
		if s.LaunchType != types.LaunchTypeFargate || *s.PlatformVersion != "LATEST" || s.SchedulingStrategy != types.SchedulingStrategyReplica || s.PropagateTags != types.PropagateTagsNone {
			t.Errorf("%s %s %s %s", s.LaunchType, *s.PlatformVersion, s.SchedulingStrategy, s.PropagateTags)
		}
		if vpc := s.NetworkConfiguration.AwsvpcConfiguration; vpc.AssignPublicIp != types.AssignPublicIpDisabled || vpc.SecurityGroups == nil {
			t.Errorf("network %+v", vpc)
		}
		if s.LoadBalancers == nil || s.ServiceRegistries == nil || s.PlacementConstraints == nil || s.PlacementStrategy == nil || s.Tags != nil {
			t.Error("a list is missing, or tags are there without being asked for")
		}
		if s.DeploymentController.Type != types.DeploymentControllerTypeEcs || *s.ServiceArn != "arn:aws:ecs:us-east-1:123456789012:service/prod/web" {
			t.Errorf("%s %s", s.DeploymentController.Type, *s.ServiceArn)
		}
	})
}

// A service names the revisions that its deployments run, with their tasks.
func TestServiceNamesItsRevisions(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		w.runtime.set(func(ctx context.Context, _ runtime.Spec) error { <-ctx.Done(); return ctx.Err() }, nil) // no task starts
		must(w.api.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), ForceNewDeployment: true}))(w)
		w.pass(time.Second)
		s := w.service()
		var got []string
		for _, r := range s.CurrentServiceRevisions {
			got = append(got, fmt.Sprintln(*r.Arn, r.RequestedTaskCount, r.RunningTaskCount, r.PendingTaskCount))
		}
		want := make([]string, 2)
		for i, counts := range []string{" 2 0 2\n", " 2 2 0\n"} {
			_, number, _ := strings.Cut(*s.Deployments[i].Id, "/")
			want[i] = "arn:aws:ecs:us-east-1:123456789012:service-revision/prod/web/" + number + counts
		}
		if !slices.Equal(got, want) {
			t.Errorf("revisions %q, want %q", got, want)
		}
	})
}

func TestServiceIsFoundByNameAndARN(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(0)
		refs := []string{"web", "arn:aws:ecs:us-east-1:123456789012:service/prod/web", "arn:aws:ecs:us-east-1:123456789012:service/web"}
		out := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/prod"), Services: refs}))(w)
		if len(out.Services) != 3 {
			t.Errorf("found %d, failures %+v", len(out.Services), out.Failures)
		}
		other := "arn:aws:ecs:us-east-1:123456789012:service/test/web"
		out = must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{other}}))(w)
		if len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" || *out.Failures[0].Arn != other {
			t.Errorf("found %d, failures %+v", len(out.Services), out.Failures)
		}
	})
}

func TestMissingServiceIsNamedWithoutItsCluster(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		out := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"none"}}))(w)
		if f := out.Failures[0]; *f.Arn != "arn:aws:ecs:us-east-1:123456789012:service/none" || *f.Reason != "MISSING" {
			t.Errorf("failure %s %s", *f.Arn, *f.Reason)
		}
	})
}

func TestClusterCreatedAgainIsShownAsBefore(t *testing.T) {
	inWorld(t, func(w *world) {
		in := &ecs.CreateClusterInput{
			Tags:                   []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
			ServiceConnectDefaults: &types.ClusterServiceConnectDefaultsRequest{Namespace: aws.String("apps")},
		}
		first := must(w.api.CreateCluster(w.Context(), in))(w).Cluster
		again := must(w.api.CreateCluster(w.Context(), &ecs.CreateClusterInput{}))(w).Cluster
		if !reflect.DeepEqual(first, again) || len(first.Tags) != 1 || *first.ServiceConnectDefaults.Namespace != "apps" {
			t.Errorf("first %+v, then %+v", first, again)
		}
		without := must(w.api.UpdateCluster(w.Context(), &ecs.UpdateClusterInput{
			Cluster:                aws.String("default"),
			ServiceConnectDefaults: &types.ClusterServiceConnectDefaultsRequest{Namespace: aws.String("")},
		}))(w).Cluster
		if without.ServiceConnectDefaults != nil {
			t.Errorf("the namespace %s stays", *without.ServiceConnectDefaults.Namespace)
		}
	})
}

func TestClusterLife(t *testing.T) {
	inWorld(t, func(w *world) {
		c := must(w.api.CreateCluster(w.Context(), &ecs.CreateClusterInput{}))(w).Cluster
		if *c.ClusterName != "default" || *c.ClusterArn != "arn:aws:ecs:us-east-1:123456789012:cluster/default" || *c.Status != "ACTIVE" {
			t.Errorf("cluster %s %s %s", *c.ClusterName, *c.ClusterArn, *c.Status)
		}
		must(w.api.PutClusterCapacityProviders(w.Context(), &ecs.PutClusterCapacityProvidersInput{
			Cluster: aws.String("default"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"},
			DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 1}},
		}))(w)
		w.define()
		out := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{TaskDefinition: aws.String("web"), NetworkConfiguration: subnets}))(w)
		if task := out.Tasks[0]; aws.ToString(task.CapacityProviderName) != "FARGATE_SPOT" || task.LaunchType != types.LaunchTypeFargate || *task.Group != "family:web" {
			t.Errorf("task by %s on %s in %s", aws.ToString(task.CapacityProviderName), task.LaunchType, *task.Group)
		}
		w.pass(time.Second)
		statistics := map[string]string{}
		for _, s := range must(w.api.DescribeClusters(w.Context(), &ecs.DescribeClustersInput{Include: types.ClusterField("").Values()}))(w).Clusters[0].Statistics {
			statistics[*s.Name] = *s.Value
		}
		if len(statistics) != 8 || statistics["runningFargateTasksCount"] != "1" || statistics["activeFargateServiceCount"] != "0" {
			t.Errorf("statistics %v", statistics)
		}
		_, err := w.api.DeleteCluster(w.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("default")})
		if code(err) != "ClusterContainsTasksException" {
			t.Errorf("deleted with tasks: %v", err)
		}
		must(w.api.StopTask(w.Context(), &ecs.StopTaskInput{Task: out.Tasks[0].TaskArn}))(w)
		w.pass(time.Second)
		for range 2 { // the second time it is gone already
			gone := must(w.api.DeleteCluster(w.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("default")}))(w).Cluster
			if *gone.Status != "INACTIVE" {
				t.Errorf("deleted: %s", *gone.Status)
			}
		}
		d := must(w.api.DescribeClusters(w.Context(), &ecs.DescribeClustersInput{Clusters: []string{"default", "none"}}))(w)
		if _, err := w.api.ListTasks(w.Context(), &ecs.ListTasksInput{}); messageOf(err) != "The referenced cluster was inactive." {
			t.Errorf("tasks of a deleted cluster: %v", err)
		}
		if *d.Clusters[0].Status != "INACTIVE" || *d.Failures[0].Reason != "MISSING" {
			t.Errorf("clusters %+v, failures %+v", d.Clusters, d.Failures)
		}
	})
}

func TestTagsOfEveryKind(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1, func(in *ecs.CreateServiceInput) {
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
			in.PropagateTags, in.EnableECSManagedTags = types.PropagateTagsService, true
		})
		task := must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{
			Cluster: aws.String("prod"), Tasks: []string{*w.tasks("")[0].TaskArn}, Include: []types.TaskField{types.TaskFieldTags},
		}))(w).Tasks[0]
		if len(task.Tags) != 3 {
			t.Errorf("task tags %v", task.Tags)
		}
		for _, arn := range []string{
			"arn:aws:ecs:us-east-1:123456789012:cluster/prod",
			"arn:aws:ecs:us-east-1:123456789012:service/prod/web",
			"arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
			*task.TaskArn,
		} {
			before := len(must(w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: &arn}))(w).Tags)
			must(w.api.TagResource(w.Context(), &ecs.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}}))(w)
			if n := len(must(w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: &arn}))(w).Tags); n != before+1 {
				t.Errorf("%s has %d tags, want %d", arn, n, before+1)
			}
			must(w.api.UntagResource(w.Context(), &ecs.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"stage"}}))(w)
			if n := len(must(w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: &arn}))(w).Tags); n != before {
				t.Errorf("%s has %d tags, want %d", arn, n, before)
			}
		}
	})
}

// What AWS has tagged keeps its tags, and does not count them.
func TestTagsOfAWS(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1, func(in *ecs.CreateServiceInput) { in.EnableECSManagedTags = true })
		arn := w.tasks("")[0].TaskArn
		own := make([]types.Tag, tags.Most)
		for i := range own {
			own[i] = types.Tag{Key: aws.String(fmt.Sprint("tag", i)), Value: aws.String("")}
		}
		must(w.api.TagResource(w.Context(), &ecs.TagResourceInput{ResourceArn: arn, Tags: own}))(w)
		must(w.api.UntagResource(w.Context(), &ecs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"aws:ecs:clusterName", "tag0"}}))(w)
		if n := len(must(w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: arn}))(w).Tags); n != 2+tags.Most-1 {
			t.Errorf("%d tags", n)
		}
	})
}

func TestWhatIsGone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		service, task := w.service().ServiceArn, w.tasks("")[0].TaskArn
		refused := func(arn *string, want string) {
			_, err := w.api.ListTagsForResource(w.Context(), &ecs.ListTagsForResourceInput{ResourceArn: arn})
			if code(err) != "InvalidParameterException" || messageOf(err) != want {
				t.Errorf("tags of %s: %v", *arn, err)
			}
		}
		must(w.api.DeleteService(w.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), Force: aws.Bool(true)}))(w)
		w.pass(time.Minute)
		refused(service, "The specified service is inactive. Specify an active service and try again.")
		refused(task, "The specified task is stopped. Specify a running task and try again.")
		must(w.api.DeleteCluster(w.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("prod")}))(w)
		refused(aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/prod"), "The specified cluster is inactive. Specify an active cluster and try again.")
		shown := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web", "none"}}))(w)
		if len(shown.Services) != 1 || *shown.Services[0].Status != "INACTIVE" || len(shown.Failures) != 1 {
			t.Errorf("services of a deleted cluster: %+v, failures %+v", shown.Services, shown.Failures)
		}
	})
}

func TestListTasksFilters(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		w.define(func(in *ecs.RegisterTaskDefinitionInput) { in.Family = aws.String("job") })
		must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
			Cluster: aws.String("prod"), TaskDefinition: aws.String("job"), LaunchType: types.LaunchTypeFargate,
			NetworkConfiguration: subnets, Count: aws.Int32(3), StartedBy: aws.String("me"),
		}))(w)
		w.pass(time.Second)
		for _, tt := range []struct {
			name string
			in   ecs.ListTasksInput
			want int
		}{
			{"all", ecs.ListTasksInput{}, 5},
			{"of a service", ecs.ListTasksInput{ServiceName: aws.String("web")}, 2},
			{"of a family", ecs.ListTasksInput{Family: aws.String("job")}, 3},
			{"started by", ecs.ListTasksInput{StartedBy: aws.String("me")}, 3},
			{"on Fargate", ecs.ListTasksInput{LaunchType: types.LaunchTypeFargate}, 5},
			{"on EC2", ecs.ListTasksInput{LaunchType: types.LaunchTypeEc2}, 0},
			{"stopped", ecs.ListTasksInput{DesiredStatus: types.DesiredStatusStopped}, 0},
			{"pending, which ECS never sets", ecs.ListTasksInput{DesiredStatus: types.DesiredStatusPending}, 0},
			{"a page", ecs.ListTasksInput{MaxResults: aws.Int32(2)}, 2},
		} {
			tt.in.Cluster = aws.String("prod")
			out := must(w.api.ListTasks(w.Context(), &tt.in))(w)
			if len(out.TaskArns) != tt.want || (out.NextToken != nil) != (tt.name == "a page") {
				t.Errorf("%s: %d tasks, want %d", tt.name, len(out.TaskArns), tt.want)
			}
		}
	})
}

func TestTaskEnvironment(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].Environment = []types.KeyValuePair{
				{Name: aws.String("MODE"), Value: aws.String("definition")},
				{Name: aws.String("AWS_REGION"), Value: aws.String("eu-west-1")},
			}
		})
		must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
			Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets,
			Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{
				Name: aws.String("web"), Command: []string{"serve", "-v"},
				Environment: []types.KeyValuePair{{Name: aws.String("MODE"), Value: aws.String("override")}},
			}}},
		}))(w)
		w.pass(time.Second)
		c := w.runtime.any().spec.Containers[0]
		want := []string{
			"AWS_ACCESS_KEY_ID=123456789012", "AWS_DEFAULT_REGION=us-east-1", "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
			"AWS_REGION=eu-west-1", "AWS_SECRET_ACCESS_KEY=task", "FLYBALL_SPEED=1", "MODE=override", "PORT=8080",
		}
		if !slices.Equal(c.Env, want) {
			t.Errorf("environment %q", c.Env)
		}
		if !slices.Equal(c.Command, []string{"serve", "-v"}) || !slices.Equal(c.Ports, []int{8080}) {
			t.Errorf("command %q, ports %v", c.Command, c.Ports)
		}
		if spec := w.runtime.any().spec; spec.CPU != 256 || spec.Memory != 512 {
			t.Errorf("size %d, %d", spec.CPU, spec.Memory)
		}
	})
}

func TestTaskIsNotStartedWithoutWhatItWasPromised(t *testing.T) {
	for want, promise := range map[string]func(*ecs.RegisterTaskDefinitionInput){
		"volumes are not supported": func(in *ecs.RegisterTaskDefinitionInput) {
			in.Volumes = []types.Volume{{Name: aws.String("data")}}
			in.ContainerDefinitions[0].MountPoints = []types.MountPoint{{SourceVolume: aws.String("data"), ContainerPath: aws.String("/data")}}
		},
		"secrets are not supported": func(in *ecs.RegisterTaskDefinitionInput) {
			in.ExecutionRoleArn = aws.String("arn:aws:iam::123456789012:role/execution")
			in.ContainerDefinitions[0].Secrets = []types.Secret{{Name: aws.String("KEY"), ValueFrom: aws.String("key")}}
		},
		"proxy configurations are not supported": func(in *ecs.RegisterTaskDefinitionInput) {
			in.ProxyConfiguration = &types.ProxyConfiguration{Type: types.ProxyConfigurationTypeAppmesh, ContainerName: aws.String("web"),
				Properties: []types.KeyValuePair{{Name: aws.String("ProxyIngressPort"), Value: aws.String("15000")}}}
		},
		"ranges are not supported": func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].PortMappings = []types.PortMapping{{ContainerPortRange: aws.String("8000-8010")}}
		},
		"WINDOWS_SERVER_2022_CORE does not run": func(in *ecs.RegisterTaskDefinitionInput) {
			in.RuntimePlatform = &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyWindowsServer2022Core}
			in.Cpu, in.Memory = aws.String("1024"), aws.String("2048")
		},
	} {
		t.Run(want, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.cluster("prod")
				w.define(promise)
				must(w.api.CreateService(w.Context(), webService(1)))(w)
				w.pass(time.Second)
				task := w.tasks(types.DesiredStatusStopped)[0]
				if task.StopCode != types.TaskStopCodeTaskFailedToStart || !strings.Contains(*task.StoppedReason, want) {
					t.Errorf("stopped %s, %q", task.StopCode, *task.StoppedReason)
				}
			})
		})
	}
}

func TestPlacementByHostIsShownAsByInstance(t *testing.T) {
	byHost := []types.PlacementStrategy{{Type: types.PlacementStrategyTypeSpread, Field: aws.String("host")}}
	inWorld(t, func(w *world) {
		w.serve(1, func(in *ecs.CreateServiceInput) {
			in.LaunchType, in.PlacementStrategy = types.LaunchTypeEc2, byHost
		})
		if s := w.service().PlacementStrategy; len(s) != 1 || *s[0].Field != "instanceId" {
			t.Errorf("created with %+v", s)
		}
		must(w.api.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), PlacementStrategy: byHost}))(w)
		if s := w.service().PlacementStrategy; len(s) != 1 || *s[0].Field != "instanceId" || *byHost[0].Field != "host" {
			t.Errorf("changed to %+v", s)
		}
	})
}

func TestAccountSettings(t *testing.T) {
	inWorld(t, func(w *world) {
		user := aws.String("arn:aws:iam::123456789012:user/a")
		must(w.api.PutAccountSettingDefault(w.Context(), &ecs.PutAccountSettingDefaultInput{Name: types.SettingNameContainerInsights, Value: aws.String("enhanced")}))(w)
		must(w.api.PutAccountSetting(w.Context(), &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: aws.String("enabled"), PrincipalArn: user}))(w)
		effective := func(principal *string) string {
			out := must(w.api.ListAccountSettings(w.Context(), &ecs.ListAccountSettingsInput{Name: types.SettingNameContainerInsights, EffectiveSettings: true, PrincipalArn: principal}))(w)
			return *out.Settings[0].Value
		}
		if got := effective(user) + effective(aws.String("arn:aws:iam::123456789012:user/b")); got != "enabledenhanced" {
			t.Errorf("effective %s", got)
		}
		deleted := must(w.api.DeleteAccountSetting(w.Context(), &ecs.DeleteAccountSettingInput{Name: types.SettingNameContainerInsights, PrincipalArn: user}))(w)
		if *deleted.Setting.Value != "enhanced" {
			t.Errorf("after it is deleted: %s", *deleted.Setting.Value)
		}
		must(w.api.PutAccountSettingDefault(w.Context(), &ecs.PutAccountSettingDefaultInput{Name: "dualStackIPv6", Value: aws.String("disabled")}))(w)
		c := must(w.api.CreateCluster(w.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("watched")}))(w).Cluster
		if *c.Settings[0].Value != "enhanced" {
			t.Errorf("a new cluster has %s", *c.Settings[0].Value)
		}
	})
}

func TestTaskProtectionFailures(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		alone := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets}))(w).Tasks[0]
		w.pass(time.Second)
		out := must(w.api.UpdateTaskProtection(w.Context(), &ecs.UpdateTaskProtectionInput{
			Cluster: aws.String("prod"), Tasks: []string{*alone.TaskArn, strings.Repeat("0", 32)}, ProtectionEnabled: true,
		}))(w)
		if len(out.Failures) != 2 || *out.Failures[0].Reason != "TASK_NOT_VALID" || *out.Failures[1].Reason != "MISSING" {
			t.Errorf("failures %+v", out.Failures)
		}
	})
}
