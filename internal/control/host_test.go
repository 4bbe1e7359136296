package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/governor"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

var start = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

// A world has services whose load is divided among their tasks, and a controller.
type world struct {
	t        *testing.T
	now      time.Time
	services map[scaling.ResourceID]*service
	reads    int // calls of the source
	sick     error
	policies string
	cfg      control.Config
	host     *control.Host
	records  []control.Record
}

// A service is what runs, and what its metric was in each minute.
type service struct {
	desired, running scaling.Capacity
	load             float64 // of all tasks together
	past             map[int64]float64
	silent           bool  // it has no metric
	sick             error // it cannot be looked at, nor set
	sets             []scaling.Capacity
	before           func() // is called before it is set
}

func newWorld(t *testing.T, policies string) *world {
	w := &world{t: t, now: start, policies: policies, services: map[scaling.ResourceID]*service{}}
	w.cfg = control.Config{Capacity: w, State: control.Forgetful{}, Tell: func(r control.Record) { w.records = append(w.records, r) }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	return w
}

// serve adds a service.
func (w *world) serve(id scaling.ResourceID, tasks scaling.Capacity, load float64) *service {
	s := &service{desired: tasks, running: tasks, load: load, past: map[int64]float64{}}
	w.services[id] = s
	return s
}

// begin begins with a new controller.
func (w *world) begin() *world {
	w.t.Helper()
	w.host = control.New(w.cfg)
	w.put(w.policies)
	return w
}

// put has the controller govern by other policies.
func (w *world) put(policies string) {
	w.t.Helper()
	d, err := policydoc.Read(strings.NewReader(policies))
	if err != nil {
		w.t.Fatal(err)
	}
	targets, problems := control.Compile(d, w)
	for _, p := range problems {
		w.t.Fatal(p)
	}
	for _, one := range targets {
		w.host.Put(one)
	}
}

func (w *world) Of(source.Query) (source.Source, error) { return w, nil }

func (w *world) Read(_ context.Context, queries []source.Query) []source.Answer {
	w.reads++
	answers := make([]source.Answer, len(queries))
	for i, q := range queries {
		if w.sick != nil {
			answers[i].Err = w.sick
			continue
		}
		s := w.services[scaling.ServiceID(q.Metric.Dimensions[0].Value, q.Metric.Dimensions[1].Value)]
		for p := range q.Periods {
			v, ok := math.NaN(), false
			if s != nil {
				v, ok = s.past[q.Start().Add(time.Duration(p)*q.Period).Unix()]
			}
			if !ok {
				v = math.NaN()
			}
			answers[i].Values = append(answers[i].Values, v)
		}
	}
	return answers
}

func (w *world) Look(_ context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen := make([]governor.Capacity, len(ids))
	for i, id := range ids {
		s := w.services[id]
		if s == nil {
			seen[i].Gone = true
			continue
		}
		if s.sick != nil {
			return nil, s.sick
		}
		seen[i] = governor.Capacity{Desired: s.desired, Running: s.running}
	}
	return seen, nil
}

func (w *world) Set(_ context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	s := w.services[id]
	if s.before != nil {
		s.before()
	}
	if s.sick != nil {
		return s.sick
	}
	s.desired = to
	s.sets = append(s.sets, to)
	return nil
}

// run lets time pass: tasks start and end within a second, and each minute is measured.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for until := w.now.Add(d); w.now.Before(until); w.now = w.now.Add(time.Second) {
		for _, s := range w.services {
			s.running = s.desired
			if w.now.Truncate(time.Minute).Equal(w.now) && !s.silent && s.running > 0 {
				s.past[w.now.Add(-time.Minute).Unix()] = s.load / float64(s.running)
			}
		}
		w.host.Round(w.t.Context(), w.now)
	}
}

// events are the kinds of records of a target, in order.
func (w *world) events(kinds ...control.Event) (n int) {
	for _, r := range w.records {
		for _, k := range kinds {
			if r.Event == k {
				n++
			}
		}
	}
	return n
}

