package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/client"
	"flyball/internal/load"
)

// A watch looks at the service again and again while the load comes and goes.
type watch struct {
	client *client.Client
	now    func() time.Time // on the server's clock

	group  string                      // the target group's ARN
	url    string                      // where the load goes: the load balancer
	second atomic.Pointer[load.Second] // the last one
	told   map[string]bool             // activities that were shown
	total  summary
}

func newWatch(c *client.Client, now func() time.Time) *watch {
	w := &watch{client: c, now: now, told: map[string]bool{}}
	w.second.Store(new(load.Second))
	w.total.last = minTasks
	return w
}

// A summary is what there is to say in the end.
type summary struct {
	load                load.Summary
	peakRunning         int
	scaleOuts, scaleIns int
	last                int // desired count
}

// watch puts the load on and shows what happens until the service is back at
// its minimum.
func (w *watch) watch(ctx context.Context, show screen, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan error, 1)
	go func() { loaded <- w.load(ctx) }()

	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	var deadline <-chan time.Time // once the load has gone
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-loaded:
			if err != nil {
				return err
			}
			w.second.Store(new(load.Second))
			deadline = time.After(longestAfter)
		case <-deadline:
			return w.close(show, out)
		case <-tick.C:
			s, err := w.look(ctx, show)
			if err != nil {
				return err
			}
			if deadline != nil && s.desired == minTasks && s.running == minTasks {
				return w.close(show, out)
			}
		}
	}
}

func (w *watch) load(ctx context.Context) (err error) {
	w.total.load, err = load.Plan{
		Targets:  func() []string { return []string{w.url} },
		Schedule: load.Ramp(users, rampUp, hold, rampDown),
		Think:    thinkTime,
		Report:   func(s load.Second) { w.second.Store(&s) },
	}.Run(ctx)
	return err
}

// look shows every activity that is new, takes one sample and shows that.
func (w *watch) look(ctx context.Context, show screen) (sample, error) {
	svc, err := w.describe(ctx)
	if err != nil {
		return sample{}, err
	}
	cpu, err := w.cpu(ctx)
	if err != nil {
		return sample{}, err
	}
	if err := w.tell(ctx, show); err != nil {
		return sample{}, err
	}
	load := w.second.Load()
	s := sample{
		at: w.now(), users: int(load.Level), requests: load.Requests, p95: load.Latency.P95,
		cpu: cpu, desired: int(svc.DesiredCount), running: int(svc.RunningCount),
	}
	w.total.peakRunning = max(w.total.peakRunning, s.running)
	show.show(s)
	return s, nil
}

// cpu is the newest datapoint of the service's CPU utilization.
func (w *watch) cpu(ctx context.Context) (float64, error) {
	now := w.now()
	out, err := w.client.CloudWatch.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-5 * time.Minute)), EndTime: aws.Time(now), ScanBy: cwtypes.ScanByTimestampDescending,
		MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("cpu"), MetricStat: &cwtypes.MetricStat{
			Period: aws.Int32(60), Stat: aws.String("Average"),
			Metric: &cwtypes.Metric{
				Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"),
				Dimensions: []cwtypes.Dimension{
					{Name: aws.String("ClusterName"), Value: aws.String(cluster)},
					{Name: aws.String("ServiceName"), Value: aws.String(service)},
				},
			},
		}}},
	})
	if err != nil {
		return 0, err
	}
	if len(out.MetricDataResults) == 0 || len(out.MetricDataResults[0].Values) == 0 {
		return 0, nil
	}
	return out.MetricDataResults[0].Values[0], nil
}

// tell shows the scaling activities that have not been shown, oldest first.
func (w *watch) tell(ctx context.Context, show screen) error {
	out, err := w.client.AutoScaling.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String(resourceID),
		IncludeNotScaledActivities: aws.Bool(true),
	})
	if err != nil {
		return err
	}
	for _, a := range slices.Backward(out.ScalingActivities) {
		if id := aws.ToString(a.ActivityId); !w.told[id] {
			w.told[id] = true
			show.event(aws.ToTime(a.StartTime), w.sentence(a))
		}
	}
	return nil
}

// sentence says what an activity does and why, and counts it.
func (w *watch) sentence(a aastypes.ScalingActivity) string {
	var reasons []string
	for _, r := range a.NotScaledReasons {
		reasons = append(reasons, aws.ToString(r.Code))
	}
	if len(reasons) > 0 {
		return "not scaled: " + strings.Join(reasons, ", ") + ": " + aws.ToString(a.Details)
	}
	direction := ""
	var to int
	if _, err := fmt.Sscanf(aws.ToString(a.Description), "Setting desired count to %d.", &to); err == nil {
		switch {
		case to > w.total.last:
			direction = "scale-out: "
			w.total.scaleOuts++
		case to < w.total.last:
			direction = "scale-in: "
			w.total.scaleIns++
		}
		w.total.last = to
	}
	return direction + aws.ToString(a.Description) + " " + aws.ToString(a.Details)
}

// close says how it went.
func (w *watch) close(show screen, out io.Writer) error {
	show.close()
	t := w.total
	fmt.Fprintf(out, "\n%d scale-outs took the service from %d to %d running tasks, %d scale-ins back to %d;\n%d requests answered, %d failed\n",
		t.scaleOuts, minTasks, t.peakRunning, t.scaleIns, t.last, t.load.Requests-t.load.Errors, t.load.Errors)
	if t.load.Err != "" {
		fmt.Fprintln(out, "one of the failures:", t.load.Err)
	}
	if t.scaleOuts == 0 || t.scaleIns == 0 || t.peakRunning <= minTasks {
		return fmt.Errorf("%w: %d scale-outs and %d scale-ins", ErrNoScaling, t.scaleOuts, t.scaleIns)
	}
	fmt.Fprintln(out, "Next: flyball serve, and point the aws CLI, Terraform or an SDK at it with AWS_ENDPOINT_URL.")
	return nil
}
