package tsdb

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/metric"
)

// A model is the database as a reader should see it: all that was appended, and
// all of that which was flushed.
type model struct {
	now           time.Time
	seen, durable []metric.Sample
}

// sum answers Sum and SampleCount of a period, by the rules and nothing else.
func (m *model) sum(from, to time.Time, period time.Duration) string {
	var text string
	for ; from.Before(to); from = from.Add(period) {
		var set metric.Set
		for _, s := range m.seen {
			at := s.Time
			if period%time.Minute == 0 || s.Resolution != time.Second {
				at = at.Truncate(time.Minute)
			}
			if !at.Before(from) && at.Before(from.Add(period)) {
				set.MergeTotals(s.Set)
			}
		}
		if set.Count > 0 {
			text += fmt.Sprintf("%s %v;", from.Sub(start), []float64{set.Sum, set.Count})
		}
	}
	return text
}

// Whatever happens in whatever order, readers see all that was appended since the
// last kill and all that was flushed before it, each datapoint once.
func TestNoDatapointIsLostOrCountedTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		m := &model{now: start}
		fine := rapid.Bool().Draw(rt, "high resolution")
		setNow := func(now time.Time) {
			m.now = now
			w.setTime(now)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				at := m.now.Add(time.Duration(rapid.IntRange(-300, 60).Draw(rt, "age")) * time.Second)
				if rapid.Bool().Draw(rt, "late") { // the same few buckets again and again
					at = start.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 29, 30, 70}).Draw(rt, "minute")) * time.Minute)
				}
				unit := rapid.SampledFrom([]string{"Percent", "Percent", "", "Count"}).Draw(rt, "unit")
				sample := metric.Sample{Metric: cpu, Time: at, Unit: unit}
				if fine {
					sample.Resolution = time.Second
				}
				for range rapid.IntRange(1, 2).Draw(rt, "values") {
					sample.Set.Add(float64(rapid.IntRange(0, 9).Draw(rt, "value")), 1)
				}
				w.Append([]metric.Sample{sample})
				m.seen = append(m.seen, sample)
			},
			"wait": func(rt *rapid.T) {
				setNow(m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 60, 600, 4000}).Draw(rt, "seconds")) * time.Second))
			},
			"flush": func(rt *rapid.T) {
				w.do(w.Flush())
				m.durable = append(m.durable[:0], m.seen...)
			},
			"fold": func(rt *rapid.T) {
				w.housekeeping()
				m.durable = append(m.durable[:0], m.seen...)
			},
			"kill": func(rt *rapid.T) {
				w.open(m.now)
				m.seen = append(m.seen[:0], m.durable...)
			},
			"window": func(rt *rapid.T) {
				n := rapid.SampledFrom([]int{1, 5, 60, 180, 600}).Draw(rt, "periods")
				end := m.now.Truncate(time.Minute).Add(time.Minute)
				got := w.window(n, metric.Sum, time.Minute, end)
				for i, v := range got {
					from := end.Add(time.Duration(i-n) * time.Minute)
					want := m.sum(from, from.Add(time.Minute), time.Minute)
					var have string
					if v == v {
						have = fmt.Sprintf("%s [%v ", from.Sub(start), v)
					}
					if len(want) < len(have) || want[:len(have)] != have || have == "" && want != "" {
						rt.Fatalf("window at %s: got %v, want %s", from.Sub(start), v, want)
					}
				}
			},
			"query": func(rt *rapid.T) {
				period := time.Duration(rapid.SampledFrom([]int{60, 300, 3600}).Draw(rt, "period")) * time.Second
				to := m.now.Truncate(time.Hour).Add(time.Hour)
				from := to.Add(-13 * time.Hour)
				if got, want := w.query(from, to, period, metric.Sum, metric.SampleCount), m.sum(from, to, period); got != want {
					rt.Fatalf("query by %s:\n got %s\nwant %s", period, got, want)
				}
			},
			"query seconds": func(rt *rapid.T) {
				if !fine {
					return
				}
				to := m.now.Truncate(time.Minute).Add(2 * time.Minute)
				from := to.Add(-3 * time.Hour)
				if got, want := w.query(from, to, 10*time.Second, metric.Sum, metric.SampleCount), m.sum(from, to, 10*time.Second); got != want {
					rt.Fatalf("query by seconds:\n got %s\nwant %s", got, want)
				}
			},
		})
	})
}
