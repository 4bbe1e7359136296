package autoscaling

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/metric"
)

// load is the metric that a history's policy follows.
var load = metric.NewID("Shop", "Load")

// A history is what happens to a target, minute by minute.
type history []minute

type minute struct {
	load    float64 // reported for the minute; negative: not at all
	byHand  int32   // the desired count that somebody sets; negative: nobody does
	bounds  [2]int32
	suspend bool // scale-in, until it is registered again
	action  int  // minutes until a scheduled action runs; 0: none is put
}

// drawHistory makes one up: stretches of load, and now and then something else.
func drawHistory(r *rand.Rand) history {
	var h history
	level := 50.0
	for len(h) < 90 {
		if r.IntN(6) == 0 {
			level = []float64{0, 20, 44, 47, 60, 90, 150, -1}[r.IntN(8)]
		}
		m := minute{load: level, byHand: -1}
		switch r.IntN(20) {
		case 0:
			m.byHand = []int32{0, 1, 5, 30}[r.IntN(4)]
		case 1:
			m.bounds = [2]int32{r.Int32N(3), 4 + r.Int32N(20)}
			m.suspend = r.IntN(3) == 0
		case 2:
			m.action = r.IntN(30) + 1
		}
		h = append(h, m)
	}
	return h
}

// live plays a history under a policy, and returns what became of it. Between is
// called in each minute. There is one policy with alarms, for what two alarms do at
// the same moment has no order.
func (h history) live(t *testing.T, policy func(*loop), between func(*loop)) (activities []string) {
	inLoop(t, 10, func(l *loop) {
		policy(l)
		for _, m := range h {
			l.play(m, between)
		}
		synctest.Wait()
		for _, a := range l.activities(true) {
			activities = append(activities, plain(a))
		}
		slices.Sort(activities)
	})
	return activities
}

// policies are those that histories are lived with.
var policies = map[string]func(*loop){
	"tracks": func(l *loop) {
		l.put(tracking("follow", types.TargetTrackingScalingPolicyConfiguration{
			ScaleInCooldown: aws.Int32(120), ScaleOutCooldown: aws.Int32(120),
			CustomizedMetricSpecification: &types.CustomizedMetricSpecification{
				Namespace: &load.Namespace, MetricName: &load.Name, Statistic: types.MetricStatisticAverage,
			},
		}))
	},
	"steps": func(l *loop) {
		step := *l.put(add2("surge")).PolicyARN
		if _, err := l.metrics.PutMetricAlarm(l.ctx, &sdk.PutMetricAlarmInput{
			AlarmName: aws.String("hot"), AlarmActions: []string{step}, Namespace: &load.Namespace, MetricName: &load.Name,
			Statistic: cwtypes.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(2),
			Threshold: aws.Float64(100), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
		}); err != nil {
			l.t.Fatal(err)
		}
	},
}

// play lives through a minute.
func (l *loop) play(m minute, between func(*loop)) {
	start := l.now().Truncate(time.Minute)
	until := func(second float64) { time.Sleep(start.Add(time.Duration(second * float64(time.Second))).Sub(l.now())) }
	until(20.25)
	if m.byHand >= 0 {
		l.ecs.change(web, func(s *ecstypes.Service) { s.DesiredCount, s.RunningCount = m.byHand, m.byHand })
	}
	if m.bounds[1] > 0 {
		if _, err := l.RegisterScalableTarget(l.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) {
			in.MinCapacity, in.MaxCapacity = &m.bounds[0], &m.bounds[1]
			in.SuspendedState = &types.SuspendedState{DynamicScalingInSuspended: &m.suspend}
		})); err != nil {
			l.t.Fatal(err)
		}
	}
	if m.action > 0 {
		at := start.Add(time.Duration(m.action)*time.Minute + 45*time.Second)
		in := scheduling("once", at.Format("at(2006-01-02T15:04:05)"), 2, 12)
		if _, err := l.PutScheduledAction(l.ctx, in); err != nil {
			l.t.Fatal(err)
		}
	}
	until(35.25)
	between(l)
	until(62.25)
	if m.load >= 0 {
		l.record(load, start, m.load)
	}
}

// plain is an activity without the identifiers that differ from life to life.
func plain(a types.ScalingActivity) string {
	cause := *a.Cause
	if i := strings.Index(cause, "-Alarm"); i >= 0 {
		end := strings.Index(cause, " in state")
		cause = cause[:i+len("-AlarmLow")] + cause[end:]
	}
	var reasons []string
	for _, r := range a.NotScaledReasons {
		reasons = append(reasons, *r.Code)
	}
	return fmt.Sprint(a.StartTime.Format("15:04:05.0"), " ", *a.Description, " ", cause, " ", a.StatusCode, " ", aws.ToTime(a.EndTime).Format(time.TimeOnly), " ", reasons)
}

// read asks for everything that can be asked for.
func (l *loop) read() {
	in := &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs}
	for _, err := range []error{
		second(l.Explain(l.ctx, web)),
		second(l.DescribeScalingPolicies(l.ctx, in)),
		second(l.DescribeScalableTargets(l.ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs})),
		second(l.DescribeScheduledActions(l.ctx, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs})),
		second(l.DescribeScalingActivities(l.ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: types.ServiceNamespaceEcs})),
		second(l.metrics.DescribeAlarms(l.ctx, &sdk.DescribeAlarmsInput{})),
		second(l.metrics.DescribeAlarmHistory(l.ctx, &sdk.DescribeAlarmHistoryInput{})),
	} {
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Whatever happens to a target, reads between any two moments change nothing of
// what is done and when; and neither do restarts.
func TestReadsAndRestartsChangeNothing(t *testing.T) {
	for name, policy := range policies {
		for seed := range uint64(2) {
			h := drawHistory(rand.New(rand.NewPCG(seed, 1)))
			quiet := h.live(t, policy, func(*loop) {})
			if len(quiet) == 0 {
				t.Fatalf("%s, history %d: nothing was done", name, seed)
			}
			differ(t, name, seed, "with reads", quiet, h.live(t, policy, (*loop).read))
			differ(t, name, seed, "with restarts", quiet, h.live(t, policy, (*loop).restart))
		}
	}
}

func differ(t *testing.T, name string, seed uint64, how string, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		var a, b string
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			t.Errorf("%s, history %d %s, activity %d:\n%s\ninstead of\n%s", name, seed, how, i, b, a)
			return
		}
	}
}
