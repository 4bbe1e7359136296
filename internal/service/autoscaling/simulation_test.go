package autoscaling

import (
	"flag"
	"math"
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

	"flyball/alarm"
	"flyball/internal/service/autoscaling/rules"
	"flyball/metric"
	"flyball/scaling"
	"flyball/sim"
)

// What package sim foretells is what these services do: random lives of a target, in the
// services with their alarms and in sim, have the same activities at the same times.

// simulated are the policies that random lives are lived with: how they are put, and what
// they are to sim.
var simulated = map[string]struct {
	put   func(*loop)
	is    func(*testing.T) []sim.Policy
	gaps  bool // minutes may lack their datapoints; of two alarms at one moment the order is open
	tasks time.Duration
}{
	"target tracking of a metric of one's own": {gaps: true,
		put: func(l *loop) { l.put(follow(load, "follow")) },
		is:  func(t *testing.T) []sim.Policy { return []sim.Policy{following(t, "follow", given(0))} },
	},
	"target tracking of requests for each task": {tasks: 47 * time.Second,
		put: func(l *loop) { l.put(follow(perTask, "share")) },
		is: func(t *testing.T) []sim.Policy {
			return []sim.Policy{following(t, "share", sim.Metric{Quantity: sim.RequestCountPerTarget})}
		},
	},
	"steps out": {gaps: true, tasks: 95 * time.Second,
		put: func(l *loop) { l.surge("hot") },
		is:  func(t *testing.T) []sim.Policy { return []sim.Policy{surging(t, "hot")} },
	},
	"target tracking, and steps out": {tasks: 20 * time.Second,
		put: func(l *loop) { l.put(follow(perTask, "share")); l.surge("hot") },
		is: func(t *testing.T) []sim.Policy {
			return []sim.Policy{following(t, "share", sim.Metric{Quantity: sim.RequestCountPerTarget}), surging(t, "hot")}
		},
	},
	"two that track": {tasks: 130 * time.Second,
		put: func(l *loop) { l.put(follow(load, "follow")); l.put(follow(perTask, "share")) },
		is: func(t *testing.T) []sim.Policy {
			return []sim.Policy{following(t, "follow", given(0)), following(t, "share", sim.Metric{Quantity: sim.RequestCountPerTarget})}
		},
	},
}

// perTask is the requests of each task, which there are 3 of for each of the load.
var perTask = metric.NewID("Shop", "RequestsPerTask")

const requestsPerLoad = 3

// The times after a minute at which its datapoints are recorded.
const (
	loadAppears    = 2250 * time.Millisecond
	perTaskAppears = 3250 * time.Millisecond
)

func given(i int) sim.Metric { return sim.Metric{Quantity: sim.Given, Index: i} }

func follow(id metric.ID, name string) *applicationautoscaling.PutScalingPolicyInput {
	return tracking(name, types.TargetTrackingScalingPolicyConfiguration{
		ScaleInCooldown: aws.Int32(120), ScaleOutCooldown: aws.Int32(180),
		CustomizedMetricSpecification: &types.CustomizedMetricSpecification{
			Namespace: &id.Namespace, MetricName: &id.Name, Statistic: types.MetricStatisticAverage,
		},
	})
}

func following(t *testing.T, name string, m sim.Metric) sim.Policy {
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50, ScaleInCooldown: 2 * time.Minute, ScaleOutCooldown: 3 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	p := sim.Tracking(name, rule, m, sim.Pace{})
	for i, side := range []string{"High", "Low"} {
		p.Alarms[i].Name = alarmPrefix + web + "-Alarm" + side + "-" + name
	}
	return p
}

// surge puts a step policy that adds tasks.
func (l *loop) surge(alarm string) {
	l.t.Helper()
	step := *l.put(add2("surge")).PolicyARN
	if _, err := l.metrics.PutMetricAlarm(l.ctx, &sdk.PutMetricAlarmInput{
		AlarmName: aws.String(alarm), AlarmActions: []string{step}, Namespace: &load.Namespace, MetricName: &load.Name,
		Statistic: cwtypes.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(2),
		Threshold: aws.Float64(80), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	}); err != nil {
		l.t.Fatal(err)
	}
}

func surging(t *testing.T, name string) sim.Policy {
	rule, err := rules.Policy{Type: types.PolicyTypeStepScaling, Step: add2("surge").StepScalingPolicyConfiguration}.Compile(scaling.Services)
	if err != nil {
		t.Fatal(err)
	}
	return sim.Policy{Name: "surge", Rule: rule, Alarms: []sim.Alarm{{
		Name: name, Metric: given(0), Rule: alarm.Rule{Comparison: alarm.Greater, Threshold: 80, Periods: 2, Period: time.Minute},
	}}}
}

