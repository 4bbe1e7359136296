package tsdb

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"flyball/internal/clock"
	"flyball/internal/store"
	"flyball/metric"
)

// service is the metric of the i-th ECS service, as identities in practice are.
func service(i int) metric.ID {
	return metric.NewID("AWS/ECS", "CPUUtilization",
		metric.Dimension{Name: "ClusterName", Value: "production"},
		metric.Dimension{Name: "ServiceName", Value: fmt.Sprintf("service-%06d", i)})
}

// batch has one sample for each of n services.
func batch(n int, values ...float64) []metric.Sample {
	samples := make([]metric.Sample, n)
	for i := range samples {
		samples[i] = metric.Sample{Metric: service(i), Unit: "Percent"}
		samples[i].Set.AddValues(values, nil)
	}
	return samples
}

func at(samples []metric.Sample, t time.Time) []metric.Sample {
	for i := range samples {
		samples[i].Time = t
	}
	return samples
}

func values150() []float64 {
	vs := make([]float64, 150)
	for i := range vs {
		vs[i] = 20 + float64(i*37%200)
	}
	return vs
}

func BenchmarkAppend(b *testing.B) {
	for _, test := range []struct {
		name     string
		values   []float64
		advances bool
	}{
		{"one value to a new minute", []float64{50.5}, true},
		{"one value to the same minute", []float64{50.5}, false},
		{"150 values to the same minute", values150(), false},
	} {
		b.Run(test.name, func(b *testing.B) {
			w := newWorld(b)
			samples := at(batch(1000, test.values...), start)
			w.Append(samples)
			minute := 0
			b.ReportAllocs()
			for b.Loop() {
				if test.advances {
					minute++
					at(samples, start.Add(time.Duration(minute%60)*time.Minute))
				}
				w.Append(samples)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/sample")
		})
	}
}

func BenchmarkWindow(b *testing.B) {
	w := newWorld(b)
	for i := range 30 {
		w.append(start.Add(time.Duration(i)*time.Minute), float64(i))
	}
	s, end := w.Series(cpu), start.Add(30*time.Minute)
	for _, test := range []struct {
		name   string
		n      int
		stat   metric.Statistic
		period time.Duration
	}{
		{"3 minutes", 3, metric.Average, time.Minute},
		{"15 minutes", 15, metric.Average, time.Minute},
		{"15 minutes p99", 15, metric.Percentile(99), time.Minute},
		{"3 times 5 minutes", 3, metric.Average, 5 * time.Minute},
	} {
		b.Run(test.name, func(b *testing.B) {
			dst := make([]float64, test.n)
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Window(dst, test.stat, test.period, "", end)
			}
		})
	}
}

func BenchmarkQueryThreeHoursOnDisk(b *testing.B) {
	w := newWorld(b)
	for i := range 600 {
		w.append(start.Add(time.Duration(i)*time.Minute), float64(i))
	}
	w.setTime(start.Add(10 * time.Hour))
	w.housekeeping()
	s := w.Series(cpu)
	q := Query{From: start, To: start.Add(3 * time.Hour), Period: time.Minute, Statistics: []metric.Statistic{metric.Average}}
	for b.Loop() {
		if rows, err := s.Query(q); err != nil || len(rows) != 180 {
			b.Fatal(len(rows), err)
		}
	}
}

// BenchmarkMemory reports what a metric costs in memory.
func BenchmarkMemory(b *testing.B) {
	for _, test := range []struct {
		name   string
		points int
	}{{"idle", 0}, {"15 minutes of one value", 15}} {
		b.Run(test.name, func(b *testing.B) {
			const metrics = 100_000
			for b.Loop() {
				w := newWorld(b)
				before := heap()
				samples := batch(metrics, 50.5)
				for i := range samples {
					w.Series(samples[i].Metric)
				}
				for m := range test.points {
					w.Append(at(samples, start.Add(time.Duration(m)*time.Minute)))
				}
				w.do(w.Flush())
				samples = nil
				b.ReportMetric(float64(heap()-before)/metrics, "B/metric")
				runtime.KeepAlive(w)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkDisk reports what a metric with a datapoint a minute costs to keep.
func BenchmarkDisk(b *testing.B) {
	const metrics = 20_000
	for b.Loop() {
		st, err := store.OpenSQLite(filepath.Join(b.TempDir(), "state"))
		if err != nil {
			b.Fatal(err)
		}
		w := &world{t: b, st: st}
		w.open(start)
		samples := batch(metrics, 50.5)
		per := func(name string, from time.Time) {
			b.ReportMetric(float64(time.Since(from).Nanoseconds())/metrics, name)
		}
		w.Append(at(samples, start))
		w.do(w.Flush())
		for m := range 5 {
			w.Append(at(samples, start.Add(time.Duration(m)*time.Minute)))
			from := time.Now()
			w.do(w.Flush())
			per("ns/flushed-metric", from)
		}
		from := time.Now()
		if _, err := Open(st, clock.New(start, 1)); err != nil {
			b.Fatal(err)
		}
		per("ns/replayed-metric", from)
		from = time.Now()
		w.do(w.fold())
		per("ns/folded-metric", from)
		from = time.Now()
		if _, err := Open(st, clock.New(start, 1)); err != nil {
			b.Fatal(err)
		}
		per("ns/opened-metric", from)
		st.Close()
	}
}

func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	w.Append(at(batch(100_000, 1), start))
	for _, test := range []struct {
		name      string
		namespace string
		most      int
	}{{"all of 100,000", "", 100_000}, {"a page of 100,000", "AWS/ECS", 500}, {"another namespace", "AWS/EC2", 1}} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for range w.List(test.namespace, "", "") {
					if n++; n == test.most {
						break
					}
				}
			}
		})
	}
}
