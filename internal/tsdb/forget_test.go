package tsdb

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"flyball/metric"
)

const week = 7 * 24 * time.Hour

// inMemory is how many series are.
func (w *world) inMemory() (n int) {
	for i := range w.shards {
		n += len(w.shards[i].series)
	}
	return n
}

// pass lets a week go by with its housekeeping, so that blocks become coarser.
func (w *world) pass(now time.Time) {
	w.setTime(now)
	w.housekeeping()
	w.housekeeping() // who asked for a handle has until the next one
}

func TestAMetricWithoutDatapointsLeavesMemory(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(time.Second), 1)
	w.Series(metric.NewID("N", "never had any"))
	w.pass(start.Add(2*week - time.Hour))
	if n := w.inMemory(); n != 1 {
		t.Errorf("after nearly two weeks %d metrics are in memory, want the one that is listed", n)
	}
	w.pass(start.Add(2*week + 2*time.Hour))
	if n := w.inMemory(); n != 0 || len(w.names.sorted)+len(w.names.fresh) != 0 {
		t.Errorf("after two weeks %d metrics are in memory", n)
	}
}

func TestAMetricThatLeftMemoryKeepsItsDatapoints(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart=", restart), func(t *testing.T) {
			w := newWorld(t)
			w.append(start.Add(time.Second), 1, 3)
			w.pass(start.Add(3 * week))
			now := start.Add(3*week + time.Hour)
			w.setTime(now)
			if restart {
				w.open(now)
			}
			want := "0s [2];"
			if got := w.query(start, start.Add(time.Hour), time.Hour, metric.Average); got != want {
				t.Errorf("read %q, want %q", got, want)
			}
			if w.pass(now); w.inMemory() != 0 {
				t.Error("a reader keeps it in memory")
			}
			w.append(now, 7)
			w.do(w.Flush())
			w.open(now) // a kill
			if got := w.query(start, now.Add(time.Hour), time.Hour, metric.Average); got != want+"505h0m0s [7];" {
				t.Errorf("with a new datapoint: read %q", got)
			}
			w.housekeeping()
			w.open(now)
			if got := w.query(start, now.Add(time.Hour), time.Hour, metric.Average); got != want+"505h0m0s [7];" {
				t.Errorf("in blocks: read %q", got)
			}
			if w.pass(now.Add(3 * week)); w.inMemory() != 0 {
				t.Error("it did not leave memory again")
			}
		})
	}
}

func TestAMetricThatIsWatchedOrAskedForStays(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(time.Second), 1)
	w.Series(cpu).Watch(&watcher{})
	w.pass(start.Add(3 * week))
	if w.inMemory() != 1 {
		t.Error("a metric with an alarm left memory")
	}
	w.Series(cpu).Watch(nil)
	handle := w.Series(cpu)
	w.housekeeping()
	if same, _ := w.Lookup(cpu); same != handle {
		t.Error("a metric left memory while it was about to be watched")
	}
}

func TestANumberIsNotGivenOutAgainWhenItsMetricHasLeft(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(time.Second), 1)
	w.pass(start.Add(3 * week))
	w.open(start.Add(3 * week))
	other := w.Series(metric.NewID("N", "other"))
	if old, ok := w.Lookup(cpu); !ok || old.number == other.number {
		t.Error("two metrics have one number")
	}
}

func TestAMetricIsForgottenWhenItsDatapointsAreGone(t *testing.T) {
	w := newWorld(t)
	w.append(start.Add(time.Second), 1)
	w.pass(start.Add(3 * week))
	later := start.Add(500 * 24 * time.Hour)
	w.open(later)
	if _, ok := w.Lookup(cpu); ok || w.dormant.Load() {
		t.Error("a metric is there whose datapoints are all gone")
	}
}

// BenchmarkChurn is what a million metrics leave in memory that have ended.
func BenchmarkChurn(b *testing.B) {
	const many = 1_000_000
	for b.Loop() {
		w := newWorld(b)
		before := heap()
		for i := range many {
			sample := metric.Sample{Metric: metric.NewID("App", "Requests", metric.Dimension{Name: "Pod", Value: fmt.Sprint("web-", i)}), Time: start}
			sample.Set.AddValues([]float64{float64(i)}, nil)
			w.Append([]metric.Sample{sample})
			if i%100_000 == 0 {
				w.housekeeping()
			}
		}
		w.housekeeping()
		full := heap()
		w.setTime(start.Add(2*week + 3*time.Hour))
		began := time.Now()
		w.do(w.fold())
		w.do(w.forget())
		b.ReportMetric(time.Since(began).Seconds(), "s/forget")
		b.ReportMetric(float64(full-before)/many, "B/metric")
		b.ReportMetric(float64(int64(heap())-int64(before))/many, "B/ended")
		runtime.KeepAlive(w)
	}
}
