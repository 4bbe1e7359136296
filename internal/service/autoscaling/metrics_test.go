package autoscaling

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/alarm"
	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/store"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// The metrics of a backlog per task.
var (
	messages = metric.NewID("AWS/SQS", "ApproximateNumberOfMessagesVisible", metric.Dimension{Name: "QueueName", Value: "jobs"})
	running  = metric.NewID("ECS/ContainerInsights", "RunningTaskCount",
		metric.Dimension{Name: "ClusterName", Value: "default"}, metric.Dimension{Name: "ServiceName", Value: "web"})
)

func stat(id string, of metric.ID, statistic string) types.TargetTrackingMetricDataQuery {
	q := types.TargetTrackingMetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.TargetTrackingMetricStat{
		Metric: &types.TargetTrackingMetric{Namespace: &of.Namespace, MetricName: &of.Name}, Stat: &statistic,
	}}
	for _, d := range of.Dimensions {
		q.MetricStat.Metric.Dimensions = append(q.MetricStat.Metric.Dimensions, types.TargetTrackingMetricDimension{Name: &d.Name, Value: &d.Value})
	}
	return q
}

func expression(id, text string) types.TargetTrackingMetricDataQuery {
	return types.TargetTrackingMetricDataQuery{Id: &id, Expression: &text, ReturnData: aws.Bool(true)}
}

// onMath is a policy with a target of 100 on what queries return.
func onMath(name string, queries ...types.TargetTrackingMetricDataQuery) *applicationautoscaling.PutScalingPolicyInput {
	return tracking(name, types.TargetTrackingScalingPolicyConfiguration{
		TargetValue: aws.Float64(100), ScaleInCooldown: aws.Int32(60), ScaleOutCooldown: aws.Int32(60),
		CustomizedMetricSpecification: &types.CustomizedMetricSpecification{Metrics: queries},
	})
}

// backlog is a policy on messages per running task.
func backlog() *applicationautoscaling.PutScalingPolicyInput {
	return onMath("backlog", stat("m1", messages, "Sum"), stat("m2", running, "Average"), expression("e1", "m1 / m2"))
}

// A loop is the service with a CloudWatch whose alarms call it, and ECS services
// whose tasks start and stop at once and are counted each minute, as are the
// messages of a queue.
type loop struct {
	*world
	metrics *cloudwatch.API
	queue   float64
}

// inLoop runs a test with a service of some tasks, from 0 to 100, and the backlog
// policy on it.
func inLoop(t *testing.T, tasks int32, test func(l *loop)) {
	t.Helper()
	inBareLoop(t, tasks, func(l *loop) {
		l.register(0, 100)
		l.put(backlog())
		test(l)
	})
}

// inBareLoop runs a test with a service of some tasks that nothing scales yet.
func inBareLoop(t *testing.T, tasks int32, test func(l *loop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		l := &loop{world: &world{
			t: t, ctx: t.Context(), store: st,
			clock: clock.New(time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC), 1),
			ecs:   &containers{services: map[string]*ecstypes.Service{}, instant: true},
		}}
		l.ecs.add(web, tasks, tasks)
		l.run()
		defer func() { l.stop() }()
		test(l)
	})
}

// restart is the end of one life of everything and the start of the next.
func (l *loop) restart() {
	l.stop()
	l.run()
}

// run starts everything on the store.
func (l *loop) run() {
	db, err := tsdb.Open(l.store, l.clock)
	if err != nil {
		l.t.Fatal(err)
	}
	c := testCell(l.clock, l.store)
	var router deliver.Router
	router.Handle("autoscaling", func(ctx context.Context, _ arn.ARN, message any) error {
		return l.AlarmAction(ctx, message.(alarm.Notification))
	})
	l.metrics, err = cloudwatch.New(cloudwatch.Config{Cell: c, Metrics: db, Deliver: &router})
	if err != nil {
		l.t.Fatal(err)
	}
	l.API, err = New(Config{Cell: c, Alarms: l.metrics, Capacity: capacity.Services{ECS: l.ecs}})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	var all sync.WaitGroup
	all.Go(func() { db.Run(ctx) })
	all.Go(func() { l.metrics.Run(ctx) })
	all.Go(func() { l.API.Run(ctx) })
	l.stop = func() {
		cancel()
		all.Wait()
		if err := c.State.Settle(context.Background()); err != nil {
			l.t.Error(err)
		}
	}
}

// minutes lets time pass. In each minute the queue and the tasks are counted, two
// seconds into the next.
func (l *loop) minutes(n int) {
	for range n {
		at := l.now().Truncate(time.Minute)
		count := float64(l.running())
		time.Sleep(at.Add(time.Minute + time.Second).Sub(l.now()))
		l.record(messages, at, l.queue)
		time.Sleep(time.Second)
		l.record(running, at, count)
	}
}

func (l *loop) record(id metric.ID, at time.Time, v float64) {
	l.metrics.Record([]metric.Sample{{Metric: id, Time: at, Unit: "Count", Set: metric.Set{Count: 1, Sum: v, Min: v, Max: v}}})
	synctest.Wait()
}

func (l *loop) running() int32 {
	l.ecs.mu.Lock()
	defer l.ecs.mu.Unlock()
	return l.ecs.services[web].RunningCount
}

