package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/alarm"
	"flyball/internal/capacity"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/event"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
	"flyball/scaling"
)

// cloudWatch keeps alarms and one series a metric name, or a metric name and
// statistic. Nothing is evaluated: a test sets the states.
type cloudWatch struct {
	mu     sync.Mutex
	alarms map[string]cwtypes.MetricAlarm
	series map[string][]metric.Datapoint // by metric name
	calls  map[string]int
	fail   error
	failOn string    // the method that fails
	asked  time.Time // the earliest datapoint that the last GetMetricData wanted
}

func (c *cloudWatch) called(method string) error {
	c.calls[method]++
	if c.failOn == method {
		return c.fail
	}
	return nil
}

func (c *cloudWatch) PutMetricAlarm(_ context.Context, in *cloudwatch.PutMetricAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.called("PutMetricAlarm"); err != nil {
		return nil, err
	}
	c.alarms[*in.AlarmName] = cwtypes.MetricAlarm{
		AlarmName: in.AlarmName, AlarmArn: aws.String("arn:aws:cloudwatch:us-east-1:123456789012:alarm:" + *in.AlarmName),
		AlarmDescription: in.AlarmDescription, AlarmActions: in.AlarmActions, StateValue: cwtypes.StateValueInsufficientData,
		Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions, Statistic: in.Statistic, Unit: in.Unit,
		Period: in.Period, EvaluationPeriods: in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm,
		Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator,
	}
	return &cloudwatch.PutMetricAlarmOutput{}, nil
}

func (c *cloudWatch) DeleteAlarms(_ context.Context, in *cloudwatch.DeleteAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.called("DeleteAlarms"); err != nil {
		return nil, err
	}
	for _, name := range in.AlarmNames {
		if _, ok := c.alarms[name]; !ok {
			return nil, &cwtypes.ResourceNotFound{Message: aws.String(name)}
		}
	}
	for _, name := range in.AlarmNames {
		delete(c.alarms, name)
	}
	return &cloudwatch.DeleteAlarmsOutput{}, nil
}

func (c *cloudWatch) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.called("DescribeAlarms"); err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeAlarmsOutput{}
	names := in.AlarmNames
	if in.ActionPrefix != nil {
		names = slices.Sorted(maps.Keys(c.alarms))
	}
	for _, name := range names {
		m, ok := c.alarms[name]
		if ok && (in.ActionPrefix == nil || slices.ContainsFunc(m.AlarmActions, func(action string) bool { return strings.HasPrefix(action, *in.ActionPrefix) })) {
			out.MetricAlarms = append(out.MetricAlarms, m)
		}
	}
	return out, nil
}

