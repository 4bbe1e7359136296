package autoscaling

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/alarm"
	"flyball/internal/state"
	"flyball/metric"
	"flyball/scaling"
)

// tracked registers web for 1 to 20 tasks with a policy on CPU at 50 %, and
// returns its ARN and its alarms.
func (w *world) tracked() (arn, high, low string) {
	w.t.Helper()
	w.register(1, 20)
	out := w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{ScaleInCooldown: aws.Int32(60), ScaleOutCooldown: aws.Int32(60)}))
	return *out.PolicyARN, *out.Alarms[0].AlarmName, *out.Alarms[1].AlarmName
}

// reached lets the tasks that were asked for run, and the server see it.
func (w *world) reached() {
	w.ecs.change(web, func(s *ecstypes.Service) { s.RunningCount = s.DesiredCount })
	time.Sleep(2 * time.Second)
}

func TestAnAlarmScalesOut(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		time.Sleep(3 * time.Minute)
		started := w.now()
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(14)
		a := w.activities(false)[0]
		if a.StatusCode != types.ScalingActivityStatusCodeInProgress || *a.StatusMessage != "Successfully set desired count to 14. Waiting for change to be fulfilled by ecs." {
			t.Errorf("activity: %s %s", a.StatusCode, *a.StatusMessage)
		}
		if *a.Description != "Setting desired count to 14." || *a.Cause != "monitor alarm "+high+" in state ALARM triggered policy cpu" || !a.StartTime.Equal(started) || a.EndTime != nil {
			t.Errorf("activity: %+v", a)
		}
		if c := w.kept("cpu"); c.Direction != scaling.Out || !c.Until.IsZero() {
			t.Errorf("cooldown while the activity runs: %+v", c)
		}
		time.Sleep(20 * time.Second)
		w.reached()
		a = w.activities(false)[0]
		if a.StatusCode != types.ScalingActivityStatusCodeSuccessful || *a.StatusMessage != "Successfully set desired count to 14. Change successfully fulfilled by ecs." {
			t.Errorf("activity: %s %s", a.StatusCode, *a.StatusMessage)
		}
		if c := w.kept("cpu"); !c.Until.Equal(a.EndTime.Add(time.Minute)) {
			t.Errorf("cooldown is counted to %v, the activity ended at %v", c.Until, a.EndTime)
		}
	})
}

func TestAnAlarmScalesIn(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, _, low := w.tracked()
		time.Sleep(15 * time.Minute)
		if err := w.alarm(low, arn, 10); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(6)
		w.reached()
		if err := w.alarm(low, arn, 10); err != nil { // within the cooldown
			t.Fatal(err)
		}
		w.wantDesired(6)
		time.Sleep(time.Minute)
		if err := w.alarm(low, arn, 10); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(4)
	})
}

func TestStepPoliciesFollowTheUsersAlarm(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		arn := *w.put(add2("step")).PolicyARN
		w.userAlarm("busy", arn)
		time.Sleep(time.Minute)
		if err := w.alarm("busy", arn, 60); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(12)
		w.reached()
		if err := w.alarm("busy", arn, 75); err != nil { // 3 more, of which 2 are there
			t.Fatal(err)
		}
		w.wantDesired(13)
		if cause := *w.activities(false)[0].Cause; cause != "monitor alarm busy in state ALARM triggered policy step" {
			t.Errorf("cause is %q", cause)
		}
	})
}

func TestAnAlarmSetByHandTakesTheFirstStep(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		arn := *w.put(add2("step")).PolicyARN
		w.userAlarm("busy", arn)
		if err := w.AlarmAction(w.ctx, alarm.Notification{Action: arn, Alarm: "busy", State: alarm.Alarm}); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(12)
	})
}

func TestOnlyTheAlarmStateScales(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		for _, state := range []alarm.State{alarm.InsufficientData, alarm.OK} {
			if err := w.AlarmAction(w.ctx, alarm.Notification{Action: arn, Alarm: high, State: state, Datapoints: w.points(90, 3)}); err != nil {
				t.Error(err)
			}
		}
		w.wantDesired(10)
	})
}

func TestOtherPoliciesAreAskedBeforeScaleIn(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, _, low := w.tracked()
		w.put(tracking("memory", types.TargetTrackingScalingPolicyConfiguration{
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageMemoryUtilization},
		}))
		time.Sleep(15 * time.Minute)
		w.cw.series["MemoryUtilization"] = w.points(48, 15)
		if err := w.alarm(low, arn, 10); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(10)
		if w.cw.calls["GetMetricData"] != 1 || w.cw.calls["DescribeAlarms"] != 1 {
			t.Errorf("calls: %v", w.cw.calls)
		}
	})
}

