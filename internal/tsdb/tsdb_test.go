package tsdb

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
	"flyball/internal/store"
	"flyball/metric"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A world is a database with its store and a clock that a test sets.
type world struct {
	t testing.TB
	*DB
	st store.Store
}

func newWorld(t testing.TB) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, st: st}
	w.open(start)
	return w
}

// open opens the database again from what the store has, as after a kill -9.
func (w *world) open(now time.Time) {
	w.t.Helper()
	db, err := Open(w.st, clock.New(now, 1))
	if err != nil {
		w.t.Fatal(err)
	}
	w.DB = db
}

func (w *world) setTime(now time.Time) { w.clock = clock.New(now, 1) }

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// housekeeping is what Run does every few minutes.
func (w *world) housekeeping() {
	w.t.Helper()
	w.do(w.Flush())
	w.do(w.fold())
	w.do(w.retire(w.t.Context()))
	w.do(w.forget())
}

var cpu = metric.NewID("AWS/ECS", "CPUUtilization", metric.Dimension{Name: "ServiceName", Value: "web"})

func (w *world) append(at time.Time, values ...float64) {
	sample := metric.Sample{Metric: cpu, Time: at, Unit: "Percent"}
	sample.Set.AddValues(values, nil)
	w.Append([]metric.Sample{sample})
}

func (w *world) appendFine(at time.Time, values ...float64) {
	sample := metric.Sample{Metric: cpu, Time: at, Unit: "Percent", Resolution: time.Second}
	sample.Set.AddValues(values, nil)
	w.Append([]metric.Sample{sample})
}

func (w *world) window(n int, stat metric.Statistic, period time.Duration, end time.Time) []float64 {
	w.t.Helper()
	got := make([]float64, n)
	w.do(w.Series(cpu).Window(got, stat, period, "", end))
	return got
}

func (w *world) query(from, to time.Time, period time.Duration, stats ...metric.Statistic) string {
	w.t.Helper()
	rows, err := w.Series(cpu).Query(Query{From: from, To: to, Period: period, Statistics: stats})
	w.do(err)
	var text string
	for _, r := range rows {
		text += fmt.Sprintf("%s %v;", r.Time.Sub(start), r.Values)
	}
	return text
}

func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
}

var none = math.NaN()

func TestAWindowHoldsThePeriodsUpToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(5*time.Second), 10)
	w.append(start.Add(65*time.Second), 20, 40)
	w.append(start.Add(185*time.Second), 50)
	for _, test := range []struct {
		name   string
		stat   metric.Statistic
		period time.Duration
		end    time.Duration
		want   []float64
	}{
		{"newest last, gaps without a value", metric.Average, time.Minute, 4 * time.Minute, []float64{10, 30, none, 50}},
		{"one datapoint or several, they are counted", metric.SampleCount, time.Minute, 4 * time.Minute, []float64{1, 2, none, 1}},
		{"the end is exclusive", metric.Average, time.Minute, 3 * time.Minute, []float64{none, 10, 30, none}},
		{"longer periods take several minutes together", metric.Sum, 2 * time.Minute, 4 * time.Minute, []float64{none, none, 70, 50}},
		{"percentiles look at all their values", metric.Percentile(50), 2 * time.Minute, 4 * time.Minute, []float64{none, none, 20, 50}},
		{"a period under a minute has the minute in its first seconds", metric.Maximum, 30 * time.Second, 2 * time.Minute, []float64{10, none, 40, none}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := w.window(4, test.stat, test.period, start.Add(test.end)); !same(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestHighResolutionIsReadBySecondsAndByMinutes(t *testing.T) {
	w := newWorld(t)
	w.appendFine(start.Add(1*time.Second), 10)
	w.appendFine(start.Add(12*time.Second), 20)
	w.appendFine(start.Add(13*time.Second), 40)
	if got := w.window(3, metric.Average, 10*time.Second, start.Add(30*time.Second)); !same(got, []float64{10, 30, none}) {
		t.Errorf("by ten seconds: %v", got)
	}
	if got := w.window(1, metric.Sum, time.Minute, start.Add(time.Minute)); !same(got, []float64{70}) {
		t.Errorf("by minutes: %v", got)
	}
}

func TestUnitsAreStreamsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	for unit, v := range map[string]float64{"Seconds": 1, "Milliseconds": 1000, "": 5} {
		w.Append([]metric.Sample{{Metric: cpu, Time: start, Unit: unit, Set: metric.Set{Count: 1, Sum: v, Min: v, Max: v}}})
	}
	read := func(unit string) float64 {
		var got [1]float64
		w.do(w.Series(cpu).Window(got[:], metric.Sum, time.Minute, unit, start.Add(time.Minute)))
		return got[0]
	}
	for unit, want := range map[string]float64{"Seconds": 1, "Milliseconds": 1000, "None": 5, "": 1006, "Bytes": none} {
		if got := read(unit); !same([]float64{got}, []float64{want}) {
			t.Errorf("unit %q: %v, want %v", unit, got, want)
		}
	}

	rows, err := w.Series(cpu).Query(Query{From: start, To: start.Add(time.Hour), Period: time.Minute, PerUnit: true, Statistics: []metric.Statistic{metric.Sum}})
	w.do(err)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprint(r.Unit, r.Values[0]))
	}
	if want := []string{"Milliseconds1000", "None5", "Seconds1"}; !slices.Equal(got, want) {
		t.Errorf("per unit: %v, want %v", got, want)
	}
	rows, err = w.Series(cpu).Query(Query{From: start, To: start.Add(time.Hour), Period: time.Minute, Statistics: []metric.Statistic{metric.Sum}})
	w.do(err)
	if len(rows) != 1 || rows[0].Unit != "" || rows[0].Values[0] != 1006 {
		t.Errorf("together: %v", rows)
	}
}