func (c *cloudWatch) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.called("GetMetricData"); err != nil {
		return nil, err
	}
	c.asked = *in.StartTime
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		r := cwtypes.MetricDataResult{Id: q.Id}
		name := *q.MetricStat.Metric.MetricName
		points, ok := c.series[fmt.Sprintf("%s %s %d", name, *q.MetricStat.Stat, *q.MetricStat.Period)]
		if !ok {
			points, ok = c.series[name+" "+*q.MetricStat.Stat]
		}
		if !ok {
			points = c.series[name]
		}
		for _, d := range points {
			if !d.Time.Before(*in.StartTime) && d.Time.Before(*in.EndTime) {
				r.Timestamps, r.Values = append(r.Timestamps, d.Time), append(r.Values, d.Value)
			}
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

// setState puts an alarm into a state.
func (c *cloudWatch) setState(name string, state cwtypes.StateValue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.alarms[name]
	if m.StateValue != state {
		m.StateTransitionedTimestamp = aws.Time(time.Now())
	}
	m.StateValue = state
	c.alarms[name] = m
}

// containers is ECS: services with counts. Tasks start when a test says so.
type containers struct {
	mu       sync.Mutex
	services map[string]*ecstypes.Service // by service/CLUSTER/NAME
	updates  []int32
	fail     error
	instant  bool   // tasks start and stop at once
	hang     func() // the next UpdateService calls it before anything else
	updated  func() // each UpdateService calls it when it is done
}

func (c *containers) DescribeServices(_ context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *in.Cluster == "nowhere" {
		return nil, &ecstypes.ClusterNotFoundException{Message: aws.String("Cluster not found.")}
	}
	out := &ecs.DescribeServicesOutput{}
	for _, name := range in.Services {
		if s := c.services["service/"+*in.Cluster+"/"+name]; s != nil {
			out.Services = append(out.Services, *s)
		} else {
			out.Failures = append(out.Failures, ecstypes.Failure{Reason: aws.String("MISSING")})
		}
	}
	return out, nil
}

func (c *containers) UpdateService(_ context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	c.mu.Lock()
	hang := c.hang
	c.hang = nil
	c.mu.Unlock()
	if hang != nil {
		hang()
	}
	if c.updated != nil {
		defer c.updated()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return nil, c.fail
	}
	s := c.services["service/"+*in.Cluster+"/"+*in.Service]
	if s == nil {
		return nil, &ecstypes.ServiceNotFoundException{Message: aws.String("Service not found.")}
	}
	s.DesiredCount = *in.DesiredCount
	if c.instant {
		s.RunningCount = s.DesiredCount
	}
	c.updates = append(c.updates, s.DesiredCount)
	return &ecs.UpdateServiceOutput{Service: s}, nil
}

func (c *containers) setHang(hang func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hang = hang
}

func (c *containers) add(resourceID string, desired, running int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, name := scaling.ResourceID(resourceID).Service()
	c.services[resourceID] = &ecstypes.Service{
		ServiceName: aws.String(name), Status: aws.String("ACTIVE"), DesiredCount: desired, RunningCount: running,
		Deployments: []ecstypes.Deployment{{RolloutState: ecstypes.DeploymentRolloutStateCompleted}},
	}
}

func (c *containers) change(resourceID string, change func(*ecstypes.Service)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.services[resourceID])
}

func (c *containers) desired(resourceID string) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.services[resourceID].DesiredCount
}

// web is the service of most tests.
const web = "service/default/web"

// A world is the service with everything around it.
type world struct {
	t      *testing.T
	ctx    context.Context
	clock  *clock.Clock
	store  *store.SQLite
	cw     *cloudWatch
	ecs    *containers
	lambda environments
	roles  Roles // nil: there are none
	stop   func()
	*API
}

// inWorld runs a test with a service of 10 tasks, in a bubble where time stands
// still until everyone waits. Virtual time begins at a full minute.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{
			t:      t,
			clock:  clock.New(time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC), 1),
			store:  st,
			cw:     &cloudWatch{alarms: map[string]cwtypes.MetricAlarm{}, series: map[string][]metric.Datapoint{}, calls: map[string]int{}},
			ecs:    &containers{services: map[string]*ecstypes.Service{}},
			lambda: environments{},
		}
		w.ecs.add(web, 10, 10)
		w.start()
		test(w)
		w.stop()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// testCell is where the tests are.
func testCell(clk *clock.Clock, st store.Store) *cell.Cell {
	return &cell.Cell{Account: "123456789012", Region: "us-east-1", Clock: clk, State: state.New(st), Events: new(event.Stream)}
}

// start opens the service on the world's store and runs it, as at the start of
// a server.
func (w *world) start() {
	w.t.Helper()
	c := testCell(w.clock, w.store)
	cfg := Config{Cell: c, Alarms: w.cw, Capacity: capacity.Kinds{
		scaling.Services: capacity.Services{ECS: w.ecs}, scaling.Functions: capacity.Functions{Lambda: w.lambda},
	}}
	if w.roles != nil {
		cfg.Roles = func() (Roles, error) { return w.roles, nil }
	}
	api, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.API, w.ctx = api, ctx
	done := make(chan error)
	go func() { done <- api.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := errors.Join(<-done, c.State.Settle(context.Background())); err != nil {
			w.t.Error(err)
		}
	}
}