func TestADeploymentStopsScaleIn(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, _, low := w.tracked()
		w.ecs.change(web, func(s *ecstypes.Service) { s.Deployments[0].RolloutState = ecstypes.DeploymentRolloutStateInProgress })
		time.Sleep(15 * time.Minute)
		if err := w.alarm(low, arn, 10); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(10)
		a := w.activities(true)
		if len(a) != 1 || *a[0].NotScaledReasons[0].Code != "TargetServicePutResourceAsUnscalable" {
			t.Errorf("activities: %+v", a)
		}
	})
}

func TestWhatIsNotScaledIsRecordedOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		if _, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) { in.MaxCapacity = aws.Int32(10) })); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			time.Sleep(time.Minute)
			if err := w.alarm(high, arn, 90); err != nil {
				t.Fatal(err)
			}
		}
		a := w.activities(true)
		if len(a) != 1 {
			t.Fatalf("%d activities for five calls", len(a))
		}
		if *a[0].Description != "Attempting to scale due to alarm triggered" || a[0].StatusCode != types.ScalingActivityStatusCodeFailed {
			t.Errorf("activity: %s %s", a[0].StatusCode, *a[0].Description)
		}
		if r := a[0].NotScaledReasons[0]; *r.Code != "AlreadyAtMaxCapacity" || *r.MaxCapacity != 10 || r.MinCapacity != nil || r.CurrentCapacity != nil {
			t.Errorf("reason: %+v", r)
		}
		if len(w.activities(false)) != 0 {
			t.Error("it is listed without being asked for")
		}
		time.Sleep(time.Hour)
		w.cw.setState(high, cwtypes.StateValueOk)
		if err := w.alarm(high, arn, 90); err != nil {
			t.Fatal(err)
		}
		if a := w.activities(true); len(a) != 2 {
			t.Errorf("%d activities after the alarm was over and came back", len(a))
		}
	})
}

func TestSuspendedScalingActsWhenItIsResumed(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		suspend := func(out bool) {
			if _, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) {
				in.SuspendedState = &types.SuspendedState{DynamicScalingOutSuspended: aws.Bool(out)}
			})); err != nil {
				t.Fatal(err)
			}
		}
		suspend(true)
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(10)
		suspend(false)
		if err := w.alarm(high, arn, 70); err != nil { // its repeat
			t.Fatal(err)
		}
		w.wantDesired(14)
	})
}

func TestANewerActivityOverridesAnOlderOne(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		time.Sleep(3 * time.Minute)
		for _, cpu := range []float64{60, 80} {
			time.Sleep(time.Minute)
			if err := w.alarm(high, arn, cpu); err != nil {
				t.Fatal(err)
			}
		}
		w.wantDesired(16)
		a := w.activities(false)
		if len(a) != 2 || a[1].StatusCode != types.ScalingActivityStatusCodeOverridden || *a[1].StatusMessage != "Successfully set desired count to 12. Found it was later changed to 16." {
			t.Errorf("activities: %+v", a)
		}
		if c := w.kept("cpu"); c.Base != 10 {
			t.Errorf("counted from %d", c.Base)
		}
	})
}

func TestAnActivityIsOverriddenBySomeoneElse(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.ecs.change(web, func(s *ecstypes.Service) { s.DesiredCount = 3 })
		time.Sleep(2 * time.Second)
		if a := w.activities(false)[0]; *a.StatusMessage != "Successfully set desired count to 14. Found it was later changed to 3." {
			t.Errorf("activity: %s", *a.StatusMessage)
		}
	})
}

func TestAnActivityIsUnfulfilledAfterHalfAnHour(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Minute)
		if a := w.activities(false)[0]; a.StatusCode != types.ScalingActivityStatusCodeInProgress {
			t.Errorf("activity: %s", a.StatusCode)
		}
		time.Sleep(2 * time.Minute)
		if a := w.activities(false)[0]; a.StatusCode != types.ScalingActivityStatusCodeUnfulfilled {
			t.Errorf("activity: %s", a.StatusCode)
		}
	})
}

