package governor_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/alarm"
	"flyball/governor"
	"flyball/metric"
	"flyball/scaling"
	"flyball/schedule"
)

var start = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

// ids makes identifiers that count.
func ids() func() string {
	n := 0
	return func() string { n++; return fmt.Sprint(n) }
}

func bounds(t interface{ Fatal(...any) }, min, max int32) scaling.Bounds {
	b, err := scaling.NewBounds(min, max)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tracking is a governor for 1 to 20 tasks with a policy that aims at 50.
func tracking(t interface{ Fatal(...any) }) governor.Governor {
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: 50, ScaleOutCooldown: time.Minute, ScaleInCooldown: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return governor.Governor{Bounds: bounds(t, 1, 20), Policies: []governor.Policy{{Name: "cpu", Rule: rule, Alarms: []string{"high", "low"}}}}
}

// called is what is seen when the high alarm calls at a value.
func called(now time.Time, desired scaling.Capacity, value float64) governor.Seen {
	high := scaling.Alarm{Name: "high", State: alarm.Alarm, Since: start, Comparison: alarm.Greater, Threshold: 50, Period: time.Minute, Needed: 3, Of: 3}
	for i := range 3 {
		high.Datapoints = append(high.Datapoints, metric.Datapoint{Time: now.Truncate(time.Minute).Add(time.Duration(i-3) * time.Minute), Value: value})
	}
	low := scaling.Alarm{Name: "low", State: alarm.OK, Comparison: alarm.Less, Threshold: 45, Period: time.Minute, Needed: 15, Of: 15}
	return governor.Seen{
		Capacity: governor.Capacity{Desired: desired, Running: desired}, NewID: ids(),
		Alarms: map[string][]scaling.Alarm{"cpu": {high, low}}, Call: &governor.Call{Policy: "cpu", Alarm: "high"},
	}
}

func seen(desired, running scaling.Capacity) governor.Seen {
	return governor.Seen{Capacity: governor.Capacity{Desired: desired, Running: running}, NewID: ids()}
}

func TestTheNextStateIsKnownBeforeTheCapacityIsSet(t *testing.T) {
	g, out := tracking(t).Step(start, called(start, 10, 70))
	if out.Set == nil || out.Set.To != 14 {
		t.Fatalf("asks for %+v", out.Set)
	}
	if g.Activity == nil || g.Activity.Status != scaling.Pending || len(out.Records) != 1 || out.Records[0].ID != g.Activity.ID {
		t.Errorf("the activity is %+v, recorded are %+v", g.Activity, out.Records)
	}
	if c := g.Policies[0].Cooldown; c.Direction != scaling.Out || c.Base != 10 {
		t.Errorf("the cooldown is %+v", c)
	}
	g, out = g.Done(start, nil)
	if g.Activity.Status != scaling.InProgress || len(out.Records) != 1 {
		t.Errorf("after it was set: %+v", g.Activity)
	}
	g, out = g.Step(start.Add(time.Minute), seen(14, 14))
	if g.Activity != nil || out.Records[0].Status != scaling.Successful {
		t.Errorf("after the tasks run: %+v", out.Records)
	}
	if until := g.Policies[0].Cooldown.Until; !until.Equal(start.Add(2 * time.Minute)) {
		t.Errorf("the cooldown ends at %v", until)
	}
}

func TestTwoRevisionsSideBySideAreNotTooManyTasks(t *testing.T) {
	g, _ := tracking(t).Step(start, called(start, 10, 70))
	g, _ = g.Done(start, nil)
	deploying := seen(14, 24)
	deploying.Capacity.Deploying, deploying.Capacity.New = true, 10
	if g, _ = g.Step(start.Add(time.Minute), deploying); g.Activity == nil {
		t.Fatal("the activity is over before the new revision has its tasks")
	}
	deploying.Capacity.Running, deploying.Capacity.New = 28, 14
	if g, out := g.Step(start.Add(2*time.Minute), deploying); g.Activity != nil || out.Records[0].Status != scaling.Successful {
		t.Errorf("recorded: %+v", out.Records)
	}
}

func TestACapacityThatCannotBeSetChangesNothingButTheRecord(t *testing.T) {
	before := tracking(t)
	g, _ := before.Step(start, called(start, 10, 70))
	g, out := g.Done(start, errors.New("no such service"))
	if !reflect.DeepEqual(g, before) {
		t.Errorf("the governor is %+v, was %+v", g, before)
	}
	if len(out.Records) != 1 || out.Records[0].Status != scaling.Failed {
		t.Errorf("recorded: %+v", out.Records)
	}
}

func TestAKillBetweenStateAndEffectIsSeenByTheNextStep(t *testing.T) {
	pending, _ := tracking(t).Step(start, called(start, 10, 70))
	set, out := pending.Step(start.Add(time.Second), seen(14, 10))
	if set.Activity == nil || set.Activity.Status != scaling.InProgress || len(out.Records) != 1 {
		t.Errorf("the capacity was set: %+v", out.Records)
	}
	not, out := pending.Step(start.Add(time.Second), seen(10, 10))
	if not.Activity != nil || len(out.Records) != 1 || out.Records[0].Status != scaling.Failed || not.Policies[0].Cooldown != (scaling.Cooldown{}) {
		t.Errorf("the capacity was not set: %+v, cooldown %+v", out.Records, not.Policies[0].Cooldown)
	}
}

// at is a schedule that runs once.
func at(t *testing.T, name string, moment time.Time, min, max int32) governor.Schedule {
	times, err := schedule.Parse(moment.Format("at(2006-01-02T15:04:05)"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return governor.Schedule{Name: name, Times: times, Change: scaling.BoundsChange{Min: &min, Max: &max}, Created: start, Done: start, Next: moment}
}

func TestSchedulesRunOneAtATimeAndTheCapacityFollows(t *testing.T) {
	g := governor.Governor{Bounds: bounds(t, 1, 20), Schedules: []governor.Schedule{
		at(t, "day", start.Add(time.Minute), 12, 30), at(t, "night", start.Add(2*time.Minute), 1, 4),
	}}
	now := start.Add(time.Hour) // both have been missed
	desired := scaling.Capacity(10)
	var did []string
	for next := g.Next(now); !next.IsZero() && !next.After(now); next = g.Next(now) {
		var out governor.Outcome
		g, out = g.Step(now, seen(desired, desired))
		if out.Set != nil {
			desired = out.Set.To
			g, _ = g.Done(now, nil)
		}
		for _, a := range out.Records {
			did = append(did, a.Description)
		}
	}
	want := []string{
		"Setting min capacity to 12 and max capacity to 30", "Setting desired count to 12.",
		"Setting desired count to 12.", "Setting min capacity to 1 and max capacity to 4", "Setting desired count to 4.",
	}
	if !reflect.DeepEqual(did, want) || desired != 4 {
		t.Errorf("did %q, which leaves %d", did, desired)
	}
}

func TestARunThatAKillCutsShortIsSeenToAfterIt(t *testing.T) {
	g := governor.Governor{Bounds: bounds(t, 1, 20), Schedules: []governor.Schedule{at(t, "day", start.Add(time.Minute), 12, 30)}}
	now := start.Add(time.Minute)
	g, out := g.Step(now, seen(10, 10))
	if out.Set == nil {
		t.Fatal("nothing is set")
	}
	if next := g.Next(now); !next.Equal(now) { // as a host that starts again asks
		t.Errorf("the next step is at %v", next)
	}
	g, out = g.Step(now.Add(time.Second), seen(10, 10))
	if out.Set == nil || out.Set.To != 12 || len(out.Records) != 2 || out.Records[0].Status != scaling.Failed {
		t.Errorf("after the kill: %+v", out)
	}
	g, _ = g.Done(now.Add(time.Second), nil)
	if g.Outside || !g.Next(now).IsZero() {
		t.Errorf("it is not over: %+v", g.State)
	}
}

func TestAForecastIsAFloorAndRaisesTheCapacityAheadOfItsHour(t *testing.T) {
	hour := start.Add(time.Hour)
	g := governor.Governor{Bounds: bounds(t, 1, 20), Policies: []governor.Policy{{Name: "daily", Predictive: &governor.Predictive{
		Scales: true, Buffer: 5 * time.Minute, Plan: scaling.Plan{Start: start, Steps: []scaling.Capacity{2, 8}}, Acted: start,
	}}}}
	if next := g.Next(start); !next.Equal(hour.Add(-5 * time.Minute)) {
		t.Errorf("acts at %v", next)
	}
	now := hour.Add(-5 * time.Minute)
	g, out := g.Step(now, seen(2, 2))
	if out.Set == nil || out.Set.To != 8 || g.Floor(now).Capacity != 8 {
		t.Errorf("asks for %+v over %+v", out.Set, g.Floor(now))
	}
	if recorded := out.Records[0]; recorded.From != 2 || recorded.To != 8 {
		t.Errorf("the activity is from %d to %d", recorded.From, recorded.To)
	}
}

func TestWithoutATaskDemandIsLookedForEachMinute(t *testing.T) {
	g := tracking(t).Retarget(bounds(t, 0, 20), scaling.Suspended{})
	g, _ = g.Step(start, seen(0, 0))
	if next := g.Next(start); !next.After(start) || next.After(start.Add(time.Minute)) {
		t.Errorf("looks at %v", next)
	}
	if !governor.Needs(governor.Capacity{}, nil, g.Tracks()) || governor.Needs(governor.Capacity{Desired: 1}, nil, g.Tracks()) {
		t.Error("alarms are needed without a task, and only then")
	}
	now := start.Add(90 * time.Second)
	demand := called(now, 0, 3)
	demand.Call = nil
	demand.Alarms["cpu"][0].State = alarm.OK // a queue may wait below the target
	if _, out := g.Step(now, demand); out.Set == nil || out.Set.To != 1 {
		t.Errorf("asks for %+v: %v", out.Set, out.Decision)
	}
}

func TestDemandIsLookedForAsOftenAsTheMetricTellsOfIt(t *testing.T) {
	g := tracking(t).Retarget(bounds(t, 0, 20), scaling.Suspended{})
	g, _ = g.Step(start, seen(0, 0))
	for period, want := range map[time.Duration]time.Duration{
		0:                30 * time.Second,
		time.Minute:      30 * time.Second,
		20 * time.Second: 10 * time.Second,
		time.Second:      time.Second / 2,
	} {
		g.Policies[0].Period = period
		first := g.Next(start)
		if again := g.Next(first).Sub(first); first.Sub(start) != want || again != 2*want {
			t.Errorf("with a datapoint each %v it is looked for %v after the minute, and %v after that", period, first.Sub(start), again)
		}
	}
}

func TestHeldAnswersAreRecordedOnceForEachAlarm(t *testing.T) {
	g, recorded := tracking(t), 0
	g.Bounds = bounds(t, 1, 10)
	for minute := range 5 {
		now := start.Add(time.Duration(minute) * time.Minute)
		var out governor.Outcome
		g, out = g.Step(now, called(now, 10, 90))
		recorded += len(out.Records)
	}
	if recorded != 1 {
		t.Errorf("%d records of five calls", recorded)
	}
	again := called(start.Add(time.Hour), 10, 90)
	again.Call.Since = start.Add(time.Hour) // the alarm was over, and came back
	if _, out := g.Step(start.Add(time.Hour), again); len(out.Records) != 1 {
		t.Errorf("%d records when the alarm came back", len(out.Records))
	}
}

// Whatever is seen in whatever order: the capacity that is asked for is inside the
// bounds, at most one activity is under way, and each that began ends.
func TestAnyOrderOfStepsKeepsToTheRules(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		g, newID := tracking(r), ids()
		now, desired, running := start, scaling.Capacity(10), scaling.Capacity(10)
		open := map[string]bool{}
		note := func(records []scaling.Activity) {
			for _, a := range records {
				delete(open, a.ID)
				if !a.Status.Ended() {
					open[a.ID] = true
				}
			}
		}
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(r, "seconds")) * time.Second)
			s := seen(desired, running)
			switch rapid.IntRange(0, 4).Draw(r, "what") {
			case 0, 1:
				s = called(now, desired, rapid.Float64Range(51, 200).Draw(r, "value"))
				s.Capacity.Running = running
			case 2:
				running = desired
				s.Capacity.Running = running
			case 3:
				desired = scaling.Capacity(rapid.IntRange(0, 30).Draw(r, "by hand"))
				s.Capacity.Desired = desired
			}
			s.NewID = newID
			before, out := g, governor.Outcome{}
			explained := g.Explain(now, s) // changes nothing
			g, out = g.Step(now, s)
			if !reflect.DeepEqual(explained, before.Explain(now, s)) {
				r.Fatal("a step changes the governor that made it")
			}
			note(out.Records)
			if out.Set == nil {
				continue
			}
			if out.Set.To < 1 || out.Set.To > 20 {
				r.Fatalf("asks for %d", out.Set.To)
			}
			var err error
			if rapid.Bool().Draw(r, "fails") {
				err = errors.New("not now")
			} else {
				desired = out.Set.To
			}
			g, out = g.Done(now, err)
			note(out.Records)
			if len(open) > 1 {
				r.Fatalf("under way at once: %v", open)
			}
		}
		note(g.Leave(now, errors.New("over")))
		if len(open) > 0 {
			r.Fatalf("never ends: %v", open)
		}
	})
}