// restart is the end of one life and the start of the next.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// register makes web a scalable target.
func (w *world) register(min, max int32) string {
	w.t.Helper()
	out, err := w.RegisterScalableTarget(w.ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		MinCapacity: aws.Int32(min), MaxCapacity: aws.Int32(max),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.ScalableTargetARN
}

func tracking(name string, c types.TargetTrackingScalingPolicyConfiguration) *applicationautoscaling.PutScalingPolicyInput {
	if c.PredefinedMetricSpecification == nil && c.CustomizedMetricSpecification == nil {
		c.PredefinedMetricSpecification = &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageCPUUtilization}
	}
	if c.TargetValue == nil {
		c.TargetValue = aws.Float64(50)
	}
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String(name), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		PolicyType: types.PolicyTypeTargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: &c,
	}
}

func stepping(name string, c types.StepScalingPolicyConfiguration) *applicationautoscaling.PutScalingPolicyInput {
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String(name), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		PolicyType: types.PolicyTypeStepScaling, StepScalingPolicyConfiguration: &c,
	}
}

// add2 is a step policy that adds two tasks.
func add2(name string) *applicationautoscaling.PutScalingPolicyInput {
	return stepping(name, types.StepScalingPolicyConfiguration{
		AdjustmentType: types.AdjustmentTypeChangeInCapacity,
		StepAdjustments: []types.StepAdjustment{
			{MetricIntervalLowerBound: aws.Float64(0), MetricIntervalUpperBound: aws.Float64(20), ScalingAdjustment: aws.Int32(2)},
			{MetricIntervalLowerBound: aws.Float64(20), ScalingAdjustment: aws.Int32(3)},
		},
	})
}

func (w *world) put(in *applicationautoscaling.PutScalingPolicyInput) *applicationautoscaling.PutScalingPolicyOutput {
	w.t.Helper()
	out, err := w.PutScalingPolicy(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// userAlarm makes an alarm above 50 whose action is a step policy.
func (w *world) userAlarm(name, policyARN string) {
	w.t.Helper()
	_, err := w.cw.PutMetricAlarm(w.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(name), AlarmActions: []string{policyARN}, Namespace: aws.String("test"), MetricName: aws.String("Load"),
		Statistic: cwtypes.StatisticAverage, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1),
		Threshold: aws.Float64(50), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// alarm lets an alarm go into ALARM, or repeat, with the same value in each
// period that it evaluates.
func (w *world) alarm(name, policyARN string, value float64) error {
	w.t.Helper()
	w.cw.setState(name, cwtypes.StateValueAlarm)
	n := int(*w.cw.alarms[name].EvaluationPeriods)
	return w.AlarmAction(w.ctx, alarm.Notification{
		Action: policyARN, Alarm: name, State: alarm.Alarm, At: w.now(), Datapoints: w.points(value, n),
	})
}

// points are one-minute datapoints up to now, oldest first.
func (w *world) points(value float64, n int) []metric.Datapoint {
	var points []metric.Datapoint
	for i := range n {
		at := w.now().Truncate(time.Minute).Add(-time.Duration(n-i) * time.Minute)
		points = append(points, metric.Datapoint{Time: at, Value: value})
	}
	return points
}

// activities are the descriptions of web's activities, newest first.
func (w *world) activities(notScaled bool) []types.ScalingActivity {
	w.t.Helper()
	synctest.Wait() // the store's writer catches up
	out, err := w.DescribeScalingActivities(w.ctx, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), IncludeNotScaledActivities: aws.Bool(notScaled),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.ScalingActivities
}

func (w *world) wantDesired(want int32) {
	w.t.Helper()
	if got := w.ecs.desired(web); got != want {
		w.t.Fatalf("desired count is %d, want %d", got, want)
	}
}

// kept is what a policy remembers of its last activity.
func (w *world) kept(name string) scaling.Cooldown {
	return w.lookup(w.ctx, web).policy(name).Cooldown
}
