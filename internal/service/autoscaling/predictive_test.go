package autoscaling

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/governor"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/store"
	"flyball/metric"
)

type predictiveConfig = types.PredictiveScalingPolicyConfiguration

// cpuPair aims at 50 % CPU.
func cpuPair() []types.PredictiveScalingMetricSpecification {
	return []types.PredictiveScalingMetricSpecification{{
		TargetValue:                       aws.Float64(50),
		PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")},
	}}
}

// predicting is a policy named daily that forecasts and scales by CPU, if nothing
// else is said.
func predicting(c predictiveConfig) *applicationautoscaling.PutScalingPolicyInput {
	if c.MetricSpecifications == nil {
		c.MetricSpecifications = cpuPair()
	}
	if c.Mode == "" {
		c.Mode = types.PredictiveScalingModeForecastAndScale
	}
	return &applicationautoscaling.PutScalingPolicyInput{
		PolicyName: aws.String("daily"), ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		PolicyType: types.PolicyTypePredictiveScaling, PredictiveScalingPolicyConfiguration: &c,
	}
}

// total is the CPU utilization of all tasks together at an hour of the day:
// lowest at midnight, 110 %, and highest at noon, 910 %.
func total(hour int) float64 { return 510 - 400*math.Cos(2*math.Pi*float64(hour)/24) }

// needed are the tasks that keep total at or under 50 % each.
func needed(hour int) int32 { return int32(math.Ceil(total(hour) / 50)) }

// traffic lets ten tasks have had the daily load for some hours, and for the
// days to come.
func (w *world) traffic(hours int) {
	w.cw.mu.Lock()
	defer w.cw.mu.Unlock()
	begin := w.now().Truncate(time.Hour)
	for i := -hours; i < 10*24; i++ {
		at := begin.Add(time.Duration(i) * time.Hour)
		add := func(name string, v float64) {
			w.cw.series[name] = append(w.cw.series[name], metric.Datapoint{Time: at, Value: v})
		}
		add("CPUUtilization Sum", 60*total(at.Hour()))
		add("CPUUtilization Average", total(at.Hour())/10)
		add("CPUUtilization SampleCount", 600)
	}
}

// at sleeps until a time of the clock.
func (w *world) at(clock string) {
	w.t.Helper()
	at, err := time.Parse("15:04", clock)
	if err != nil {
		w.t.Fatal(err)
	}
	now := w.now()
	next := now.Truncate(24 * time.Hour).Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	if !next.After(now) {
		next = next.Add(24 * time.Hour)
	}
	time.Sleep(next.Sub(now))
	synctest.Wait()
}

// ask reads the forecast of daily from now on, and of some hours before.
func (w *world) ask(past time.Duration) (*applicationautoscaling.GetPredictiveScalingForecastOutput, error) {
	return w.GetPredictiveScalingForecast(w.ctx, &applicationautoscaling.GetPredictiveScalingForecastInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, PolicyName: aws.String("daily"),
		StartTime: aws.Time(w.now().Truncate(time.Hour).Add(-past)), EndTime: aws.Time(w.now().Add(72 * time.Hour)),
	})
}

func (w *world) forecast() *applicationautoscaling.GetPredictiveScalingForecastOutput {
	w.t.Helper()
	return must[*applicationautoscaling.GetPredictiveScalingForecastOutput](w.t)(w.ask(0))
}

// predictive lets web with 1 to 40 tasks, which start at once, be scaled by daily.
func (w *world) predictive(c predictiveConfig) {
	w.t.Helper()
	w.ecs.instant = true
	w.traffic(14 * 24)
	w.register(1, 40)
	w.put(predicting(c))
	synctest.Wait()
}