// The worked example of the seeds: 1,500 messages and 10 tasks are 150 for each,
// against 100 that a task can do in time, so 15 tasks.
func TestBacklogPerTask(t *testing.T) {
	inLoop(t, 10, func(l *loop) {
		l.queue = 1500
		l.minutes(2)
		l.wantDesired(10) // two of three datapoints
		l.minutes(1)
		l.wantDesired(15)
		got := l.activities(false)
		if len(got) != 1 || *got[0].Description != "Setting desired count to 15." {
			t.Errorf("activities %+v", got)
		}
		l.minutes(5)
		l.wantDesired(15) // 1,500 over 15 is the target

		l.queue = 150 // 10 for each task: in by half of what could go, a quarter of an hour later
		l.minutes(14)
		l.wantDesired(15)
		l.minutes(2)
		if n := l.ecs.desired(web); n >= 15 || n < 2 {
			t.Errorf("desired count is %d after a quarter of an hour of a short queue", n)
		}
	})
}

// With no task the backlog per task has no value; messages that wait start one all
// the same, and then there is a value.
func TestBacklogWithoutTasks(t *testing.T) {
	inLoop(t, 0, func(l *loop) {
		l.minutes(5)
		l.wantDesired(0)
		l.queue = 1500
		l.minutes(2)
		if l.ecs.desired(web) == 0 {
			t.Fatal("1,500 messages wait, and nothing runs")
		}
		l.minutes(10)
		l.wantDesired(15)
	})
}

// The alarms of metric math are the policy's Metrics, each minute.
func TestAlarmsOfMetricMath(t *testing.T) {
	inLoop(t, 10, func(l *loop) {
		out, err := l.metrics.DescribeAlarms(l.ctx, &sdk.DescribeAlarmsInput{})
		if err != nil || len(out.MetricAlarms) != 2 {
			t.Fatalf("%d alarms, %v", len(out.MetricAlarms), err)
		}
		for _, m := range out.MetricAlarms {
			want := `[{"Id":"m1","AccountId":null,"Expression":null,"Label":null,"MetricStat":{"Metric":{"Dimensions":[{"Name":"QueueName","Value":"jobs"}],"MetricName":"ApproximateNumberOfMessagesVisible","Namespace":"AWS/SQS"},"Period":60,"Stat":"Sum","Unit":""},"Period":null,"ReturnData":false},` +
				`{"Id":"m2","AccountId":null,"Expression":null,"Label":null,"MetricStat":{"Metric":{"Dimensions":[{"Name":"ClusterName","Value":"default"},{"Name":"ServiceName","Value":"web"}],"MetricName":"RunningTaskCount","Namespace":"ECS/ContainerInsights"},"Period":60,"Stat":"Average","Unit":""},"Period":null,"ReturnData":false},` +
				`{"Id":"e1","AccountId":null,"Expression":"m1 / m2","Label":null,"MetricStat":null,"Period":null,"ReturnData":true}]`
			if got, _ := json.Marshal(m.Metrics); string(got) != want {
				t.Errorf("%s watches %s", *m.AlarmName, got)
			}
		}
		got, err := l.DescribeScalingPolicies(l.ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs})
		if err != nil {
			t.Fatal(err)
		}
		kept := rules.Policy{Tracking: got.ScalingPolicies[0].TargetTrackingScalingPolicyConfiguration}
		if !kept.SameMetric(rules.Policy{Tracking: backlog().TargetTrackingScalingPolicyConfiguration}) {
			t.Errorf("the policy has %+v", kept.Tracking)
		}

		names := l.put(backlog()).Alarms // the same again keeps its alarms
		if *names[0].AlarmName != *out.MetricAlarms[0].AlarmName {
			t.Errorf("alarms %v are new", names)
		}
		second := backlog()
		second.PolicyName = aws.String("second")
		second.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Metrics[2].Label = aws.String("a label")
		_, err = l.PutScalingPolicy(l.ctx, second)
		wantError(t, err, "ValidationException", "Only one TargetTrackingScaling policy for a given metric specification is allowed.")
	})
}

// Explain shows what both alarms see, of several policies whose ids are the same.
func TestExplainMetricMath(t *testing.T) {
	inLoop(t, 10, func(l *loop) {
		l.queue = 500
		l.put(onMath("queue", stat("m1", messages, "Sum"), expression("e1", "m1 / 10")))
		l.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		l.minutes(3)
		seen, err := l.Explain(l.ctx, web)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(seen)
		if err != nil {
			t.Fatal(err)
		}
		if len(seen.Policies) != 3 {
			t.Fatalf("%s", text)
		}
		// Of the next minute only the tasks are known; that is no 0 for each of them.
		time.Sleep(time.Minute)
		l.record(running, l.now().Truncate(time.Minute).Add(-time.Minute), 10)
		r := alarmReader{alarms: l.alarms, now: l.now(), target: l.lookup(l.ctx, web), thorough: true}
		alarms, err := r.read(l.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for policy, want := range map[string]float64{"backlog": 50, "queue": 50, "cpu": -1} {
			for _, m := range alarms[policy] {
				switch n := len(m.Datapoints); {
				case want < 0 && n > 0, want > 0 && (n == 0 || m.Datapoints[n-1].Value != want):
					t.Errorf("%s sees %v", m.Name, m.Datapoints)
				}
			}
		}
	})
}
