package hindsight_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/hindsight"
	"flyball/internal/policydoc"
	"flyball/metric"
	"flyball/scaling"
)

var at = time.Date(2026, 11, 26, 14, 5, 0, 0, time.UTC)

// past is a service of 4 tasks whose CPU utilization has been 90 for three minutes.
func past() hindsight.Past {
	arn := aws.String("arn:cpu")
	alarmOf := func(name string, c cwtypes.ComparisonOperator, threshold float64, periods int32) cwtypes.MetricAlarm {
		return cwtypes.MetricAlarm{AlarmName: &name, ComparisonOperator: c, Threshold: &threshold, EvaluationPeriods: &periods, Period: aws.Int32(60), AlarmActions: []string{*arn}}
	}
	var points []metric.Datapoint
	for i := range 3 {
		points = append(points, metric.Datapoint{Time: at.Add(time.Duration(i-3) * time.Minute), Value: 90})
	}
	return hindsight.Past{
		Resource: "service/shop/web", At: at,
		Documents: policydoc.Documents{
			Targets: []types.ScalableTarget{{MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(20)}},
			Policies: []types.ScalingPolicy{{PolicyName: aws.String("cpu"), PolicyARN: arn, PolicyType: types.PolicyTypeTargetTrackingScaling,
				TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
					TargetValue: aws.Float64(50), PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageCPUUtilization},
				}}},
			Alarms: []cwtypes.MetricAlarm{alarmOf("low", cwtypes.ComparisonOperatorLessThanThreshold, 45, 15), alarmOf("high", cwtypes.ComparisonOperatorGreaterThanThreshold, 50, 3)},
		},
		Alarms: map[string]hindsight.Watched{
			"high": {Datapoints: points, State: alarm.OK, Since: at.Add(-time.Hour)},
			"low":  {Datapoints: points, State: alarm.OK, Since: at.Add(-time.Hour)},
		},
		Activities: []scaling.Activity{set(4, -time.Hour, "cpu")},
	}
}

// set is an activity that has set a capacity, and took a minute.
func set(to scaling.Capacity, ago time.Duration, policy string) scaling.Activity {
	return scaling.Activity{
		Description: "Setting desired count to " + string('0'+rune(to)) + ".", To: to, Status: scaling.Successful,
		Cause: "monitor alarm a in state ALARM triggered policy " + policy, Start: at.Add(ago), End: at.Add(ago + time.Minute),
	}
}

func explain(t *testing.T, p hindsight.Past, settings ...string) hindsight.Explanation {
	t.Helper()
	parsed, err := policydoc.ParseSettings(settings)
	if err != nil {
		t.Fatal(err)
	}
	e, err := p.Explain(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatIsDecidedIsRebuilt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*hindsight.Past)
		to     scaling.Capacity
		says   string
	}{
		"an alarm that goes into ALARM then": {func(*hindsight.Past) {}, 8, "4 running at 90 against a target of 50 need 8"},
		"an alarm without a history":         {func(p *hindsight.Past) { p.Alarms["high"] = hindsight.Watched{Datapoints: p.Alarms["high"].Datapoints} }, 8, "rebuilt    "},
		"an alarm of too few datapoints": {func(p *hindsight.Past) {
			p.Alarms["high"] = hindsight.Watched{Datapoints: p.Alarms["high"].Datapoints[2:], State: alarm.OK, Since: at}
		}, 4, "1 of 3 datapoints above 50"},
		"a cooldown that holds": {func(p *hindsight.Past) {
			p.Activities = []scaling.Activity{set(4, -5*time.Minute, "cpu"), set(1, -time.Hour, "cpu")}
		}, 4, "the cooldown of policy cpu ends at 14:06:00"},
		"another policy's activity": {func(p *hindsight.Past) { p.Activities = []scaling.Activity{set(4, -2*time.Minute, "other")} }, 8, "need 8"},
		"an activity under way": {func(p *hindsight.Past) {
			a := set(6, -30*time.Second, "other")
			p.Activities = []scaling.Activity{a, set(4, -time.Hour, "cpu")}
		}, 8, "6 desired, 4 running"},
		"tasks that were measured": {func(p *hindsight.Past) { n := scaling.Capacity(2); p.Desired, p.Running = &n, &n }, 4, "2 desired, 2 running"},
		"the maximum of a scheduled action": {func(p *hindsight.Past) {
			p.Activities = append(p.Activities, scaling.Activity{Description: "Setting min capacity to 2 and max capacity to 6", Cause: "scheduled action name night was triggered", Status: scaling.Successful, Start: at.Add(-2 * time.Hour)})
		}, 6, "by a scheduled action at 2026-11-26 12:05:00"},
	} {
		p := past()
		c.change(&p)
		e := explain(t, p)
		if e.Decision.To != c.to || !strings.Contains(e.String(), c.says) {
			t.Errorf("%s: decided %s, want %d and %q in\n%s", name, e.Decision, c.to, c.says, e)
		}
	}
}