func (w *world) log() string {
	var b strings.Builder
	for _, r := range w.records {
		fmt.Fprintf(&b, "%s %s %s", r.At.Format(time.TimeOnly), r.Event, r.Reason)
		if a := r.Activity; a != nil {
			fmt.Fprintf(&b, " %s %s %s %v", a.Description, a.Status, a.Cause, a.NotScaled)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (w *world) wants(s *service, sets ...scaling.Capacity) {
	w.t.Helper()
	if fmt.Sprint(s.sets) != fmt.Sprint(sets) {
		w.t.Fatalf("set to %v, and should be to %v:\n%s", s.sets, sets, w.log())
	}
}

const tracking = `
service: shop/web
min: 2
max: 20
policies:
  cpu: {target: 50, scaleInCooldown: 0, scaleOutCooldown: 0}
`

func TestTargetTrackingScalesOutAndIn(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 200)
	w.begin().run(5 * time.Minute)
	w.wants(web, 4)
	web.load = 20
	w.run(30 * time.Minute)
	w.wants(web, 4, 2)
}

func TestAMetricThatStopsTakesNothingAway(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 10, 50) // at 5 % of CPU
	w.begin().run(14 * time.Minute)
	web.silent = true // one datapoint before the alarm has all of its fifteen
	w.run(time.Hour)
	w.wants(web)
	web.silent = false
	w.run(20 * time.Minute)
	if len(web.sets) == 0 {
		t.Errorf("nothing is taken away after the metric has come back:\n%s", w.log())
	}
}

func TestAnAlarmOnMissingDataTakesNothingAway(t *testing.T) {
	w := newWorld(t, `
ScalableTargets: [{ServiceNamespace: ecs, ResourceId: service/shop/web, MinCapacity: 1, MaxCapacity: 20}]
ScalingPolicies:
- {PolicyName: fewer, PolicyARN: fewer, PolicyType: StepScaling, ServiceNamespace: ecs, ResourceId: service/shop/web,
   StepScalingPolicyConfiguration: {AdjustmentType: ChangeInCapacity, Cooldown: 60, StepAdjustments: [{MetricIntervalUpperBound: 0, ScalingAdjustment: -1}]}}
MetricAlarms:
- {AlarmName: idle, AlarmActions: [fewer], Namespace: AWS/ECS, MetricName: CPUUtilization, Statistic: Average, Period: 60, EvaluationPeriods: 2,
   Dimensions: [{Name: ClusterName, Value: shop}, {Name: ServiceName, Value: web}],
   ComparisonOperator: LessThanThreshold, Threshold: 20, TreatMissingData: breaching}
`)
	web := w.serve("service/shop/web", 10, 300)
	w.begin().run(10 * time.Minute)
	web.silent = true
	w.run(30 * time.Minute)
	w.wants(web)
}

func TestWhatCannotBeReadIsToldOnceAndChangesNothing(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 4, 100)
	w.begin().run(5 * time.Minute)
	w.sick = errors.New("no route to CloudWatch")
	reads := w.reads
	w.run(30 * time.Minute)
	w.wants(web)
	if blind := w.events(control.Blind); blind != 1 {
		t.Errorf("told %d times, and should be once:\n%s", blind, w.log())
	}
	if n := w.reads - reads; n > 15 {
		t.Errorf("the source was asked %d times in half an hour of failures: it should be left alone between", n)
	}
	w.sick, web.load = nil, 400
	w.run(10 * time.Minute)
	if w.events(control.Sighted) != 1 || len(web.sets) == 0 {
		t.Errorf("it goes on when the metric can be read again:\n%s", w.log())
	}
}

func TestAResourceThatIsNotThereIsTold(t *testing.T) {
	w := newWorld(t, tracking).begin()
	w.run(5 * time.Minute)
	if w.events(control.Missing) != 1 {
		t.Errorf("it is told once:\n%s", w.log())
	}
	web := w.serve("service/shop/web", 2, 200)
	w.run(6 * time.Minute)
	if w.events(control.Found) != 1 {
		t.Errorf("that it is found is told:\n%s", w.log())
	}
	w.wants(web, 4)
}

func TestOneThatCannotBeLookedAtKeepsNoOtherFromScaling(t *testing.T) {
	w := newWorld(t, tracking+"---"+strings.ReplaceAll(tracking, "web", "api"))
	w.serve("service/shop/web", 2, 200).sick = errors.New("not authorized to perform ecs:DescribeServices")
	api := w.serve("service/shop/api", 2, 200)
	w.begin().run(5 * time.Minute)
	w.wants(api, 4)
	if w.events(control.Unseen) != 1 {
		t.Errorf("it is told once:\n%s", w.log())
	}
}

func TestPausesHoldEverything(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 200)
	paused := "the file pause is there"
	w.cfg.Paused = func() string { return paused }
	w.begin().run(10 * time.Minute)
	w.wants(web)
	paused = ""
	w.run(2 * time.Minute)
	w.wants(web, 4)
	if w.events(control.Paused) != 1 || w.events(control.Resumed) != 1 {
		t.Errorf("begin and end of a pause are told:\n%s", w.log())
	}
}

func TestADryRunSetsNothingAndSeesWhatWouldBe(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 200) // its autoscaler does nothing
	w.cfg.DryRun = true
	w.begin().run(30 * time.Minute)
	w.wants(web)
	var shadows []scaling.Capacity
	for _, r := range w.records {
		if r.Event == control.Compared {
			shadows = append(shadows, *r.Shadow)
		}
	}
	if fmt.Sprint(shadows) != "[2 4]" {
		t.Errorf("the shadow goes %v, and should from 2 to 4: there it is at its target\n%s", shadows, w.log())
	}
	web.load = 20 // of two tasks 10 %, and of four 5 %
	w.run(time.Hour)
	if r := w.records[len(w.records)-1]; r.Shadow == nil || *r.Shadow != 2 {
		t.Errorf("it comes back to 2:\n%s", w.log())
	}
}