// A fleet is the tasks of the service: they take some time to start, and none to stop.
type fleet struct {
	*containers
	now     func() time.Time
	takes   time.Duration
	coming  []time.Time // when tasks that were asked for run
	seconds float64     // that tasks have run in the minute, up to counted
	counted time.Time
}

// bring brings the tasks to now.
func (f *fleet) bring() {
	now := f.now()
	f.change(web, func(s *ecstypes.Service) {
		for len(f.coming) > 0 && !f.coming[0].After(now) {
			f.count(s, f.coming[0])
			s.RunningCount++
			f.coming = f.coming[1:]
		}
		f.count(s, now)
		for int(s.RunningCount)+len(f.coming) < int(s.DesiredCount) {
			if f.takes == 0 {
				s.RunningCount++
				continue
			}
			f.coming = append(f.coming, now.Add(f.takes))
			time.AfterFunc(f.takes, f.bring)
		}
		surplus := int(s.RunningCount) + len(f.coming) - int(s.DesiredCount)
		young := max(0, min(surplus, len(f.coming)))
		f.coming = f.coming[:len(f.coming)-young]
		s.RunningCount -= int32(max(0, surplus-young))
	})
}

// ran is how long tasks have run since it was asked last, in seconds.
func (f *fleet) ran() (seconds float64) {
	f.bring()
	f.change(web, func(*ecstypes.Service) { seconds, f.seconds = f.seconds, 0 })
	return seconds
}

// count counts the time that tasks have run.
func (f *fleet) count(s *ecstypes.Service, until time.Time) {
	f.seconds += float64(s.RunningCount) * until.Sub(f.counted).Seconds()
	f.counted = until
}

// draw makes up a life of some hours.
func draw(r *rand.Rand, gaps bool) history {
	levels, fewest := []float64{20, 44, 47, 60, 90, 150, 0, -1}, int32(0)
	if !gaps {
		levels, fewest = levels[:6], 1
	}
	var h history
	level := 50.0
	for len(h) < 240 {
		if r.IntN(8) == 0 {
			level = levels[r.IntN(len(levels))]
		}
		m := minute{load: level, byHand: -1}
		switch r.IntN(40) {
		case 0:
			m.byHand = []int32{fewest, 1, 5, 30}[r.IntN(4)]
		case 1:
			m.bounds = [2]int32{fewest + r.Int32N(3), 4 + r.Int32N(20)}
			m.suspend = r.IntN(3) == 0
		case 2:
			m.action = r.IntN(30) + 1
		}
		h = append(h, m)
	}
	return h
}

// inServices lives a life in the services.
func (h history) inServices(t *testing.T, takes time.Duration, put func(*loop)) (activities []string) {
	inBareLoop(t, 10, func(l *loop) {
		f := &fleet{containers: l.ecs, now: l.now, takes: takes, counted: l.now()}
		l.ecs.instant, l.ecs.updated = false, f.bring
		l.register(0, 100)
		put(l)
		for _, m := range h {
			l.liveMinute(m, f)
		}
		time.Sleep(56 * time.Second) // into the minute that sim has, too
		activities = l.allActivities()
	})
	return activities
}

// allActivities are those of all pages.
func (l *loop) allActivities() (all []string) {
	synctest.Wait()
	in := &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), IncludeNotScaledActivities: aws.Bool(true),
	}
	for {
		out, err := l.DescribeScalingActivities(l.ctx, in)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, a := range out.ScalingActivities {
			all = append(all, plain(a))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			slices.Sort(all)
			return all
		}
	}
}

// liveMinute lives through a minute, and records its datapoints.
func (l *loop) liveMinute(m minute, f *fleet) {
	start := l.now().Truncate(time.Minute)
	l.byHand(m, start)
	f.bring()
	time.Sleep(start.Add(time.Minute).Sub(l.now()))
	tasks := f.ran() / 60
	time.Sleep(loadAppears)
	if m.load >= 0 {
		l.record(load, start, m.load)
	}
	time.Sleep(perTaskAppears - loadAppears)
	if m.load > 0 && tasks > 0 {
		l.record(perTask, start, m.load*requestsPerLoad/tasks)
	}
}

