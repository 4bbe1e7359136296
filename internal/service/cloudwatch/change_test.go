package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"pgregory.net/rapid"

	"flyball/alarm"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/event"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/tsdb"
	"flyball/metric"
)

var errLater = errors.New("what came later in the change failed")

// fatal is what fails a test or a run of a property.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// openOn opens a service that is not running on what a store has.
func openOn(t fatal, st store.Store) *API {
	t.Helper()
	clk := clock.New(time.Date(2026, 11, 21, 16, 55, 30, 0, time.UTC), 0.001)
	db, err := tsdb.Open(st, clk)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Metrics: db, Cell: &cell.Cell{
		Account: "123456789012", Region: "us-east-1", Clock: clk, State: state.New(st), Events: &event.Stream{}, Log: slog.New(slog.DiscardHandler),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnEvaluationThatBeganBeforeAStateWasSetDecidesNothing(t *testing.T) {
	a := openOn(t, memoryStore(t))
	put := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put(a.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("child"), Namespace: aws.String("test"), MetricName: aws.String("cpu"), Statistic: types.StatisticAverage,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("breaching"),
	}))
	put(a.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("parent"), AlarmRule: aws.String("ALARM(child)")}))
	for _, name := range []string{"child", "parent"} {
		put(a.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: types.StateValueOk, StateReason: aws.String("test")}))
	}
	child, parent := a.registry.get("child"), a.registry.get("parent")
	set := child.updated
	a.evaluate(t.Context(), []*entry{child}, set.Time().Add(-time.Second))
	if child.State != alarm.OK || child.updated != set {
		t.Errorf("the alarm is in %v since %v, and was put into OK at %v", child.State, child.updated.Time(), set.Time())
	}
	// One that began after that, but before the composite alarm was set.
	parent.updated = alarm.At(set.Time().Add(time.Minute))
	a.evaluate(t.Context(), []*entry{child}, set.Time().Add(time.Second))
	if child.State != alarm.Alarm || parent.State != alarm.Alarm || parent.updated < alarm.At(set.Time().Add(time.Minute)) {
		t.Errorf("the alarms are in %v and %v, the composite one since %v", child.State, parent.State, parent.updated.Time())
	}
}

func TestTheTimesOfAnAlarmsStatesAreInTheOrderOfTheStates(t *testing.T) {
	a := openOn(t, memoryStore(t))
	a.alarms.cell.Clock = clock.New(a.alarms.now(), 10_000)
	if _, err := a.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("one"), Namespace: aws.String("test"), MetricName: aws.String("cpu"), Statistic: types.StatisticAverage,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	}); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for _, to := range []types.StateValue{types.StateValueOk, types.StateValueAlarm} {
		callers.Go(func() {
			for range 300 {
				if _, err := a.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("one"), StateValue: to, StateReason: aws.String("test")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { callers.Wait(); close(done) }()
	for last := (time.Time{}); ; {
		out, err := a.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
		if err != nil {
			t.Fatal(err)
		}
		now := *out.MetricAlarms[0].StateUpdatedTimestamp
		if now.Before(last) {
			t.Fatalf("after a state of %v comes one of %v", last, now)
		}
		last = now
		select {
		case <-done:
			return
		default:
		}
	}
}

func memoryStore(t fatal) store.Store {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// picture is all that a client and the schedule see of the service: its answers,
// which alarms are due with which others, and who listens to which metric.
func picture(t fatal, a *API) string {
	t.Helper()
	ctx := context.Background()
	all, err := a.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{"MetricAlarm", "CompositeAlarm"}})
	if err != nil {
		t.Fatal(err)
	}
	boards, err := a.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]any{"alarms": all, "dashboards": boards}
	for _, m := range all.MetricAlarms {
		tags, err := a.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: m.AlarmArn})
		if err != nil {
			t.Fatal(err)
		}
		shown["tags of "+*m.AlarmName] = tags
	}
	lists := map[string][]string{}
	add := func(list string, entries []*entry) {
		for _, e := range entries {
			if a.registry.get(e.name) != e || e.deleted {
				t.Errorf("%s has an alarm %s that is not the one of that name", list, e.name)
			}
			lists[list] = append(lists[list], e.name)
		}
		slices.Sort(lists[list])
	}
	for interval, c := range a.schedule.classes {
		add("class "+interval.String(), c.alarms)
		if _, due := a.schedule.queue.At(task{kind: periodsClose, interval: interval}); !due {
			t.Errorf("the class of %v is never due", interval)
		}
	}
	for series, l := range a.listeners {
		add("metric "+series.Key().ID().Name, l.all())
	}
	for name, entries := range a.registry.parents {
		add("parents of "+name, entries)
	}
	for name, entries := range a.registry.suppressed {
		add("suppressed by "+name, entries)
	}
	states := map[string]int{}
	for _, e := range a.registry.alarms {
		states[e.State.String()]++
	}
	for state, n := range a.AlarmStates(ctx) {
		if states[state] != n {
			t.Errorf("%d alarms are in %s, and %d are counted", states[state], state, n)
		}
	}
	shown["lists"], shown["composites"] = lists, a.registry.composites
	text, err := json.MarshalIndent(shown, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func metricAlarm(name, metric string, period int32, threshold float64) *cloudwatch.PutMetricAlarmInput {
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("test"), MetricName: &metric, Statistic: types.StatisticAverage, Period: &period,
		EvaluationPeriods: aws.Int32(1), Threshold: &threshold, ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		Tags: []types.Tag{{Key: aws.String("metric"), Value: &metric}},
	}
}