func TestLimitsBoundTheChangeOfAMinute(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 700)
	w.begin()
	d, err := policydoc.Read(strings.NewReader(tracking))
	if err != nil {
		t.Fatal(err)
	}
	targets, _ := control.Compile(d, w)
	targets[0].Limits = scaling.Limits{Out: scaling.Limit{Count: 3}}
	w.host.Put(targets[0])
	w.run(9 * time.Minute)
	for i := 1; i < len(web.sets); i++ {
		if web.sets[i] > web.sets[i-1]+3 {
			t.Errorf("set to %v: more than 3 a minute", web.sets)
		}
	}
	if web.desired != 14 {
		t.Errorf("%v; it should come to 14:\n%s", web.sets, w.log())
	}
}

// killed is a controller's end between two of its steps.
var errKilled = errors.New("killed")

func TestAKillBetweenDecisionAndActScalesNothingTwice(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after the act %v", after), func(t *testing.T) {
			w := newWorld(t, tracking)
			web := w.serve("service/shop/web", 2, 200)
			dir := filepath.Join(t.TempDir(), "data")
			folder := &control.Folder{Path: dir}
			_, resign, err := folder.Elect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.cfg.State = folder
			ctx, kill := context.WithCancelCause(t.Context())
			web.before = func() {
				if after {
					web.desired, web.sets = 4, append(web.sets, 4) // the call has come through
				}
				kill(errKilled)
				web.sick = errKilled
			}
			w.begin()
			for ctx.Err() == nil {
				web.running = web.desired
				if w.now.Truncate(time.Minute).Equal(w.now) {
					web.past[w.now.Add(-time.Minute).Unix()] = web.load / float64(web.running)
				}
				w.host.Round(ctx, w.now)
				w.now = w.now.Add(time.Second)
			}
			resign()
			web.before, web.sick = nil, nil

			next := &control.Folder{Path: dir}
			if _, resign, err = next.Elect(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer resign()
			w.cfg.State = next
			w.begin().run(20 * time.Minute)
			w.wants(web, 4)
		})
	}
}

func TestCooldownsSurviveARestart(t *testing.T) {
	w := newWorld(t, strings.ReplaceAll(tracking, "scaleInCooldown: 0", "scaleInCooldown: 3600"))
	web := w.serve("service/shop/web", 10, 50)
	folder := &control.Folder{Path: t.TempDir()}
	_, resign, err := folder.Elect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.State = folder
	w.begin().run(17 * time.Minute)
	before := len(web.sets)
	if before != 1 {
		t.Fatalf("set to %v, and should be once:\n%s", web.sets, w.log())
	}
	resign()
	if _, resign, err = folder.Elect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer resign()
	w.begin().run(40 * time.Minute)
	if len(web.sets) != before {
		t.Errorf("set to %v: the cooldown was forgotten", web.sets)
	}
	w.run(30 * time.Minute)
	if len(web.sets) == before {
		t.Errorf("set to %v: the cooldown has ended", web.sets)
	}
}

func TestOfTwoControllersOfAFolderOneActs(t *testing.T) {
	dir := t.TempDir()
	first := &control.Folder{Path: dir}
	_, resign, err := first.Elect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waits := make(chan struct{})
	second := &control.Folder{Path: dir, Waiting: func() { close(waits) }}
	elected := make(chan func())
	go func() {
		_, resign, err := second.Elect(t.Context())
		if err != nil {
			t.Error(err)
		}
		elected <- resign
	}()
	<-waits
	select {
	case <-elected:
		t.Fatal("both are elected")
	default:
	}
	resign()
	(<-elected)()
}

func TestATargetThatIsRemovedIsLeftAlone(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 90)
	w.begin().run(5 * time.Minute)
	w.host.Remove("service/shop/web")
	web.load = 1000
	w.run(10 * time.Minute)
	w.wants(web)
	if w.events(control.Left) != 1 {
		t.Errorf("that it is left is told:\n%s", w.log())
	}
}

func TestOtherBoundsHoldAtOnce(t *testing.T) {
	w := newWorld(t, tracking)
	web := w.serve("service/shop/web", 2, 90)
	w.begin().run(5 * time.Minute)
	w.put(strings.ReplaceAll(tracking, "min: 2", "min: 5"))
	w.run(2 * time.Second)
	w.wants(web, 5)
}

func TestWhatADryRunHasDecidedWasNeverDone(t *testing.T) {
	w := newWorld(t, strings.ReplaceAll(tracking, "min: 2", "min: 5"))
	web := w.serve("service/shop/web", 2, 50)
	folder := &control.Folder{Path: t.TempDir()}
	_, resign, err := folder.Elect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer resign()
	for _, kind := range []bool{true, false} { // kept apart, and in one place
		folder.DryRun, w.cfg.State, w.cfg.DryRun = kind, folder, true
		w.begin().run(time.Minute)
		w.wants(web)
	}
	folder.DryRun, w.cfg.DryRun = false, false
	w.begin().run(time.Minute)
	w.wants(web, 5)
}