func TestAFailingCallFailsTheActivity(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		w.ecs.fail = &ecstypes.InvalidParameterException{Message: aws.String("no")}
		if err := w.alarm(high, arn, 70); err == nil {
			t.Error("the alarm hears of no error")
		}
		a := w.activities(false)[0]
		if a.StatusCode != types.ScalingActivityStatusCodeFailed || *a.StatusMessage != "Failed to set desired count to 14. Reason: InvalidParameterException: no" {
			t.Errorf("activity: %s %s", a.StatusCode, *a.StatusMessage)
		}
		if c := w.kept("cpu"); c != (scaling.Cooldown{}) {
			t.Errorf("a cooldown follows: %+v", c)
		}
	})
}

func TestATargetGoesWithItsService(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		w.ecs.change(web, func(s *ecstypes.Service) { s.Status = aws.String("INACTIVE") })
		if err := w.alarm(high, arn, 70); err == nil {
			t.Error("the alarm hears of no error")
		}
		if len(w.rows.targets) > 0 || len(w.cw.alarms) > 0 {
			t.Errorf("left: %d targets, %d alarms", len(w.rows.targets), len(w.cw.alarms))
		}
	})
}

func TestActivitiesAndCooldownsSurviveARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		time.Sleep(3 * time.Minute)
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.activities(false) // on disk
		w.restart()
		if c := w.kept("cpu"); c.Direction != scaling.Out || c.Base != 10 {
			t.Errorf("cooldown is %+v", c)
		}
		w.reached()
		if a := w.activities(false); len(a) != 1 || a[0].StatusCode != types.ScalingActivityStatusCodeSuccessful {
			t.Errorf("activities: %+v", a)
		}
		if c := w.kept("cpu"); c.Until.IsZero() {
			t.Error("the cooldown is not counted")
		}
	})
}

func TestAKillWhileTheCapacityIsSetIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  bool // whether the desired count was set before the kill
		want types.ScalingActivityStatusCode
	}{
		{"after it was set, the activity goes on", true, types.ScalingActivityStatusCodeSuccessful},
		{"before it was set, the activity failed", false, types.ScalingActivityStatusCodeFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				arn, high, _ := w.tracked()
				killed := make(chan struct{})
				w.ecs.setHang(func() { <-killed })
				stopFirst := w.stop
				acted := make(chan error, 1)
				go func() { acted <- w.alarm(high, arn, 70) }()
				time.Sleep(time.Second) // the first life stands still in UpdateService
				if tt.set {
					w.ecs.change(web, func(s *ecstypes.Service) { s.DesiredCount, s.RunningCount = 14, 14 })
				}
				w.start()
				time.Sleep(time.Minute)
				if a := w.activities(false); len(a) != 1 || a[0].StatusCode != tt.want {
					t.Errorf("activities: %+v, want one that is %s", a, tt.want)
				}
				if c := w.kept("cpu"); (c.Direction == scaling.Out && !c.Until.IsZero()) != tt.set {
					t.Errorf("cooldown is %+v", c)
				}
				close(killed)
				<-acted
				stopFirst()
			})
		})
	}
}

func TestWithoutATaskOneDatapointOfDemandIsEnough(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.add(web, 0, 0)
		w.cw.series["Backlog"] = w.points(900, 2) // of tasks that are gone
		w.register(0, 20)
		w.put(tracking("backlog", types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(100),
			CustomizedMetricSpecification: &types.CustomizedMetricSpecification{
				Namespace: aws.String("My"), MetricName: aws.String("Backlog"), Statistic: types.MetricStatisticAverage,
			},
		}))
		time.Sleep(3 * time.Minute)
		w.wantDesired(0)
		w.cw.mu.Lock()
		w.cw.series["Backlog"] = []metric.Datapoint{{Time: w.now().Truncate(time.Minute), Value: 3}}
		w.cw.mu.Unlock()
		time.Sleep(2 * time.Minute)
		w.wantDesired(1)
	})
}

