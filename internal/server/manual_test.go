package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/client"
	"flyball/internal/task/simulated"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// manual has a server with a manual clock and the service demo/web, which has a target of 60 % CPU.
func manual(t testing.TB) (*Server, *client.Client) {
	t.Helper()
	s := open(t, "", func(c *Config) {
		c.Clock, c.Start, c.Runtime, c.Tasks = ClockManual, monday, "auto", nil
		c.TaskStart, c.TaskStop = 20*time.Second, 5*time.Second
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, client.New(client.Config{Endpoint: s.URL(), Region: testRegion})
}

func deploy(t testing.TB, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("demo")}))
	check(c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions:    []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("shop/web")}},
	}))
	check(c.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("demo"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(2),
		LaunchType:           types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}))
	check(c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: scaling.ServiceNamespaceEcs, ScalableDimension: scaling.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/demo/web"), MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(10),
	}))
	check(c.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: scaling.ServiceNamespaceEcs, ScalableDimension: scaling.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/demo/web"), PolicyName: aws.String("cpu"), PolicyType: scaling.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &scaling.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(60), ScaleOutCooldown: aws.Int32(60), ScaleInCooldown: aws.Int32(60),
			PredefinedMetricSpecification: &scaling.PredefinedMetricSpecification{PredefinedMetricType: scaling.MetricTypeECSServiceAverageCPUUtilization},
		},
	}))
}

func counts(t testing.TB, c *client.Client) (desired, running int32) {
	t.Helper()
	out, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("demo"), Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Services[0].DesiredCount, out.Services[0].RunningCount
}

func TestAManualClockStandsStillUntilItIsMoved(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	if now := s.Clock().Now(); !now.Equal(monday) {
		t.Errorf("it shows %v", now)
	}
	if err := s.Advance(t.Context(), 19*time.Second); err != nil {
		t.Fatal(err)
	}
	if desired, running := counts(t, c); desired != 2 || running != 0 {
		t.Errorf("after 19 s %d of %d tasks run", running, desired)
	}
	if err := s.Advance(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	if desired, running := counts(t, c); desired != 2 || running != 2 {
		t.Errorf("after 20 s %d of %d tasks run", running, desired)
	}
}

// history is what a target has come to after each minute, and its activities.
func history(t testing.TB) string {
	s, c := manual(t)
	deploy(t, c)
	var text string
	for minute := range 40 {
		load := 100.0 + 40*float64(minute%20)
		if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: load}); err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		desired, running := counts(t, c)
		text += fmt.Sprint(minute, load, desired, running, "\n")
	}
	out, err := c.AutoScaling.DescribeScalingActivities(t.Context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: scaling.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out.ScalingActivities {
		text += fmt.Sprint(a.StartTime.UTC(), a.EndTime, *a.Description, *a.Cause, a.StatusCode, "\n")
	}
	alarms, err := c.CloudWatch.DescribeAlarmHistory(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alarms.AlarmHistoryItems {
		text += fmt.Sprint(a.Timestamp.UTC(), *a.HistorySummary, "\n")
	}
	return identifiers.ReplaceAllString(text, "ID")
}

var identifiers = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func TestTheSameLoadHasTheSameHistory(t *testing.T) {
	first := history(t)
	for range 3 {
		if again := history(t); again != first {
			t.Fatalf("%s\nand then\n%s", first, again)
		}
	}
}

func BenchmarkSimulatedMinutes(b *testing.B) {
	s, c := manual(b)
	deploy(b, c)
	b.ResetTimer()
	for i := range b.N {
		if i%30 == 0 {
			if err := s.SetLoad("demo/web", simulated.Load{TotalCPU: 100 + 400*float64(i/30%2)}); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Advance(b.Context(), time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

func TestASimulatedServiceBehindALoadBalancerDrainsInTheServersTime(t *testing.T) {
	s, c := manual(t)
	ctx := t.Context()
	deploy(t, c)
	group, err := c.LoadBalancing.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("app"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-1"), TargetType: elbtypes.TargetTypeEnumIp,
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := group.TargetGroups[0].TargetGroupArn
	balancer, err := c.LoadBalancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("app"), Subnets: []string{"subnet-1", "subnet-2"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.LoadBalancing.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(8080), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: arn}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("app"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("app"), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80)}}}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("demo"), ServiceName: aws.String("app"), TaskDefinition: aws.String("app"), DesiredCount: aws.Int32(3),
		LaunchType: types.LaunchTypeFargate, LoadBalancers: []types.LoadBalancer{{TargetGroupArn: arn, ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}},
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}); err != nil {
		t.Fatal(err)
	}
	healthy := func() (n int) {
		out, err := c.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.TargetHealthDescriptions {
			if d.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
				n++
			}
		}
		return n
	}
	running := func(want int32) client.Waited {
		t.Helper()
		w, err := c.Wait(ctx, client.Wanted{Cluster: "demo", Service: "app", Running: &want}, time.Hour)
		if err != nil || !w.Met {
			t.Fatalf("%+v, %v", w, err)
		}
		return w
	}
	running(3)
	if err := s.Advance(ctx, time.Hour); err != nil { // long enough for an unhealthy one to be replaced
		t.Fatal(err)
	}
	if n := healthy(); n != 3 {
		t.Errorf("%d of 3 targets are healthy", n)
	}
	if _, err := c.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("demo"), Service: aws.String("app"), DesiredCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	if took := running(1).Seconds; took < 0 || took > 310 {
		t.Errorf("two tasks are gone after %v s", took)
	}
	if n := healthy(); n != 1 {
		t.Errorf("%d targets are healthy, want 1", n)
	}
}