// byHand does what somebody does in a minute.
func (l *loop) byHand(m minute, start time.Time) {
	time.Sleep(start.Add(handAfter).Sub(l.now()))
	if m.byHand >= 0 {
		l.ecs.change(web, func(s *ecstypes.Service) { s.DesiredCount = m.byHand })
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
		if _, err := l.PutScheduledAction(l.ctx, m.scheduled(start)); err != nil {
			l.t.Fatal(err)
		}
	}
}

// handAfter is how long after a minute's start somebody does something in it.
const handAfter = 20250 * time.Millisecond

func (m minute) scheduled(start time.Time) *applicationautoscaling.PutScheduledActionInput {
	at := start.Add(time.Duration(m.action)*time.Minute + 45*time.Second)
	return scheduling("once", at.Format("at(2006-01-02T15:04:05)"), 2, 12)
}

// inSim lives the same life in sim.
func (h history) inSim(t *testing.T, takes time.Duration, policies []sim.Policy) (activities []string) {
	start := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	wide, _ := scaling.NewBounds(0, 100)
	last := map[string]scaling.Activity{}
	s := sim.Scenario{
		Start: start, Bounds: wide, Initial: 10, Policies: policies,
		Service:  sim.Service{Wait: time.Millisecond, Concurrency: 1000, Start: takes},
		Observer: sim.Observer{Activity: func(a scaling.Activity) { last[a.ID] = a }},
		Delays: func(a sim.Alarm) sim.Delays {
			if a.Metric.Quantity == sim.Given {
				return sim.Delays{Publication: loadAppears}
			}
			return sim.Delays{Publication: perTaskAppears}
		},
	}
	for i, m := range h {
		s.Changes = append(s.Changes, m.changes(t, start.Add(time.Duration(i)*time.Minute))...)
	}
	_, err := sim.Run(s, func(yield func(sim.Minute) bool) {
		for _, m := range append(h, minute{load: -1}) {
			value := m.load
			if value < 0 {
				value = math.NaN()
			}
			if !yield(sim.Minute{Requests: max(0, m.load) * requestsPerLoad, Given: []float64{value}}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range last {
		activities = append(activities, plain(describeActivity(record{web, a})))
	}
	slices.Sort(activities)
	return activities
}

// changes are what somebody does in a minute, as sim has them.
func (m minute) changes(t *testing.T, start time.Time) (all []sim.Change) {
	at := start.Add(handAfter)
	if m.byHand >= 0 {
		n := scaling.Capacity(m.byHand)
		all = append(all, sim.Change{At: at, Desired: &n})
	}
	if m.bounds[1] > 0 {
		b, err := scaling.NewBounds(m.bounds[0], m.bounds[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sim.Change{At: at, Bounds: &b, Suspended: &scaling.Suspended{In: m.suspend}})
	}
	if m.action > 0 {
		in := m.scheduled(start)
		c := &action{Name: *in.ScheduledActionName, Created: at, Done: at}
		var err error
		if c.Action, err = c.With(in); err == nil {
			err = c.compile(new(zones))
		}
		if err != nil {
			t.Fatal(err)
		}
		g := c.governed()
		all = append(all, sim.Change{At: at, Schedule: &g})
	}
	return all
}

// lives are few under the race detector of make test; more of them are others.
var lives = flag.Uint64("lives", 1, "random lives of each kind in TestTheSimulationDoesWhatTheServicesDo")

func TestTheSimulationDoesWhatTheServicesDo(t *testing.T) {
	for name, world := range simulated {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			total := 0
			for seed := range *lives {
				h := draw(rand.New(rand.NewPCG(seed, 12)), world.gaps)
				want := h.inServices(t, world.tasks, world.put)
				differ(t, name, seed, "in sim", want, h.inSim(t, world.tasks, world.is(t)))
				total += len(want)
			}
			if total < 10*int(*lives) {
				t.Errorf("%d activities in %d lives: they tell too little", total, *lives)
			}
			t.Logf("%d activities in %d lives", total, *lives)
		})
	}
}

// The metrics that a predictive policy on requests reads.
var (
	requests = metric.NewID("AWS/ApplicationELB", "RequestCount",
		metric.Dimension{Name: "LoadBalancer", Value: "app/lb/1"}, metric.Dimension{Name: "TargetGroup", Value: "targetgroup/tg/2"})
	perTarget = metric.NewID("AWS/ApplicationELB", "RequestCountPerTarget", requests.Dimensions...)
	cpu       = metric.NewID("AWS/ECS", "CPUUtilization",
		metric.Dimension{Name: "ClusterName", Value: "default"}, metric.Dimension{Name: "ServiceName", Value: "web"})
)

// dayOfRequests is the requests of a minute: most at noon.
func dayOfRequests(at time.Time) float64 {
	hours := at.Sub(at.Truncate(24 * time.Hour)).Hours()
	return math.Round(1500 - 1200*math.Cos(2*math.Pi*hours/24) + 40*float64(at.Minute()%7))
}

// A day and more of requests under target tracking and a forecast: both foretell the same
// hours of the second day, and act on them at the same times.
func TestTheSimulationForecastsAsTheServicesDo(t *testing.T) {
	const minutes, takes, target = 42 * 60, 40 * time.Second, 100
	label := aws.String("app/lb/1/targetgroup/tg/2")
	var want []string
	inBareLoop(t, 3, func(l *loop) {
		f := &fleet{containers: l.ecs, now: l.now, takes: takes, counted: l.now()}
		l.ecs.instant, l.ecs.updated = false, f.bring
		l.register(1, 60)
		l.put(predicting(predictiveConfig{MetricSpecifications: []types.PredictiveScalingMetricSpecification{{
			TargetValue:                       aws.Float64(target),
			PredefinedMetricPairSpecification: &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ALBRequestCount"), ResourceLabel: label},
		}}}))
		l.put(tracking("requests", types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(target), PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeALBRequestCountPerTarget, ResourceLabel: label},
		}))
		for range minutes {
			l.answer(f)
		}
		time.Sleep(56 * time.Second)
		want = l.allActivities()
	})
	differ(t, "forecasts", 0, "in sim", want, foretold(t, minutes, takes, target))
	if all := strings.Join(want, "\n"); strings.Count(all, "predictive scaling policy daily forecast") < 3 {
		t.Errorf("the forecast did not act:\n%s", all)
	}
}

// answer lives through a minute of dayOfRequests, and records its datapoints.
func (l *loop) answer(f *fleet) {
	start := l.now().Truncate(time.Minute)
	time.Sleep(start.Add(time.Minute).Sub(l.now()))
	f.bring()
	tasks, v := f.ran()/60, dayOfRequests(start)
	time.Sleep(loadAppears)
	sample := func(id metric.ID, s metric.Set) metric.Sample { return metric.Sample{Metric: id, Time: start, Set: s} }
	of := func(v float64) metric.Set { return metric.Set{Count: 1, Sum: v, Min: v, Max: v} }
	l.metrics.Record([]metric.Sample{
		sample(requests, of(v)), sample(perTarget, of(v/tasks)),
		{Metric: cpu, Time: start, Unit: "Percent", Set: metric.Set{Count: tasks, Sum: tasks, Min: 1, Max: 1}},
	})
	synctest.Wait()
}

// foretold is the same in sim.
func foretold(t *testing.T, minutes int, takes time.Duration, target float64) (activities []string) {
	start := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: target, ScaleInCooldown: 5 * time.Minute, ScaleOutCooldown: 5 * time.Minute, OfTasks: true})
	if err != nil {
		t.Fatal(err)
	}
	tracks := sim.Tracking("requests", rule, sim.Metric{Quantity: sim.RequestCountPerTarget}, sim.Pace{})
	for i, side := range []string{"High", "Low"} {
		tracks.Alarms[i].Name = alarmPrefix + web + "-Alarm" + side + "-requests"
	}
	bounds, _ := scaling.NewBounds(1, 60)
	last := map[string]scaling.Activity{}
	_, err = sim.Run(sim.Scenario{
		Start: start, Bounds: bounds, Initial: 3,
		Service: sim.Service{Wait: time.Millisecond, Concurrency: 1000, Start: takes},
		Policies: []sim.Policy{{Name: "daily", Predictive: &sim.Predictive{
			Load: sim.RequestCount, Metric: sim.RequestCountPerTarget, Target: target, Scales: true, Buffer: 5 * time.Minute, Publication: loadAppears,
		}}, tracks},
		Observer: sim.Observer{Activity: func(a scaling.Activity) { last[a.ID] = a }},
		Delays:   func(sim.Alarm) sim.Delays { return sim.Delays{Publication: loadAppears} },
	}, func(yield func(sim.Minute) bool) {
		for i := range minutes + 1 {
			if !yield(sim.Minute{Requests: dayOfRequests(start.Add(time.Duration(i) * time.Minute))}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range last {
		activities = append(activities, plain(describeActivity(record{web, a})))
	}
	slices.Sort(activities)
	return activities
}