// A predictive policy says what it forecasts while others decide, and in an explanation.
func TestPredictivePoliciesAreToldOfBesideOthers(t *testing.T) {
	g := tracking(t)
	g.Policies = append(g.Policies, governor.Policy{Name: "ahead", Predictive: &governor.Predictive{Lacks: "too little was measured"}})
	start := time.Date(2026, 3, 2, 17, 0, 30, 0, time.UTC)
	_, out := g.Step(start, called(start, 2, 100))
	if len(out.Records) == 0 || len(out.Records[0].Others) != 1 || out.Records[0].Others[0].String() != "asks for nothing: has no forecast: too little was measured" {
		t.Errorf("the activity is %+v", out.Records)
	}
	e := g.Explain(start, called(start, 2, 100))
	if said := e.Decision.Proposals; len(said) != 2 || said[1].Policy != "ahead" || !strings.Contains(e.String(), "says       policy ahead asks for nothing: has no forecast") {
		t.Errorf("the explanation is\n%s", e)
	}
}

func TestATargetOfForecastsAloneNeedsThem(t *testing.T) {
	p := &governor.Predictive{Scales: true, Buffer: 5 * time.Minute, Plan: scaling.Plan{Start: start, Steps: []scaling.Capacity{2, 8}}, Acted: start}
	g := governor.Governor{Bounds: bounds(t, 1, 20), Policies: []governor.Policy{{Name: "daily", Predictive: p}}}
	needs := func(desired scaling.Capacity) []string {
		return g.Explain(start, seen(desired, desired)).ScaleOut.Needs
	}
	for _, c := range []struct {
		needs []string
		want  string
	}{
		{needs(2), "when policy daily sets the 8 that it forecasts"},
		{needs(9), "policy daily to forecast more than 9: it forecasts 8"},
		{g.Explain(start, seen(9, 9)).ScaleIn.Needs, "a target tracking or step scaling policy, since predictive policies remove nothing"},
	} {
		if len(c.needs) != 1 || !strings.Contains(c.needs[0], c.want) {
			t.Errorf("needs %q; want %q", c.needs, c.want)
		}
	}
	p.Scales = false
	if all := needs(2); len(all) != 1 || !strings.Contains(all[0], "it only makes them") {
		t.Errorf("a policy that only forecasts needs %q", all)
	}
	p.Plan, p.Lacks = scaling.Plan{}, governor.ShortHistory{Hours: 23, Enough: start.Add(time.Hour)}.Error()
	if all := needs(2); len(all) != 1 || !strings.Contains(all[0], "23 hours of data, and a minimum of 24 hours is required: there is enough at ") {
		t.Errorf("a policy without a forecast needs %q", all)
	}
}