func TestAForecastTellsLoadAndCapacityTwoDaysAhead(t *testing.T) {
	inWorld(t, func(w *world) {
		time.Sleep(20 * time.Minute)
		w.predictive(predictiveConfig{Mode: types.PredictiveScalingModeForecastOnly})
		f := w.forecast()
		if !f.UpdateTime.Equal(w.now()) || len(f.LoadForecast) != 1 {
			t.Fatalf("made %v with %d load forecasts", f.UpdateTime, len(f.LoadForecast))
		}
		load, c := f.LoadForecast[0], f.CapacityForecast
		if *load.MetricSpecification.PredefinedMetricPairSpecification.PredefinedMetricType != "ECSServiceCPUUtilization" {
			t.Errorf("metric specification: %+v", load.MetricSpecification)
		}
		if len(load.Timestamps) != 48 || len(load.Values) != 48 || len(c.Timestamps) != 48 || len(c.Values) != 48 {
			t.Fatalf("%d and %d hours", len(load.Values), len(c.Values))
		}
		for i, at := range c.Timestamps {
			if want := time.Date(2026, 3, 2, 17+i, 0, 0, 0, time.UTC); !at.Equal(want) {
				t.Fatalf("hour %d is %v, want %v", i, at, want)
			}
			if got, want := load.Values[i], 60*total(at.Hour()); math.Abs(got/want-1) > 0.02 {
				t.Errorf("%v: load %v, want %v", at, got, want)
			}
			if math.Abs(c.Values[i]-float64(needed(at.Hour()))) > 1 || c.Values[i] != math.Ceil(load.Values[i]/60/50) {
				t.Errorf("%v: capacity %v, want %d", at, c.Values[i], needed(at.Hour()))
			}
		}
		w.at("16:59")
		w.wantDesired(10) // it only forecasts
	})
}

func TestADayOfDataIsNeeded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		w.traffic(23)
		w.register(1, 40)
		w.put(predicting(predictiveConfig{}))
		_, err := w.ask(0)
		wantError(t, err, "ValidationException", "Insufficient data to forecast for scaling policy daily: the load metric has 23 hours of data, and a minimum of 24 hours is required")
		w.at("17:59")
		w.wantDesired(10)
		w.at("18:01")                 // it looks again each hour
		w.wantDesired(needed(18) + 1) // a day seen once is uncertain
		if f := w.forecast(); len(f.CapacityForecast.Values) != 48 {
			t.Errorf("%d hours", len(f.CapacityForecast.Values))
		}
	})
}

func TestALoadBeyondAllNumbersIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		w.traffic(48)
		for i := range w.cw.series["CPUUtilization Sum"] {
			w.cw.series["CPUUtilization Sum"][i].Value = math.MaxFloat64
		}
		w.register(1, 40)
		w.put(predicting(predictiveConfig{}))
		_, err := w.ask(0)
		wantError(t, err, "ValidationException", "The load metric of scaling policy daily is too large to forecast")
	})
}

func TestCapacityIsThereBeforeThePeak(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		w.wantDesired(needed(17)) // a new policy begins with the hour that it is
		w.at("08:54")
		w.wantDesired(needed(8))
		w.at("08:55")
		w.wantDesired(needed(9))
		a := w.activities(false)[0]
		if *a.Description != "Setting desired count to 16." || *a.Cause != "predictive scaling policy daily forecast a capacity of 16 for 2026-03-03T09:00:00Z" {
			t.Errorf("activity: %s Cause: %s", *a.Description, *a.Cause)
		}
		w.at("11:55")
		w.wantDesired(needed(12))
		w.at("23:59") // and stays: only other policies scale in
		w.wantDesired(needed(12))
	})
}

func TestSchedulingBufferTime(t *testing.T) {
	for buffer, before := range map[int32]string{0: "08:59", 3600: "07:59"} {
		inWorld(t, func(w *world) {
			w.predictive(predictiveConfig{SchedulingBufferTime: &buffer})
			w.at(before)
			w.wantDesired(needed(8))
			time.Sleep(time.Minute)
			synctest.Wait()
			w.wantDesired(needed(9))
		})
	}
}

