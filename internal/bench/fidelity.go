package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/load"
	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/sim"
)

// The live run that is predicted. At 60 times the speed a minute of the server is a second, in
// which a request of 50 ms takes three of the minute's seconds: the model has what requests
// took as the service's metrics tell it.
const (
	liveSpeed  = 60
	liveUnits  = 128 // of a task's CPU
	liveMost   = 10
	liveStages = "10m:2/s,steady 5m,20m:9/s,steady 20m,20m:3/s,steady 25m,spike 10m:7/s,30m:1/s"
)

// fidelity runs a service under load on a server that is 60 times as fast, and has the
// simulation predict from the same requests what its desired count was in each minute.
func fidelity(ctx context.Context, binary string) error {
	dir, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := start(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--data", dir, "--runtime", "process",
		"--speed", strconv.Itoa(liveSpeed), "--log-level", "error")
	if err != nil {
		return err
	}
	defer p.stop()
	l := liveRun{client: client.New(client.Config{Endpoint: p.url, Region: "us-east-1"})}
	if err := l.deploy(ctx); err != nil {
		return err
	}
	record := filepath.Join(dir, "load.jsonl")
	cmd := exec.CommandContext(ctx, binary, "load", "--endpoint", p.url, "--service", "bench/web", "--path", "/computation",
		"--stages", liveStages, "--out", record, "--json")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("load: %w: %s", err, out)
	}
	if err := l.see(ctx, record); err != nil {
		return err
	}
	return l.compare()
}

// A liveRun is a run with what was seen of it.
type liveRun struct {
	client   *client.Client
	policies policydoc.Documents
	from     time.Time       // the first minute of which the load is known
	requests []float64       // that were sent in each minute
	changes  []setting       // of the desired count, the oldest first
	each     time.Duration   // processor time of a request
	starts   []time.Duration // how long tasks took to run
}

// A setting is a desired count from a time on.
type setting struct {
	at    time.Time
	count int
	took  time.Duration // until as many ran; 0: they never did, or it is not over
}

// deploy makes the service with its policy, and waits until a task runs.
func (l *liveRun) deploy(ctx context.Context) error {
	id, c := aws.String("service/bench/web"), l.client
	target := &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: id, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(liveMost),
	}
	policy := &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: id, PolicyName: aws.String("cpu"), PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(50), ScaleOutCooldown: aws.Int32(60), ScaleInCooldown: aws.Int32(120),
			PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization},
		},
	}
	l.policies = policydoc.Documents{
		Targets: []aastypes.ScalableTarget{{ResourceId: id, MinCapacity: target.MinCapacity, MaxCapacity: target.MaxCapacity}},
		Policies: []aastypes.ScalingPolicy{{
			ResourceId: id, PolicyName: policy.PolicyName, PolicyType: policy.PolicyType,
			TargetTrackingScalingPolicyConfiguration: policy.TargetTrackingScalingPolicyConfiguration,
		}},
	}
	_, err := c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("bench")})
	if err == nil {
		_, err = c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("web"), NetworkMode: ecstypes.NetworkModeAwsvpc,
			ContainerDefinitions: []ecstypes.ContainerDefinition{{
				Name: aws.String("web"), Image: aws.String("flyball/web"), Cpu: liveUnits, Memory: aws.Int32(64), StopTimeout: aws.Int32(2),
				PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(8080)}},
			}},
		})
	}
	if err == nil {
		_, err = c.ECS.CreateService(ctx, &ecs.CreateServiceInput{
			Cluster: aws.String("bench"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1),
			LaunchType:           ecstypes.LaunchTypeEc2,
			NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
		})
	}
	if err == nil {
		_, err = c.AutoScaling.RegisterScalableTarget(ctx, target)
	}
	if err == nil {
		_, err = c.AutoScaling.PutScalingPolicy(ctx, policy)
	}
	if err != nil {
		return err
	}
	return ecs.NewServicesStableWaiter(c.ECS).Wait(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("bench"), Services: []string{"web"}}, time.Minute)
}