// step makes one call, drawn at random, that may be refused.
func step(t *rapid.T, ctx context.Context, a *API) {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
	arn := a.alarms.arn(name)
	switch rapid.IntRange(0, 8).Draw(t, "call") {
	case 0, 1:
		_, _ = a.PutMetricAlarm(ctx, metricAlarm(name, rapid.SampledFrom([]string{"cpu", "disk"}).Draw(t, "metric"),
			rapid.SampledFrom([]int32{10, 60, 300}).Draw(t, "period"), rapid.Float64Range(0, 9).Draw(t, "threshold")))
	case 2:
		_, _ = a.PutCompositeAlarm(ctx, &cloudwatch.PutCompositeAlarmInput{
			AlarmName: &name, AlarmRule: aws.String(fmt.Sprintf("ALARM(%s)", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "child"))),
			ActionsSuppressor: aws.String("b"), ActionsSuppressorWaitPeriod: aws.Int32(60), ActionsSuppressorExtensionPeriod: aws.Int32(60),
		})
	case 3:
		_, _ = a.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}})
	case 4:
		_, _ = a.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateReason: aws.String("a drill"),
			StateValue: rapid.SampledFrom(types.StateValueOk.Values()).Draw(t, "state")})
	case 5:
		_, _ = a.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{name}})
	case 6:
		_, _ = a.TagResource(ctx, &cloudwatch.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	case 7:
		_, _ = a.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`)})
	case 8:
		_, _ = a.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
	}
}

// Calls join the change that they are made in: all of it is there, also after a
// restart, or nothing.
func TestCallsInAChangeAreAllThereOrNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := memoryStore(t)
		defer st.Close()
		a := openOn(t, st)
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			before := picture(t, a)
			fails := rapid.Bool().Draw(t, "fails")
			err := a.cell.State.Change(context.Background(), func(ctx context.Context, _ *state.Tx) error {
				for range rapid.IntRange(1, 5).Draw(t, "calls") {
					step(t, ctx, a)
				}
				if fails {
					return errLater
				}
				return nil
			})
			if fails != (err != nil) {
				t.Fatal(err)
			}
			after := picture(t, a)
			if fails && after != before {
				t.Fatalf("a change that failed left\n%s\nof\n%s", after, before)
			}
			if again := picture(t, openOn(t, st)); again != after {
				t.Fatalf("after a restart:\n%s\nbefore:\n%s", again, after)
			}
		}
	})
}

func TestActionsOfAChangeThatFailsAreWithdrawn(t *testing.T) {
	st := memoryStore(t)
	defer st.Close()
	a := openOn(t, st)
	in := metricAlarm("a", "cpu", 60, 50)
	in.AlarmActions = []string{"arn:aws:sns:us-east-1:123456789012:ops"}
	if _, err := a.PutMetricAlarm(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	err := a.cell.State.Change(t.Context(), func(ctx context.Context, _ *state.Tx) error {
		if _, err := a.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("a"), StateValue: "ALARM", StateReason: aws.String("a drill")}); err != nil {
			t.Error(err)
		}
		return errLater
	})
	if err != errLater {
		t.Fatal(err)
	}
	if e := a.registry.get("a"); len(e.jobs.pending) != 0 || a.cell.Events.Last() != 0 {
		t.Errorf("%d actions wait, and %d events were published", len(e.jobs.pending), a.cell.Events.Last())
	}
}

// Whoever publishes a datapoint may hold the state's lock.
func TestALateDatapointIsTakenInsideAChange(t *testing.T) {
	st := memoryStore(t)
	defer st.Close()
	a := openOn(t, st)
	if _, err := a.PutMetricAlarm(t.Context(), metricAlarm("a", "cpu", 60, 50)); err != nil {
		t.Fatal(err)
	}
	set := metric.Set{}
	set.Add(99, 1)
	now := a.alarms.now()
	a.cell.State.Later(func(*state.Tx) {
		for range 3 {
			a.Record([]metric.Sample{{Metric: metric.NewID("test", "cpu"), Time: now.Add(-time.Minute), Set: set}})
		}
	})
	tasks, _ := a.schedule.queue.Take(now.Add(time.Second), 10)
	if want := (task{kind: lateData}); !slices.Contains(tasks, want) || len(a.schedule.late.alarms) != 1 {
		t.Fatalf("due are %v, with %d alarms", tasks, len(a.schedule.late.alarms))
	}
	a.do(t.Context(), tasks)
	if e := a.registry.get("a"); e.State.String() != "ALARM" {
		t.Errorf("the alarm is in %v", e.State)
	}
}

// A change of state is written once, with the item of its history.
func TestSetAlarmStateWritesOnce(t *testing.T) {
	st := &counting{Store: memoryStore(t)}
	defer st.Close()
	a := openOn(t, st)
	if _, err := a.PutMetricAlarm(t.Context(), metricAlarm("a", "cpu", 60, 50)); err != nil {
		t.Fatal(err)
	}
	before := st.writes
	if _, err := a.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("a"), StateValue: "ALARM", StateReason: aws.String("a drill")}); err != nil {
		t.Fatal(err)
	}
	if n := st.writes - before; n != 1 {
		t.Errorf("%d writes", n)
	}
}

type counting struct {
	store.Store
	writes int
}

func (s *counting) Write(b *store.Batch) store.Commit {
	s.writes++
	return s.Store.Write(b)
}

// The documents of the release before there were versions.
func TestDocumentsWithoutAVersionAreRead(t *testing.T) {
	st := memoryStore(t)
	defer st.Close()
	b := new(store.Batch)
	for _, d := range []struct{ kind, key, text string }{
		{"cloudwatch.alarm", "a", `{"Metric":{"ActionsEnabled":true,"AlarmActions":[],"AlarmName":"a","AlarmConfigurationUpdatedTimestamp":"2026-11-21T16:50:00Z","ComparisonOperator":"GreaterThanThreshold","Dimensions":[],"EvaluationPeriods":1,"MetricName":"cpu","Namespace":"test","Period":300,"Statistic":"Average","Threshold":50},"Tags":[{"Key":"team","Value":"web"}]}`},
		{"cloudwatch.state", "a", `{"State":2,"Updated":"2026-11-21T16:51:00Z","Transitioned":"2026-11-21T16:51:00Z","Evidence":{"Rule":{"Threshold":50,"MinSamples":0,"Periods":1,"Datapoints":0,"Comparison":1,"Missing":0},"Verdict":{"State":2,"Breaching":1,"Within":0,"Filled":0,"Kept":false},"Statistic":"Average","Unit":"","Period":300000000000,"At":"2026-11-21T16:51:00Z","End":"2026-11-21T16:51:00Z","Values":null,"Counts":[1,1,1],"Present":[null,null,99]}}`},
		{"cloudwatch.dashboard", "d", `{"Body":"{\"widgets\":[]}","Modified":"2026-11-21T16:50:00Z"}`},
		{"cloudwatch.history", "1795366260000000000", `{"AlarmName":"a","AlarmType":"MetricAlarm","HistorySummary":"Alarm updated from OK to ALARM","HistoryItemType":"StateUpdate","Timestamp":"2026-11-21T16:51:00Z"}`},
		{"cloudwatch.alarm-history", "a\x001795366260000000000", `{"AlarmName":"a","AlarmType":"MetricAlarm","HistorySummary":"Alarm updated from OK to ALARM","HistoryItemType":"StateUpdate","Timestamp":"2026-11-21T16:51:00Z"}`},
	} {
		b.Put(d.kind, d.key, []byte(d.text))
	}
	if err := st.Write(b).Wait(); err != nil {
		t.Fatal(err)
	}
	a := openOn(t, st)
	out, err := a.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil || len(out.MetricAlarms) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	d := out.MetricAlarms[0]
	if want := "Threshold Crossed: 1 datapoint [99.0 (21/11/26 16:46:00)] was greater than the threshold (50.0)."; d.StateValue != "ALARM" || *d.StateReason != want {
		t.Errorf("%s: %s", d.StateValue, *d.StateReason)
	}
	if tags := a.registry.get("a").tags; !maps.Equal(tags, map[string]string{"team": "web"}) {
		t.Errorf("tags %v", tags)
	}
	if _, err := a.GetDashboard(t.Context(), &cloudwatch.GetDashboardInput{DashboardName: aws.String("d")}); err != nil {
		t.Error(err)
	}
	history, err := a.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{})
	if err != nil || len(history.AlarmHistoryItems) != 1 {
		t.Errorf("%v, %v", history, err)
	}
}

func TestScalingActionsOfAllPartitions(t *testing.T) {
	for action, want := range map[string]bool{
		"arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:x:resource/ecs/service/c/s:policyName/p":          true,
		"arn:aws-cn:autoscaling:cn-north-1:123456789012:scalingPolicy:x:resource/ecs/service/c/s:policyName/p":      true,
		"arn:aws-us-gov:autoscaling:us-gov-west-1:123456789012:scalingPolicy:x:autoScalingGroupName/g:policyName/p": true,
		"arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:x:autoScalingGroupName/g":                      false,
		"arn:aws:sns:us-east-1:123456789012:scalingPolicy:":                                                         false,
		"scalingPolicy": false,
	} {
		if got := isScaling(action); got != want {
			t.Errorf("%s: got %v", action, got)
		}
	}
}

// However alarms come and go between listings, a listing is all of them by name.
func TestListingsAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g registry
		g.init()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			name := rapid.StringMatching(`[ab]{0,3}`).Draw(t, "name")
			if old := g.get(name); old != nil {
				g.remove(old)
			}
			if rapid.Bool().Draw(t, "add") {
				g.add(&entry{name: name})
			}
			if rapid.IntRange(0, 3).Draw(t, "list") > 0 {
				continue
			}
			prefix := rapid.SampledFrom([]string{"", "a", "ab", "c"}).Draw(t, "prefix")
			var want []*entry
			for _, name := range slices.Sorted(maps.Keys(g.alarms)) {
				if strings.HasPrefix(name, prefix) {
					want = append(want, g.get(name))
				}
			}
			if got := g.withPrefix(prefix); !slices.Equal(got, want) {
				t.Fatalf("%d alarms begin with %q, want %d", len(got), prefix, len(want))
			}
		}
	})
}