// With no task the metric often has no value, and its low alarm stays in ALARM
// because of what the last tasks did.
func TestTheIdlenessOfTheLastTasksDoesNotTakeTheNextOneAway(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.add(web, 0, 0)
		idle := w.points(0, 15)
		w.register(0, 20)
		policy := w.put(tracking("backlog", types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(100),
			CustomizedMetricSpecification: &types.CustomizedMetricSpecification{
				Namespace: aws.String("My"), MetricName: aws.String("Backlog"), Statistic: types.MetricStatisticAverage,
			},
		}))
		time.Sleep(3 * time.Minute)
		w.cw.mu.Lock()
		w.cw.series["Backlog"] = []metric.Datapoint{{Time: w.now().Truncate(time.Minute), Value: 400}}
		w.cw.mu.Unlock()
		time.Sleep(2 * time.Minute)
		low := *policy.Alarms[1].AlarmName
		w.cw.setState(low, cwtypes.StateValueAlarm)
		for _, running := range []int32{0, 1} {
			w.ecs.change(web, func(s *ecstypes.Service) { s.RunningCount = running })
			if err := w.AlarmAction(w.ctx, alarm.Notification{Action: *policy.PolicyARN, Alarm: low, State: alarm.Alarm, At: w.now(), Datapoints: idle}); err != nil {
				t.Fatal(err)
			}
			w.wantDesired(1)
		}
	})
}

func TestActivitiesAreKeptForSixWeeks(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.reached()
		time.Sleep(activitiesKept - time.Hour)
		if n := len(w.activities(false)); n != 1 {
			t.Errorf("%d activities after nearly six weeks", n)
		}
		time.Sleep(3 * time.Hour)
		if n := len(w.activities(false)); n != 0 {
			t.Errorf("%d activities after six weeks", n)
		}
		if _, err := state.Get[record](w.state, kindActivity, activityKey(scaling.Activity{})); err == nil {
			t.Error("found nothing")
		}
		keys, err := w.API.activities.keys(scaling.Services, nil, "", true, 10)
		if err != nil || len(keys) != 0 {
			t.Errorf("left in the store: %v, %v", keys, err)
		}
	})
}

func TestActivitiesComeInPagesNewestFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		for i := range int32(7) {
			time.Sleep(time.Minute)
			w.register(10+i+1, 50)
		}
		synctest.Wait() // the store's writer catches up
		var got []string
		pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(w.API, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(3)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.ScalingActivities {
				got = append(got, strings.TrimSuffix(strings.TrimPrefix(*a.Description, "Setting desired count to "), "."))
			}
			got = append(got, "|")
		}
		if fmt.Sprint(got) != "[17 16 15 | 14 13 12 | 11 |]" {
			t.Errorf("got %v", got)
		}
	})
}

func TestExplain(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		step := *w.put(add2("step")).PolicyARN
		w.userAlarm("busy", step)
		time.Sleep(15 * time.Minute)
		w.cw.series["CPUUtilization"] = w.points(48, 15)
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.reached()
		w.cw.setState(high, cwtypes.StateValueOk)
		e, err := w.Explain(w.ctx, web)
		if err != nil {
			t.Fatal(err)
		}
		if e.Last == nil || e.Last.Description != "Setting desired count to 14." || e.Last.Details != "10 running at 70 against a target of 50 need 14" {
			t.Errorf("last activity: %+v", e.Last)
		}
		if len(e.Policies) != 2 || len(e.Policies[0].Alarms) != 2 || len(e.Policies[1].Alarms) != 1 {
			t.Fatalf("policies: %+v", e.Policies)
		}
		text := e.String()
		for _, want := range []string{"service/default/web", "14 desired, 14 running", "has 0 of 15 datapoints below 45", "alarm busy of policy step has 0 of 1 datapoints at or above 50"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		_, err = w.Explain(w.ctx, "service/default/other")
		wantError(t, err, "ObjectNotFoundException", "No scalable target found")
	})
}

func TestAnAlarmWithoutAThresholdKeepsNobodyFromScaling(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		step := *w.put(add2("step")).PolicyARN
		w.userAlarm("band", step)
		m := w.cw.alarms["band"]
		m.ComparisonOperator = cwtypes.ComparisonOperatorGreaterThanUpperThreshold
		w.cw.alarms["band"] = m
		if err := w.alarm("band", step, 70); err == nil {
			t.Error("steps from a threshold that there is not")
		}
		if err := w.alarm(high, arn, 70); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(14)
	})
}

func TestAnAlarmThatCannotBeReadIsAnError(t *testing.T) {
	inWorld(t, func(w *world) {
		arn, high, _ := w.tracked()
		w.cw.failOn, w.cw.fail = "DescribeAlarms", errors.New("connection refused")
		if err := w.alarm(high, arn, 70); err == nil {
			t.Error("no error")
		}
		w.wantDesired(10)
		if err := w.AlarmAction(w.ctx, alarm.Notification{Action: "arn:none", State: alarm.Alarm}); err == nil {
			t.Error("a policy that does not exist is no error")
		}
	})
}