func TestAQueryCountsPeriodsFromItsStart(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		w.append(start.Add(time.Duration(i)*time.Minute), float64(i))
	}
	got := w.query(start.Add(3*time.Minute), start.Add(9*time.Minute), 5*time.Minute, metric.Sum, metric.SampleCount)
	if want := "3m0s [25 5];8m0s [8 1];"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatWasFlushedSurvivesAKill(t *testing.T) {
	w := newWorld(t)
	w.append(start, 1)
	w.appendFine(start.Add(time.Second), 2)
	w.do(w.Flush())
	w.append(start, 4) // changes the same bucket again
	w.do(w.Flush())
	w.append(start.Add(time.Minute), 100) // is lost
	w.open(start.Add(2 * time.Minute))
	if got := w.window(2, metric.Sum, time.Minute, start.Add(2*time.Minute)); !same(got, []float64{7, none}) {
		t.Errorf("by minutes: %v", got)
	}
	if got := w.window(2, metric.Sum, time.Second, start.Add(2*time.Second)); !same(got, []float64{none, 2}) {
		t.Errorf("by seconds: %v", got)
	}
}

func TestWhatWasFoldedSurvivesAKill(t *testing.T) {
	w := newWorld(t)
	w.append(start, 1, 2, 3)
	w.housekeeping()
	w.open(start.Add(time.Minute))
	if got := w.window(1, metric.Percentile(50), time.Minute, start.Add(time.Minute)); !same(got, []float64{2}) {
		t.Errorf("got %v", got)
	}
	w.append(start, 4)
	w.do(w.Flush())
	w.open(start.Add(time.Minute))
	if got := w.window(1, metric.Sum, time.Minute, start.Add(time.Minute)); !same(got, []float64{10}) {
		t.Errorf("after one more: %v", got)
	}
}

func TestMemoryLetsGoOfWhatIsOnDisk(t *testing.T) {
	w := newWorld(t)
	for i := range 180 {
		w.append(start.Add(time.Duration(i)*time.Minute), float64(i))
	}
	now := start.Add(3 * time.Hour)
	w.setTime(now)
	w.housekeeping()
	s := w.Series(cpu)
	if n := len(s.minutes.list); n != 30 {
		t.Errorf("memory has %d points, want those of the last half hour", n)
	}
	if got := w.query(start, start.Add(2*time.Minute), time.Minute, metric.Sum); got != "0s [0];1m0s [1];" {
		t.Errorf("on disk: %s", got)
	}
	if n := len(s.minutes.list); n != 30 {
		t.Errorf("memory has %d points after a query", n)
	}
	if got := w.window(2, metric.Sum, time.Hour, now.Add(-time.Hour)); !same(got, []float64{59 * 60 / 2, 60*60 + 59*60/2}) {
		t.Errorf("window: %v", got)
	}
	if n := len(s.minutes.list); n != 180 {
		t.Errorf("memory has %d points after a window, want all that it looks at", n)
	}
}