func TestMaxCapacityIsHonoredOrIncreased(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		w.register(1, 15)
		w.at("12:30")
		w.wantDesired(15)
		if noon := w.lookup(w.ctx, web).governor().Floor(w.now()); noon.Capacity != 19 {
			t.Errorf("the forecast for noon is %d, want 19", noon.Capacity)
		}
		w.put(predicting(predictiveConfig{
			MaxCapacityBreachBehavior: types.PredictiveScalingMaxCapacityBreachBehaviorIncreaseMaxCapacity, MaxCapacityBuffer: aws.Int32(10),
		}))
		w.at("11:54") // the next day
		w.at("11:56")
		w.wantDesired(19)
		if got := w.lookup(w.ctx, web).Max; got != 21 { // 19 and 10 %
			t.Errorf("maximum capacity is %d, want 21", got)
		}
		var found bool
		for _, a := range w.activities(false) {
			found = found || *a.Description == "Setting max capacity to 21." && a.StatusCode == types.ScalingActivityStatusCodeSuccessful
		}
		if !found {
			t.Error("no activity tells of the maximum")
		}
		w.restart()
		if got := w.lookup(w.ctx, web).Max; got != 21 {
			t.Errorf("after a restart the maximum capacity is %d, want 21", got)
		}
	})
}

func TestForecastsAreRenewedEverySixHours(t *testing.T) {
	inWorld(t, func(w *world) {
		time.Sleep(10 * time.Minute)
		w.predictive(predictiveConfig{})
		made := *w.forecast().UpdateTime
		time.Sleep(6*time.Hour - time.Second)
		if got := *w.forecast().UpdateTime; !got.Equal(made) {
			t.Errorf("made at %v, then at %v", made, got)
		}
		time.Sleep(2 * time.Second)
		if got := *w.forecast().UpdateTime; !got.Equal(made.Add(6 * time.Hour)) {
			t.Errorf("made at %v, then at %v", made, got)
		}
		past := must[*applicationautoscaling.GetPredictiveScalingForecastOutput](t)(w.ask(24 * time.Hour)) // the hours from the first forecast are still told
		if got := past.CapacityForecast.Timestamps; len(got) != 6+48 || !got[0].Equal(time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)) {
			t.Errorf("%d hours from %v on", len(got), got[0])
		}
	})
}

func TestARestartKeepsForecastAndFloor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		before := w.forecast()
		w.ecs.change(web, func(s *ecstypes.Service) { s.DesiredCount = 2 }) // by hand
		w.restart()
		time.Sleep(time.Minute)
		after := w.forecast()
		if !after.UpdateTime.Equal(*before.UpdateTime) || after.CapacityForecast.Values[5] != before.CapacityForecast.Values[5] {
			t.Errorf("forecast of %v, then of %v", before.UpdateTime, after.UpdateTime)
		}
		w.wantDesired(2) // the hour was acted for
		w.at("08:30")
		w.stop()
		w.at("09:30")
		w.wantDesired(needed(8))
		w.start()
		time.Sleep(time.Second)
		w.wantDesired(needed(9)) // what was missed is made up for
	})
}

func TestScaleInStopsAtTheForecast(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		arn, _, low := w.tracked()
		w.ecs.add(web, 20, 20)
		time.Sleep(15 * time.Minute)
		if err := w.alarm(low, arn, 5); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(needed(17)) // 11 without it
		time.Sleep(10 * time.Minute)
		if err := w.alarm(low, arn, 5); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(needed(17))
		e, err := w.Explain(w.ctx, web)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"floor      policy daily forecasts that 13 are needed until 18:00:00\n",
			"forecast   policy daily forecasts 11 for 2026-03-02 18:00:00, to be set at 17:55:00\n",
		} {
			if !strings.Contains(e.String(), want) {
				t.Errorf("no %q in\n%s", want, e)
			}
		}
		w.at("18:10")
		if err := w.alarm(low, arn, 5); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(needed(18))
	})
}

func TestScaleOutGoesOnAboveTheForecast(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		arn, high, _ := w.tracked()
		time.Sleep(3 * time.Minute)
		if err := w.alarm(high, arn, 75); err != nil {
			t.Fatal(err)
		}
		w.wantDesired(20) // half as many again
	})
}

func TestSuspendedScaleOutSuspendsForecasts(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 40)
		_, err := w.RegisterScalableTarget(w.ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			SuspendedState: &types.SuspendedState{DynamicScalingOutSuspended: aws.Bool(true)},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.predictive(predictiveConfig{})
		w.at("12:30")
		w.wantDesired(10)
		if f := w.lookup(w.ctx, web).governor().Floor(w.now()); f.Capacity != 0 {
			t.Errorf("floor: %s", f)
		}
	})
}

