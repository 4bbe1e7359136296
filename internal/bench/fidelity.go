package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/fidelity"
	"flyball/internal/load"
)

// The live run that is predicted. At 60 times the speed a minute of the server is a second. A request of 5 ms
// takes 40 ms of that at an eighth of a processor: requests of 50 ms would be counted in the minute after the
// one in which they came as often as not, of nine a minute.
const (
	liveSpeed    = 60
	liveUnits    = 128 // of a task's CPU
	liveMost     = 10
	livePolicies = "service: bench/web\nmin: 1\nmax: 10\npolicies: {cpu: {target: 50, scaleOutCooldown: 60, scaleInCooldown: 120}}\n"
	// A task does ten requests a minute at the target: what is steady lies between two counts of tasks, as at
	// 90 a minute a hundredth more or less work a request decides between 9 and 10 for as long as it lasts.
	liveStages = "10m:17/s,steady 5m,20m:86/s,steady 20m,20m:34/s,steady 25m,spike 10m:66/s,30m:13/s"
)

// predictability runs a service under load on a server that is 60 times as fast, and has the
// simulation predict from the same requests what its desired count was in each minute.
func predictability(ctx context.Context, binary, keep string) error {
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
	l.record.Policies, l.record.Initial = livePolicies, 1
	if err := l.deploy(ctx); err != nil {
		return err
	}
	record := filepath.Join(dir, "load.jsonl")
	cmd := exec.CommandContext(ctx, binary, "load", "--endpoint", p.url, "--service", "bench/web", "--path", "/computation?ms=5",
		"--stages", liveStages, "--out", record, "--json")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("load: %w: %s", err, out)
	}
	if err := l.see(ctx, record); err != nil {
		return err
	}
	if keep != "" {
		if err := l.keep(keep); err != nil {
			return err
		}
	}
	return l.compare()
}

// A liveRun is a run with what was seen of it.
type liveRun struct {
	client *client.Client
	record fidelity.Record
	behind float64 // requests that were scheduled and not sent in their second, as a share of all
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
	return l.record.Fetch(ctx, l.client, "bench", "web")
}

// spread spreads the requests of each line over the minutes that it covers. Requests were sent
// when they were answered or are in flight since.
func (l *liveRun) spread(lines []load.Line) {
	from := lines[0].Time.UTC().Truncate(time.Minute)
	l.record.From, l.record.Minutes = from, make([]fidelity.Minute, int(lines[len(lines)-1].Time.Sub(from)/time.Minute)+1)
	due, late := 0.0, 0.0
	for i := 1; i < len(lines); i++ {
		begin, end := lines[i-1].Time, lines[i].Time
		sent := float64(lines[i].Requests + lines[i].InFlight - lines[i-1].InFlight)
		if lines[i].Rate != nil {
			wanted := *lines[i].Rate * lines[i].Seconds
			due, late = due+wanted, late+max(0, wanted-sent)
		}
		for at := begin; at.Before(end); {
			next := at.Truncate(time.Minute).Add(time.Minute)
			if next.After(end) {
				next = end
			}
			l.record.Minutes[int(at.Sub(from)/time.Minute)].Requests += max(0, sent) * float64(next.Sub(at)) / float64(end.Sub(begin))
			at = next
		}
	}
	l.behind = late / max(due, 1)
	l.record.Minutes = l.record.Minutes[:len(l.record.Minutes)-1] // the last minute was not over
}

// keep writes the record of the run to a file.
func (l *liveRun) keep(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := l.record.Write(file); err != nil {
		return err
	}
	return file.Close()
}

// compare plays the run again, from its own metrics and from a model of the service, and reports how
// far each does as it did.
func (l *liveRun) compare() error {
	replay, err := l.record.Replay()
	if err != nil {
		return err
	}
	model := l.record.Model(liveUnits/1024.0, 64)
	predicted, err := l.record.Predict(model)
	if err != nil {
		return err
	}
	worked, err := l.record.PredictWork(model)
	if err != nil {
		return err
	}
	if os.Getenv("FIDELITY_VERBOSE") != "" {
		l.list(replay, predicted)
	}
	again, modelled := l.record.Compare(replay), l.record.Compare(predicted)
	percent := func(part, of int) float64 { return 100 * float64(part) / float64(max(1, of)) }
	figure("replayed_activities", percent(again.Found, again.Activities), "%")
	figure("replayed_activities_others", float64(again.Others), "activities")
	figure("replayed_alarm_states", percent(again.States, again.Alarms), "%")
	figure("replayed_same", percent(again.Same, again.Minutes), "%")
	figure("predicted_within_one_task", percent(modelled.Within, modelled.Minutes), "%")
	figure("predicted_same", percent(modelled.Same, modelled.Minutes), "%")
	work := l.record.Compare(worked)
	figure("predicted_from_work_within_one_task", percent(work.Within, work.Minutes), "%")
	figure("predicted_from_work_same", percent(work.Same, work.Minutes), "%")
	figure("load_not_sent_in_time", 100*l.behind, "%")
	figure("predicted_request_cpu", float64(model.CPU)/liveSpeed/float64(time.Millisecond), "ms")
	figure("predicted_task_start", model.Start.Seconds()/liveSpeed, "s")
	figure("predicted_minutes", float64(modelled.Minutes), "min")
	return nil
}

// list tells each minute, and what was done.
func (l *liveRun) list(replay, predicted fidelity.Rerun) {
	live := l.record.Desired()
	for i, m := range l.record.Minutes {
		cpu := math.NaN()
		if m.CPU != nil {
			cpu = *m.CPU
		}
		fmt.Fprintf(os.Stderr, "%s %6.1f requests, %5.1f %% of %2.0f tasks, live %2d, replayed %2d, predicted %2d\n",
			l.record.From.Add(time.Duration(i)*time.Minute).Format("15:04"), m.Requests, cpu, m.Measured, live[i], replay.Desired[i], predicted.Desired[i])
	}
	for _, of := range []struct {
		name string
		all  []fidelity.Activity
		went []fidelity.Transition
	}{{"live", l.record.Activities, l.record.Alarms}, {"replayed", replay.Activities, replay.Alarms}, {"predicted", predicted.Activities, predicted.Alarms}} {
		for _, a := range of.all {
			fmt.Fprintf(os.Stderr, "%-9s %s to %s: %2d, %s\n", of.name, a.Start.Format("15:04:05.0"), a.End.Format("15:04:05.0"), a.To, a.Why)
		}
		for _, t := range of.went {
			fmt.Fprintf(os.Stderr, "%-9s %s high alarm %t: %s\n", of.name, t.At.Format("15:04:05.0"), t.High, t.State)
		}
	}
}
