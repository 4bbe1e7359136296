package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
)

// What the AWS protocols put before an operation in X-Amz-Target.
const (
	autoScalingTarget = "AnyScaleFrontendService."
	cloudWatchTarget  = "GraniteServiceVersion20100801."
	ecsTarget         = "AmazonEC2ContainerServiceV20141113."
)

// A document is the body of a call.
type document map[string]any

// call makes one call in AWS's JSON protocol, whose version CloudWatch and the
// others do not share.
func (p *program) call(ctx context.Context, target string, in document) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	version := "1.1"
	if len(target) > len(cloudWatchTarget) && target[:len(cloudWatchTarget)] == cloudWatchTarget {
		version = "1.0"
	}
	return post(ctx, p.url, body, http.Header{"X-Amz-Target": {target}, "Content-Type": {"application/x-amz-json-" + version}})
}

// each calls f for the numbers below n, many at a time.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// scheduled measures a server with many scheduled actions, ten a target: its
// restart, what it does when nothing is due, and a moment at which all are.
func scheduled(ctx context.Context, binary string, actions int) error {
	dir, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := startFlyball(ctx, binary, dir)
	if err != nil {
		return err
	}
	due, err := p.schedule(ctx, actions/10)
	p.stop()
	if err != nil {
		return err
	}
	if p, err = startFlyball(ctx, binary, dir); err != nil {
		return err
	}
	defer p.stop()
	loaded, err := p.cpu()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("scheduled_%d_", actions)
	figure(name+"restart", p.ready.Seconds(), "s")
	figure(name+"restart_cpu", loaded.Seconds(), "s")
	time.Sleep(2 * time.Second) // let it settle
	mib, err := p.rss()
	if err != nil {
		return err
	}
	figure(name+"memory", mib, "MiB")
	const idle = 5 * time.Second
	before, err := p.cpu()
	if err != nil {
		return err
	}
	time.Sleep(idle)
	after, err := p.cpu()
	if err != nil {
		return err
	}
	figure(name+"idle_cpu", 100*float64(after-before)/float64(idle), "%")
	if wait := time.Until(due); wait > 0 {
		time.Sleep(wait)
	} else {
		return fmt.Errorf("the actions were due %v before the server was idle", -wait)
	}
	busy, err := p.busy(ctx)
	if err != nil {
		return err
	}
	done, err := p.cpu()
	if err != nil {
		return err
	}
	figure(name+"due", busy.Seconds(), "s")
	figure(name+"due_cpu", (done - after).Seconds(), "s")
	return p.allRan(ctx, actions/10)
}

// schedule creates targets with ten scheduled actions each, and returns when
// these are due.
func (p *program) schedule(ctx context.Context, targets int) (due time.Time, err error) {
	if err := p.call(ctx, ecsTarget+"CreateCluster", document{"clusterName": "bench"}); err != nil {
		return due, err
	}
	if err := p.call(ctx, ecsTarget+"RegisterTaskDefinition", document{
		"family": "idle", "containerDefinitions": []document{{"name": "idle", "image": "idle", "memory": 16}},
	}); err != nil {
		return due, err
	}
	began := time.Now()
	if err := each(ctx, targets, func(ctx context.Context, i int) error {
		name := fmt.Sprint("s", i)
		if err := p.call(ctx, ecsTarget+"CreateService", document{
			"cluster": "bench", "serviceName": name, "taskDefinition": "idle", "desiredCount": 0,
		}); err != nil {
			return err
		}
		return p.call(ctx, autoScalingTarget+"RegisterScalableTarget", targeting(i, document{"MinCapacity": 0, "MaxCapacity": 10}))
	}); err != nil {
		return due, err
	}
	// Ten calls a target will not take seven times as long as these two; after
	// them come a restart and some seconds of being idle.
	due = time.Now().Add(7*time.Since(began) + 15*time.Second).UTC().Truncate(time.Second)
	err = each(ctx, targets, func(ctx context.Context, i int) error {
		for j := range 10 {
			if err := p.call(ctx, autoScalingTarget+"PutScheduledAction", targeting(i, document{
				"ScheduledActionName":  fmt.Sprint("action-", j),
				"Schedule":             due.Format("at(2006-01-02T15:04:05)"),
				"ScalableTargetAction": document{"MaxCapacity": 20 + j},
			})); err != nil {
				return err
			}
		}
		return nil
	})
	return due, err
}

// targeting adds what names a scalable target to a document.
func targeting(i int, d document) document {
	d["ServiceNamespace"], d["ScalableDimension"] = "ecs", "ecs:service:DesiredCount"
	d["ResourceId"] = fmt.Sprint("service/bench/s", i)
	return d
}

// busy waits until the program has nothing to do for a second, and returns how
// long it was busy.
func (p *program) busy(ctx context.Context) (time.Duration, error) {
	began, last := time.Now(), time.Now()
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	for time.Since(last) < time.Second {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		now, err := p.cpu()
		if err != nil {
			return 0, err
		}
		if now-before > 20*time.Millisecond {
			before, last = now, time.Now()
		}
	}
	return last.Sub(began), nil
}

// allRan makes sure that the last of each target's actions has set its bounds.
func (p *program) allRan(ctx context.Context, targets int) error {
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(client.New(client.Config{Endpoint: p.url, Region: "us-east-1"}).AutoScaling,
		&applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	ran := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range page.ScalableTargets {
			if aws.ToInt32(t.MaxCapacity) == 29 {
				ran++
			}
		}
	}
	if ran != targets {
		return fmt.Errorf("the actions of %d of %d targets have run", ran, targets)
	}
	return nil
}

// alarms measures what many alarms with data cost in a minute, in which each is
// evaluated once.
func alarms(ctx context.Context, binary string, n int) error {
	p, err := startAnew(ctx, binary)
	if err != nil {
		return err
	}
	defer p.end()
	if err := each(ctx, n, func(ctx context.Context, i int) error {
		return p.call(ctx, cloudWatchTarget+"PutMetricAlarm", document{
			"AlarmName": fmt.Sprint("alarm-", i), "Namespace": "Bench", "MetricName": "Latency",
			"Dimensions": []document{{"Name": "Service", "Value": fmt.Sprint("service-", i)}},
			"Statistic":  "Average", "Period": 60, "EvaluationPeriods": 3,
			"Threshold": 1e9, "ComparisonOperator": "GreaterThanThreshold", "ActionsEnabled": false,
		})
	}); err != nil {
		return err
	}
	// The data of four minutes, the last of which is the present one.
	if now := time.Now(); now.Second() > 45 {
		time.Sleep(time.Until(now.Truncate(time.Minute).Add(time.Minute)))
	}
	minute := time.Now().Truncate(time.Minute)
	for ago := range 4 {
		for first := 0; first < n; first += 1000 {
			body, err := metricData(first, min(1000, n-first), 1, minute.Add(-time.Duration(ago)*time.Minute))
			if err != nil {
				return err
			}
			if err := put(ctx, p.url, body); err != nil {
				return err
			}
		}
	}
	time.Sleep(time.Until(minute.Add(57 * time.Second)))
	before, err := p.cpu()
	if err != nil {
		return err
	}
	time.Sleep(10 * time.Second)
	after, err := p.cpu()
	if err != nil {
		return err
	}
	figure(fmt.Sprintf("alarms_%d_cpu_a_minute", n), float64((after - before).Milliseconds()), "ms")
	return nil
}