func TestOtherValuesDecideOtherwise(t *testing.T) {
	for settings, to := range map[string]scaling.Capacity{
		"policy.cpu.target=60": 6, "policy.cpu.target=95": 4, "max=5": 5, "policy.cpu.target=30": 12, "min=1": 8,
	} {
		e := explain(t, past(), settings)
		if e.With == nil || e.With.Decision.To != to || e.Decision.To != 8 {
			t.Errorf("%s: decided %s, want %d", settings, e.With.Decision, to)
		}
		if !strings.Contains(e.String(), "with "+settings) {
			t.Errorf("%s is not told of:\n%s", settings, e)
		}
	}
	parsed, _ := policydoc.ParseSettings([]string{"min=30"})
	if _, err := past().Explain(parsed); !errors.As(err, new(*hindsight.BadSetting)) {
		t.Errorf("a minimum above the maximum: %v", err)
	}
}

// What was done in the minute from the time on is told, and what was done last before.
func TestWhatWasDoneIsTold(t *testing.T) {
	p := past()
	held := scaling.Activity{Status: scaling.Failed, Cause: "monitor alarm b", Start: at.Add(20 * time.Second), NotScaled: []scaling.Reason{{Code: scaling.AlreadyAtMinCapacity, Capacity: 1}}}
	p.Activities = append([]scaling.Activity{held, set(8, 10*time.Second, "cpu")}, p.Activities...)
	e := explain(t, p)
	if len(e.Done) != 2 || e.Done[0].To != 8 || e.Last == nil || e.Last.To != 4 {
		t.Errorf("done %+v, before %+v", e.Done, e.Last)
	}
	if text := e.String(); !strings.Contains(text, "not scaled: already at the minimum capacity of 1") {
		t.Error(text)
	}
}

// Two scheduled actions that set one bound each: the source of both is the later.
func TestTheSourceOfBoundsIsTheLaterAction(t *testing.T) {
	for range 20 {
		p := past()
		bound := func(what string, ago time.Duration) scaling.Activity {
			return scaling.Activity{Description: "Setting " + what, Cause: "scheduled action evening was triggered", Status: scaling.Successful, Start: at.Add(ago)}
		}
		p.Activities = append([]scaling.Activity{bound("max capacity to 6", -10*time.Minute), bound("min capacity to 2", -20*time.Minute)}, p.Activities...)
		if e := explain(t, p); e.Min != 2 || e.Max != 6 || !strings.Contains(e.String(), "by a scheduled action at 2026-11-26 13:55:00") {
			t.Fatal(e)
		}
	}
}

func TestActivitiesAsTheyAreDescribed(t *testing.T) {
	a := hindsight.ActivityOf(types.ScalingActivity{Description: aws.String("Setting desired count to 7."), StatusCode: types.ScalingActivityStatusCodeSuccessful})
	if a.To != 7 {
		t.Errorf("%+v", a)
	}
	a = hindsight.ActivityOf(types.ScalingActivity{Description: aws.String("Setting min capacity to 2 and max capacity to 6")})
	if a.To != 0 {
		t.Errorf("bounds are no capacity: %+v", a)
	}
}

// What nobody can know is not made up: of a target that was not there, or whose policy decides
// nothing.
func TestWhatCannotBeToldOfThePast(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*hindsight.Past)
		says   string
	}{
		"a time before the target": {func(p *hindsight.Past) {
			p.Documents.Targets[0].CreationTime, p.Activities = aws.Time(at.Add(time.Hour)), nil
		}, "service/shop/web was not scaled yet at 2026-11-26T14:05:00Z: it is a scalable target since 2026-11-26T15:05:00Z; give a time after that"},
		"a policy whose alarms were deleted": {func(p *hindsight.Past) { p.Documents.Alarms = nil }, "its alarms are not there: put the policy again"},
	} {
		t.Run(name, func(t *testing.T) {
			p := past()
			c.change(&p)
			_, err := p.Explain(nil)
			var untold *hindsight.Untold
			if !errors.As(err, &untold) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q in it", err, c.says)
			}
		})
	}
	again := past()
	again.Documents.Targets[0].CreationTime = aws.Time(at.Add(time.Hour))
	explain(t, again) // it was registered anew, and had scaled before
}