func TestAnAlarmOverHoursReadsTheDiskOnce(t *testing.T) {
	w := newWorld(t)
	for i := range 180 {
		w.append(start.Add(time.Duration(i)*time.Minute), 1)
	}
	now := start.Add(3 * time.Hour)
	w.setTime(now)
	w.housekeeping()
	w.window(2, metric.Sum, time.Hour, now)
	for i := range 30 {
		now = now.Add(time.Minute)
		w.setTime(now)
		w.append(now.Add(-time.Minute), 1)
		if i%7 == 0 {
			w.housekeeping()
		}
		s := w.Series(cpu)
		if from := unix(now.Add(-2 * time.Hour)); from < s.minutes.from {
			t.Fatalf("after %d minutes memory begins %d s too late", i, s.minutes.from-from)
		}
		if got := w.window(2, metric.Sum, time.Hour, now); !same(got, []float64{60, 60}) {
			t.Fatalf("after %d minutes: %v", i, got)
		}
	}
}

func TestALateDatapointJoinsItsBlock(t *testing.T) {
	w := newWorld(t)
	w.append(start, 1)
	now := start.Add(5 * time.Hour)
	w.setTime(now)
	w.housekeeping()
	check := func(when, want string) {
		t.Helper()
		if got := w.query(start, start.Add(time.Hour), time.Minute, metric.Sum, metric.SampleCount); got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
	}
	w.append(start, 2)
	w.append(start.Add(time.Minute), 7)
	check("in memory", "0s [3 2];1m0s [7 1];")
	w.do(w.Flush())
	w.append(start, 4)
	w.do(w.Flush())
	check("in the journal", "0s [7 3];1m0s [7 1];")
	w.open(now)
	check("after a kill", "0s [7 3];1m0s [7 1];")
	w.open(start.Add(10 * time.Minute))
	check("after a kill, with the block in memory", "0s [7 3];1m0s [7 1];")
	w.setTime(now)
	w.housekeeping()
	check("in its block", "0s [7 3];1m0s [7 1];")
	w.open(now)
	check("in its block after a kill", "0s [7 3];1m0s [7 1];")
}

func TestSamplesThatCannotBeAreIgnored(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(-15*24*time.Hour), 1)
	w.append(start, math.NaN())
	w.append(start, math.Inf(1))
	w.Append([]metric.Sample{{Metric: cpu, Time: start}})
	if _, ok := w.Lookup(cpu); ok {
		t.Error("there is a series")
	}
}

func TestTiersKeepDatapointsAsLongAsCloudWatch(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.appendFine(start.Add(time.Duration(i)*10*time.Second), float64(i))
	}
	w.append(start.Add(7*time.Minute), 100)
	w.housekeeping()
	const day = 24 * time.Hour
	two := start.Add(10 * time.Minute)
	for _, test := range []struct {
		name   string
		age    time.Duration
		period time.Duration
		want   string
	}{
		{"ten seconds within three hours", 2 * time.Hour, 10 * time.Second, "0s [0];10s [1];20s [2];30s [3];40s [4];50s [5];1m0s [6];1m10s [7];1m20s [8];1m30s [9];1m40s [10];1m50s [11];"},
		{"no seconds after three hours", 4 * time.Hour, 10 * time.Second, ""},
		{"minutes within 15 days", 14 * day, time.Minute, "0s [15];1m0s [51];7m0s [100];"},
		{"no minutes after 15 days", 16 * day, time.Minute, ""},
		{"five minutes within 15 days", 14 * day, 5 * time.Minute, "0s [66];5m0s [100];"},
		{"five minutes within 63 days", 62 * day, 5 * time.Minute, "0s [66];5m0s [100];"},
		{"no five minutes after 63 days", 65 * day, 5 * time.Minute, ""},
		{"hours within 63 days", 62 * day, time.Hour, "0s [166];"},
		{"hours within 455 days", 454 * day, time.Hour, "0s [166];"},
		{"nothing after 455 days", 490 * day, time.Hour, ""},
	} {
		w.open(start.Add(test.age)) // also what a restart sees
		w.housekeeping()
		if got := w.query(start, two, test.period, metric.Sum); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if err := w.st.Scan(kindBlock, store.Range{}, func(key string, _ []byte) bool {
		t.Errorf("block %s is left", key)
		return true
	}); err != nil {
		t.Error(err)
	}
}