func TestAWaitThatIsInVainSaysWhy(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	w, err := c.Wait(t.Context(), client.Wanted{Cluster: "demo", Service: "web", Desired: aws.Int32(4)}, 10*time.Minute)
	if err != nil || w.Met || w.Desired != 2 || w.Seconds != 600 || !strings.Contains(w.Explanation, "cpu") || !strings.Contains(w.Explanation, "events") {
		t.Errorf("%+v, %v", w, err)
	}
	if now := s.Clock().Now(); !now.Equal(monday.Add(10 * time.Minute)) {
		t.Errorf("it is %v", now)
	}
}

func TestAWaitMovesTheClockNoFurtherThanItHasTo(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	w, err := c.Wait(t.Context(), client.Wanted{Cluster: "demo", Service: "web", Running: aws.Int32(2)}, time.Hour)
	if err != nil || !w.Met || w.Seconds != 20 || !s.Clock().Now().Equal(monday.Add(20*time.Second)) {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestWrongQuestionsToAManualServer(t *testing.T) {
	s, c := manual(t)
	deploy(t, c)
	for query, want := range map[string]string{
		"clock?advance=":                            "give a duration",
		"clock?advance=-5m":                         "moves forward",
		"clock?advance=999999h":                     "at most",
		"load?totalCpu=5":                           "CLUSTER/SERVICE",
		"load?service=demo/web&totalCpu=much":       "give a number",
		"load?service=demo/web&taskCpu=-1":          "from 0",
		"load?service=demo/web&taskCpu=NaN":         "from 0",
		"wait?service=web&desired=2":                "CLUSTER/SERVICE",
		"wait?service=demo/web":                     "desired or running",
		"wait?service=demo/web&desired=-1":          "number of tasks",
		"wait?service=demo/web&desired=2&within=5":  "give a duration",
		"wait?service=demo/other&desired=2":         "no service demo/other",
		"wait?service=none/web&desired=2&within=1h": "Cluster not found",
	} {
		res, err := http.Post(s.URL()+"/console/api/"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s %q, %v", query, res.Status, text, err)
		}
	}
	if now := s.Clock().Now(); !now.Equal(monday) || len(s.loads()) > 0 {
		t.Errorf("it is %v, and loads are %v", now, s.loads())
	}
}

func TestWhatAServerWithItsOwnClockRefuses(t *testing.T) {
	s := open(t, "")
	defer s.Close()
	if err := s.Advance(t.Context(), time.Minute); err == nil || !strings.Contains(err.Error(), "--clock manual") {
		t.Errorf("to be moved: %v", err)
	}
	if err := s.SetLoad("demo/web", simulated.Load{}); err == nil || !strings.Contains(err.Error(), "--runtime simulated") {
		t.Errorf("a load: %v", err)
	}
}

func TestAManualClockGoesOnWhereItStood(t *testing.T) {
	dir := t.TempDir()
	stands := func(c *Config) { c.Clock, c.Start = ClockManual, monday }
	first := open(t, dir, stands)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	if err := first.Advance(ctx, 90*time.Minute); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, stands)
	defer second.Close()
	if now := second.Clock().Now(); !now.Equal(monday.Add(90 * time.Minute)) {
		t.Errorf("it goes on at %v", now)
	}
}

// Of an advance on whose way nothing was due nothing else is written.
func TestAManualClockDoesNotGoBackAfterAKill(t *testing.T) {
	dir := t.TempDir()
	stands := func(c *Config) { c.Clock, c.Start = ClockManual, monday }
	first := open(t, dir, stands)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	if res, err := http.Post(first.URL()+"/console/api/clock?advance=3s", "", nil); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	killed := imageOf(t, dir)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	second := open(t, killed, stands)
	defer second.Close()
	if now := second.Clock().Now(); !now.Equal(monday.Add(3 * time.Second)) {
		t.Errorf("it goes on at %v", now)
	}
}
