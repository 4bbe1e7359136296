package flyballtest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/scaling"
)

// Deploy makes a service of ECS with so many tasks, in a cluster that is made if there is none, and waits until they
// run. The tasks are of Fargate, with 1 vCPU and 2 GB. Tests of services with another form deploy
// them themselves, through Config.
func (s *Server) Deploy(service string, tasks int) {
	s.t.Helper()
	cluster, name := s.split(service)
	ctx, api := s.t.Context(), s.client.ECS
	if _, err := api.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &cluster}); err != nil {
		s.t.Fatalf("make cluster %s: %v", cluster, err)
	}
	definition, err := api.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &name, Cpu: aws.String("1024"), Memory: aws.String("2048"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions:    []types.ContainerDefinition{{Name: &name, Image: &name}},
	})
	if err != nil {
		s.t.Fatalf("make task definition %s: %v", name, err)
	}
	_, err = api.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: &cluster, ServiceName: &name, TaskDefinition: definition.TaskDefinition.TaskDefinitionArn,
		DesiredCount: aws.Int32(int32(tasks)), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	})
	if err != nil {
		s.t.Fatalf("make service %s: %v", service, err)
	}
	s.WaitRunning(service, tasks, time.Hour)
}

// split takes CLUSTER/SERVICE apart.
func (s *Server) split(service string) (cluster, name string) {
	s.t.Helper()
	named, err := resource.ParseService(service)
	if err != nil {
		s.t.Fatalf("%q is no service; name it CLUSTER/SERVICE, such as demo/web", service)
	}
	return named.Cluster, named.ID
}

// Feed publishes a value of a metric, at the server's time, as PutMetricData does; namespaces that begin with AWS/ are
// taken, too. Dimensions are names and values in turn:
//
//	s.Feed("Shop", "OrdersWaiting", 120, "Queue", "orders")
func (s *Server) Feed(namespace, metric string, value float64, dimensions ...string) {
	s.t.Helper()
	if len(dimensions)%2 != 0 {
		s.t.Fatalf("the dimensions %q of a metric are not names and values in turn", dimensions)
	}
	datum := cwtypes.MetricDatum{MetricName: &metric, Value: &value, Timestamp: aws.Time(s.Now())}
	for i := 0; i < len(dimensions); i += 2 {
		datum.Dimensions = append(datum.Dimensions, cwtypes.Dimension{Name: &dimensions[i], Value: &dimensions[i+1]})
	}
	_, err := s.client.CloudWatch.PutMetricData(s.t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: &namespace, MetricData: []cwtypes.MetricDatum{datum},
	})
	if err != nil {
		s.t.Fatalf("feed metric %s of %s: %v", metric, namespace, err)
	}
}

// WaitDesired moves the server's time until a service has a desired count, and no further. If that does not come within
// a time, it ends the test with the reason.
func (s *Server) WaitDesired(service string, count int, within time.Duration) {
	s.t.Helper()
	s.wait(service, client.Wanted{Desired: aws.Int32(int32(count))}, within)
}

// WaitRunning is WaitDesired for the desired count and the number of tasks that run.
func (s *Server) WaitRunning(service string, count int, within time.Duration) {
	s.t.Helper()
	s.wait(service, client.Wanted{Desired: aws.Int32(int32(count)), Running: aws.Int32(int32(count))}, within)
}

func (s *Server) wait(service string, want client.Wanted, within time.Duration) {
	s.t.Helper()
	want.Cluster, want.Service = s.split(service)
	w, err := s.client.Wait(s.t.Context(), want, within)
	if err != nil {
		s.t.Fatalf("wait for %s: %v", service, err)
	}
	if !w.Met {
		wanted := "desired"
		if want.Running != nil {
			wanted = "running"
		}
		s.t.Fatalf("%s has %d desired, %d running and %d pending at %s; %d %s were wanted within %v\n%s",
			service, w.Desired, w.Running, w.Pending, w.Now.Format(time.RFC3339), *want.Desired, wanted, within, w.Explanation)
	}
}

// Tasks are the desired count of a service, and how many of its tasks run.
func (s *Server) Tasks(service string) (desired, running int) {
	s.t.Helper()
	cluster, name := s.split(service)
	out, err := s.client.ECS.DescribeServices(s.t.Context(), &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	if err != nil {
		s.t.Fatalf("look at service %s: %v", service, err)
	}
	if len(out.Services) == 0 {
		s.t.Fatalf("there is no service %s", service)
	}
	return int(out.Services[0].DesiredCount), int(out.Services[0].RunningCount)
}

// Explain is what flyball explain prints of a service: what its alarms see, what was decided last, and when it can
// scale next.
func (s *Server) Explain(service string) string {
	s.t.Helper()
	cluster, name := s.split(service)
	e, err := s.client.Explain(s.t.Context(), string(scaling.ServiceID(cluster, name)))
	if err != nil {
		s.t.Fatalf("explain %s: %v", service, err)
	}
	return e.String()
}