func TestMetricsAreListedForTwoWeeks(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(time.Second), 1)
	quiet := metric.NewID("N", "quiet")
	w.Series(quiet)
	all := func() (ids []metric.ID) {
		for id := range w.List("", "", "") {
			ids = append(ids, id)
		}
		return ids
	}
	if got := all(); len(got) != 1 || got[0].Key() != cpu.Key() {
		t.Errorf("at first: %v", got)
	}
	w.housekeeping()
	for _, test := range []struct {
		age  time.Duration
		want int
	}{{13 * 24 * time.Hour, 1}, {15 * 24 * time.Hour, 0}} {
		w.setTime(start.Add(test.age))
		if got := all(); len(got) != test.want {
			t.Errorf("after %v: %v", test.age, got)
		}
		w.open(start.Add(test.age))
		if got := all(); len(got) != test.want {
			t.Errorf("after %v and a restart: %v", test.age, got)
		}
		w.housekeeping() // must not make it look newer
	}
}

func TestListIsInTheOrderOfKeys(t *testing.T) {
	w := newWorld(t)
	add := func(namespace, name string, dimensions ...metric.Dimension) metric.Key {
		id := metric.NewID(namespace, name, dimensions...)
		w.Append([]metric.Sample{{Metric: id, Time: start, Set: metric.Set{Count: 1}}})
		return id.Key()
	}
	list := func(namespace, name string, after metric.Key) string {
		var found []string
		for id, last := range w.List(namespace, name, after) {
			if !last.Equal(start) {
				t.Errorf("%v is of %v", id, last)
			}
			found = append(found, strings.ReplaceAll(string(id.Key()), "\x00", "/"))
		}
		return strings.Join(found, " ")
	}
	add("N", "b")
	add("N", "a", metric.Dimension{Name: "x", Value: "1"})
	if got := list("", "", ""); got != "N/a/x/1 N/b" {
		t.Errorf("two: %s", got)
	}
	add("N", "ab")
	add("M", "b")
	after := add("N", "a")
	add("NN", "a")
	for _, test := range []struct {
		namespace, name string
		after           metric.Key
		want            string
	}{
		{"", "", "", "M/b N/a N/a/x/1 N/ab N/b NN/a"},
		{"N", "", "", "N/a N/a/x/1 N/ab N/b"},
		{"N", "a", "", "N/a N/a/x/1"},
		{"", "b", "", "M/b N/b"},
		{"O", "", "", ""},
		{"", "", after, "N/a/x/1 N/ab N/b NN/a"},
		{"N", "a", after, "N/a/x/1"},
		{"NN", "", after, "NN/a"},
		{"M", "", after, ""},
		{"", "", "N\x00aa", "N/ab N/b NN/a"},
	} {
		if got := list(test.namespace, test.name, test.after); got != test.want {
			t.Errorf("%q, %q after %q: got %s, want %s", test.namespace, test.name, test.after, got, test.want)
		}
	}
	for range w.List("", "", "") {
		w.Append([]metric.Sample{{Metric: metric.NewID("N", "c"), Time: start, Set: metric.Set{Count: 1}}})
		break // a reader may stop, and may write
	}
}

type watcher struct {
	landed []time.Time
	read   []float64
}

func (w *watcher) Landed(s *Series, at time.Time) {
	w.landed = append(w.landed, at)
	var v [1]float64
	_ = s.Window(v[:], metric.Sum, time.Minute, "", at.Truncate(time.Minute).Add(time.Minute))
	w.read = append(w.read, v[0])
}

func TestAWatcherHearsOfDatapointsItCanRead(t *testing.T) {
	w := newWorld(t)
	heard := &watcher{}
	w.Series(cpu).Watch(heard)
	w.append(start.Add(30*time.Second), 1)
	w.appendFine(start.Add(31500*time.Millisecond), 2)
	w.Series(cpu).Watch(nil)
	w.append(start, 4)
	if want := []time.Time{start, start.Add(31 * time.Second)}; !slices.Equal(heard.landed, want) {
		t.Errorf("heard of %v, want %v", heard.landed, want)
	}
	if want := []float64{1, 3}; !slices.Equal(heard.read, want) {
		t.Errorf("read %v, want %v", heard.read, want)
	}
}