func TestMetricsOlderThanTheServiceAreOfTheTasksThatRun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.traffic(14 * 24)
		w.cw.series["Requests"] = w.cw.series["CPUUtilization Sum"]
		w.cw.series["Busy"] = w.cw.series["CPUUtilization Average"]
		clear(w.cw.series["CPUUtilization SampleCount"])
		w.register(1, 40)
		query := func(name string) *types.PredictiveScalingCustomizedMetricSpecification {
			return &types.PredictiveScalingCustomizedMetricSpecification{MetricDataQueries: []types.PredictiveScalingMetricDataQuery{{
				Id: aws.String("m"), MetricStat: &types.PredictiveScalingMetricStat{
					Metric: &types.PredictiveScalingMetric{Namespace: aws.String("Shop"), MetricName: aws.String(name)}, Stat: aws.String("Average"),
				},
			}}}
		}
		w.put(predicting(predictiveConfig{MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
			TargetValue:                          aws.Float64(50),
			CustomizedLoadMetricSpecification:    query("Requests"),
			CustomizedScalingMetricSpecification: query("Busy"),
		}}}))
		f := w.forecast().CapacityForecast
		for i, at := range f.Timestamps {
			if math.Abs(f.Values[i]-float64(needed(at.Hour()))) > 1 {
				t.Errorf("%v: capacity %v, want %d", at, f.Values[i], needed(at.Hour()))
			}
		}
	})
}

func TestForecastsReadTenWeeksOrAsManyDaysAsATagSays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		if got := w.now().Truncate(time.Hour).Sub(w.cw.asked); got != 70*24*time.Hour {
			t.Errorf("history of %v was read, want 70 days", got)
		}
		arn := *w.described().ScalableTargetARN
		if _, err := w.TagResource(w.ctx, &applicationautoscaling.TagResourceInput{ResourceARN: &arn, Tags: map[string]string{rules.TagHistoryDays: "14"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(governor.RenewedAfter(0))
		synctest.Wait()
		if got := w.now().Truncate(time.Hour).Sub(w.cw.asked); got != 14*24*time.Hour {
			t.Errorf("with the tag, history of %v was read, want 14 days", got)
		}
	})
}

// tag sets a tag of the target.
func (w *world) tag(key, value string) {
	w.t.Helper()
	in := &applicationautoscaling.TagResourceInput{ResourceARN: w.described().ScalableTargetARN, Tags: map[string]string{key: value}}
	if _, err := w.TagResource(w.ctx, in); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// finer are datapoints of five minutes, of which the second half of each hour has twice as much
// load as the first.
func (w *world) finer() {
	w.cw.mu.Lock()
	defer w.cw.mu.Unlock()
	for _, hour := range w.cw.series["CPUUtilization Sum"] {
		for i := range 12 {
			d := metric.Datapoint{Time: hour.Time.Add(time.Duration(i) * 5 * time.Minute), Value: hour.Value / 18 * float64(1+i/6)}
			w.cw.series["CPUUtilization Sum 300"] = append(w.cw.series["CPUUtilization Sum 300"], d)
		}
	}
}

func TestATagMakesForecastsOfFiveMinutes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{SchedulingBufferTime: aws.Int32(60)})
		w.finer()
		hourly := w.forecast()
		w.tag(rules.TagForecastStep, "300")
		fine := w.forecast()
		if len(fine.CapacityForecast.Values) != 48 {
			t.Fatalf("%d hours are answered, want 48", len(fine.CapacityForecast.Values))
		}
		for i, at := range fine.CapacityForecast.Timestamps {
			if got, want := fine.LoadForecast[0].Values[i], hourly.LoadForecast[0].Values[i]; math.Abs(got/want-1) > 1e-9 {
				t.Errorf("%v: a load of %v, want that of the hour, %v", at, got, want)
			}
			if got, least := fine.CapacityForecast.Values[i], 1.2*hourly.CapacityForecast.Values[i]-1; got < least {
				t.Errorf("%v: a capacity of %v, want that of the busy half of the hour, at least %v", at, got, least)
			}
		}
		w.at("08:28")
		before := w.ecs.desired(web)
		w.at("08:30")
		if got := w.ecs.desired(web); got <= before {
			t.Errorf("%d tasks in the busy half of the hour, %d before", got, before)
		}
	})
}

func TestPredictivePoliciesAreDescribedAndDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.traffic(14 * 24)
		w.register(1, 40)
		in := predicting(predictiveConfig{})
		in.PredictiveScalingPolicyConfiguration.Mode = ""
		if out := w.put(in); len(out.Alarms) != 0 {
			t.Errorf("alarms: %v", out.Alarms)
		}
		w.forecast()
		w.restart()
		out, err := w.DescribeScalingPolicies(w.ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs})
		if err != nil || len(out.ScalingPolicies) != 1 {
			t.Fatalf("%d policies, %v", len(out.ScalingPolicies), err)
		}
		p := out.ScalingPolicies[0]
		c := p.PredictiveScalingPolicyConfiguration
		if p.PolicyType != types.PolicyTypePredictiveScaling || c.Mode != types.PredictiveScalingModeForecastOnly || *c.SchedulingBufferTime != 300 ||
			c.MaxCapacityBreachBehavior != "" || c.MaxCapacityBuffer != nil || *c.MetricSpecifications[0].TargetValue != 50 {
			t.Errorf("policy: %+v", p)
		}
		if in.PredictiveScalingPolicyConfiguration.SchedulingBufferTime != nil {
			t.Error("the request was changed")
		}
		if _, err := w.DeleteScalingPolicy(w.ctx, &applicationautoscaling.DeleteScalingPolicyInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, PolicyName: aws.String("daily"),
		}); err != nil {
			t.Fatal(err)
		}
		w.wantNoPredictions()
		_, err = w.ask(0)
		wantError(t, err, "ValidationException", "No scaling policy found for service namespace: ecs, resource ID: service/default/web, scalable dimension: ecs:service:DesiredCount, policy name: daily")
		w.put(in)
		w.forecast()
		if _, err := w.DeregisterScalableTarget(w.ctx, &applicationautoscaling.DeregisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		}); err != nil {
			t.Fatal(err)
		}
		w.wantNoPredictions()
	})
}

func (w *world) wantNoPredictions() {
	w.t.Helper()
	_ = w.store.Scan(kindPrediction.Name, store.Range{}, func(key string, _ []byte) bool {
		w.t.Errorf("left behind: %q", key)
		return true
	})
}

func TestOtherMetricsMakeAnotherForecast(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		before := w.forecast()
		time.Sleep(time.Hour)
		w.put(predicting(predictiveConfig{SchedulingBufferTime: aws.Int32(60)}))
		if same := w.forecast(); !same.UpdateTime.Equal(*before.UpdateTime) {
			t.Errorf("made at %v and, for another buffer, at %v", before.UpdateTime, same.UpdateTime)
		}
		half := cpuPair()
		half[0].TargetValue = aws.Float64(25)
		w.put(predicting(predictiveConfig{MetricSpecifications: half}))
		after := w.forecast()
		if !after.UpdateTime.Equal(w.now()) || after.CapacityForecast.Values[0] != math.Ceil(total(18)/25) {
			t.Errorf("made at %v: %v", after.UpdateTime, after.CapacityForecast.Values[0])
		}
	})
}

func TestGetPredictiveScalingForecastRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		w.put(add2("step"))
		now := w.now()
		for _, tt := range []struct {
			policy     string
			start, end time.Time
			message    string
		}{
			{"step", now, now.Add(time.Hour), "Scaling policy step is not a predictive scaling policy"},
			{"daily", now, now, "StartTime must be before EndTime"},
			{"daily", now, now.Add(31 * 24 * time.Hour), "The time range between StartTime and EndTime must not exceed 30 days"},
			{"daily", now.Add(-366 * 24 * time.Hour), now.Add(-360 * 24 * time.Hour), "StartTime must not be more than one year in the past"},
		} {
			_, err := w.GetPredictiveScalingForecast(w.ctx, &applicationautoscaling.GetPredictiveScalingForecastInput{
				ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
				PolicyName: &tt.policy, StartTime: &tt.start, EndTime: &tt.end,
			})
			wantError(t, err, "ValidationException", tt.message)
		}
	})
}