// see reads the record of the load and the service's activities.
func (l *liveRun) see(ctx context.Context, record string) error {
	file, err := os.Open(record)
	if err != nil {
		return err
	}
	defer file.Close()
	lines, err := load.ReadRecord(file)
	if err != nil {
		return err
	}
	if len(lines) < 3 {
		return errors.New("the load was over before it was recorded")
	}
	l.spread(lines)
	pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(l.client.AutoScaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.ScalingActivities {
			text, found := strings.CutPrefix(aws.ToString(a.Description), "Setting desired count to ")
			count, err := strconv.Atoi(strings.TrimSuffix(text, "."))
			if !found || err != nil {
				continue
			}
			change := setting{at: *a.StartTime, count: count}
			if a.StatusCode == aastypes.ScalingActivityStatusCodeSuccessful && a.EndTime != nil {
				change.took = a.EndTime.Sub(*a.StartTime)
			}
			l.changes = append(l.changes, change)
		}
	}
	slices.SortFunc(l.changes, func(a, b setting) int { return a.at.Compare(b.at) })
	before := 1
	for _, c := range l.changes {
		if c.count > before && c.took > 0 { // tasks that are stopped need no start
			l.starts = append(l.starts, c.took)
		}
		before = c.count
	}
	return l.measure(ctx)
}

// measure finds what processor time a request took: that of all tasks, divided by the requests.
func (l *liveRun) measure(ctx context.Context) error {
	out, err := l.client.CloudWatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"), Period: aws.Int32(60),
		StartTime: &l.from, EndTime: aws.Time(l.from.Add(time.Duration(len(l.requests)) * time.Minute)),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("ClusterName"), Value: aws.String("bench")}, {Name: aws.String("ServiceName"), Value: aws.String("web")}},
		Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
	})
	if err != nil {
		return err
	}
	percent, requests := 0.0, 0.0
	for _, d := range out.Datapoints {
		percent += *d.Sum // of each task
	}
	for _, n := range l.requests {
		requests += n
	}
	if requests == 0 || percent == 0 {
		return errors.New("the service has not been measured under load")
	}
	l.each = time.Duration(percent / 100 * liveUnits / 1024 / requests * float64(time.Minute))
	return nil
}

// spread spreads the requests of each line over the minutes that it covers. Requests were sent
// when they were answered or are in flight since.
func (l *liveRun) spread(lines []load.Line) {
	l.from = lines[0].Time.Truncate(time.Minute)
	l.requests = make([]float64, int(lines[len(lines)-1].Time.Sub(l.from)/time.Minute)+1)
	for i := 1; i < len(lines); i++ {
		begin, end := lines[i-1].Time, lines[i].Time
		sent := float64(lines[i].Requests + lines[i].InFlight - lines[i-1].InFlight)
		for at := begin; at.Before(end); {
			next := at.Truncate(time.Minute).Add(time.Minute)
			if next.After(end) {
				next = end
			}
			l.requests[int(at.Sub(l.from)/time.Minute)] += max(0, sent) * float64(next.Sub(at)) / float64(end.Sub(begin))
			at = next
		}
	}
	l.requests = l.requests[:len(l.requests)-1] // the last minute was not over
}

// desired is the count at a time of the live run.
func (l *liveRun) desired(at time.Time) int {
	count := 1
	for _, c := range l.changes {
		if c.at.After(at) {
			break
		}
		count = c.count
	}
	return count
}

// compare predicts the run, and reports in how many minutes both were within a task.
func (l *liveRun) compare() error {
	starts := 20 * time.Second
	if len(l.starts) > 0 {
		slices.Sort(l.starts)
		starts = l.starts[len(l.starts)/2]
	}
	initial := int32(l.desired(l.from))
	scenario, _, err := simulation.New(l.policies, simulation.Setup{
		Start: l.from, Initial: &initial,
		Service: sim.Service{CPU: l.each, VCPU: liveUnits / 1024.0, Memory: 64, Variation: 1e-6, Start: starts, Timeout: time.Hour},
	})
	if err != nil {
		return err
	}
	within, same, minutes := 0, 0, 0
	verbose := os.Getenv("FIDELITY_VERBOSE") != ""
	scenario.Observer.Minute = func(r sim.Record) {
		live := l.desired(r.Time.Add(time.Minute))
		if verbose {
			fmt.Fprintln(os.Stderr, r.Time.Format("15:04"), r.Requests, "live", live, "simulated", r.Desired)
		}
		minutes++
		switch live - r.Desired {
		case 0:
			same++
			within++
		case 1, -1:
			within++
		}
	}
	if _, err := sim.Run(scenario, func(yield func(sim.Minute) bool) {
		for _, n := range l.requests {
			if !yield(sim.Minute{Requests: n}) {
				return
			}
		}
	}); err != nil {
		return err
	}
	figure("predicted_within_one_task", 100*float64(within)/float64(minutes), "%")
	figure("predicted_same", 100*float64(same)/float64(minutes), "%")
	figure("predicted_request_cpu", float64(l.each)/liveSpeed/float64(time.Millisecond), "ms")
	figure("predicted_task_start", starts.Seconds()/liveSpeed, "s")
	figure("predicted_minutes", float64(minutes), "min")
	return nil
}