// Alarms must not decide on a part of what was published together.
func TestAWatcherHearsOnceAllSamplesAreReadable(t *testing.T) {
	w := newWorld(t)
	heard := &watcher{}
	w.Series(cpu).Watch(heard)
	var samples []metric.Sample
	for _, value := range []float64{1, 2, 4} {
		s := metric.Sample{Metric: cpu, Time: start, Resolution: time.Minute}
		s.Set.Add(value, 1)
		samples = append(samples, s)
	}
	w.Append(samples)
	if !slices.Equal(heard.landed, []time.Time{start}) || !slices.Equal(heard.read, []float64{7}) {
		t.Errorf("heard of %v, read %v", heard.landed, heard.read)
	}
}

func TestRunFlushesWithinASecondAndAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		w := &world{t: t, st: st}
		w.open(start)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func(db *DB) { ended <- db.Run(ctx) }(w.DB)

		w.append(start, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		w.append(start, 2)
		db := w.DB
		w.open(start)
		if got := w.window(1, metric.Sum, time.Minute, start.Add(time.Minute)); !same(got, []float64{1}) {
			t.Errorf("a kill after a second leaves %v", got)
		}

		w.DB = db
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.open(start)
		if got := w.window(1, metric.Sum, time.Minute, start.Add(time.Minute)); !same(got, []float64{3}) {
			t.Errorf("a clean end leaves %v", got)
		}
	})
}

// With a clock that runs ten hours a second, folds let go of points while they
// come in, and what comes in is soon late.
func TestAppendingWhileBlocksAreWrittenLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.clock = clock.New(start, 36_000)
	const writers, each = 2, 3000
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				w.append(start.Add(time.Duration(i%200)*time.Minute), 1)
				if i%100 == 0 {
					w.window(30, metric.Sum, time.Minute, start.Add(time.Duration(i)*time.Minute))
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
			w.do(w.Flush())
			w.do(w.fold())
		}
	}
	w.do(w.Flush())
	w.open(start.Add(10 * 24 * time.Hour))
	if got, want := w.query(start, start.Add(24*time.Hour), 24*time.Hour, metric.Sum), fmt.Sprintf("0s [%d];", writers*each); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A busyStore lets something happen while a batch is being written.
type busyStore struct {
	store.Store
	meanwhile func()
}

func (s *busyStore) Write(b *store.Batch) store.Commit {
	if f := s.meanwhile; f != nil && b.Len() > 0 {
		s.meanwhile = nil
		f()
	}
	return s.Store.Write(b)
}

func TestWhatLandsWhileBlocksAreWrittenIsKept(t *testing.T) {
	for _, test := range []struct {
		name   string
		before time.Duration // datapoint before the fold and its age
		during time.Duration // age of the one during the fold
	}{
		{"in a bucket that is about to leave memory", time.Hour, time.Hour},
		{"in a new bucket of a block that is about to leave memory", time.Hour, 59 * time.Minute},
		{"in a bucket that stays", time.Minute, time.Minute},
		{"late, again", 10 * time.Hour, 10 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			busy := &busyStore{Store: w.st}
			w.st = busy
			w.open(start)
			w.append(start.Add(-10*time.Hour), 100)
			w.housekeeping() // memory now begins half an hour ago
			now := start.Add(time.Hour)
			w.append(now.Add(-test.before), 1)
			w.setTime(now)
			busy.meanwhile = func() { w.append(now.Add(-test.during), 2) }
			w.do(w.fold())
			check := func(when string) {
				t.Helper()
				rows, err := w.Series(cpu).Query(Query{From: now.Add(-12 * time.Hour), To: now, Period: 12 * time.Hour, Statistics: []metric.Statistic{metric.Sum}})
				w.do(err)
				if len(rows) != 1 || rows[0].Values[0] != 103 {
					t.Errorf("%s: %v, want 103", when, rows)
				}
			}
			check("after the fold")
			w.do(w.Flush())
			w.open(now)
			check("after a kill")
			w.housekeeping()
			check("after the next fold")
		})
	}
}
