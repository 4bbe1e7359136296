package source

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"flyball/metric"
)

// Samples remember what was read of metrics that tell only how things are now. The zero Samples
// have read nothing; several sources may share them, one after the other, so that what was read
// outlives a change of settings. A controller that starts again has read nothing: it takes as
// many periods until its alarms have seen enough.
type Samples struct {
	mu sync.Mutex
	of map[string]*sampled
}

// A sampled is what was read of one metric.
type sampled struct {
	all   []metric.Datapoint // the newest last
	reach time.Duration      // how far the query looks back that looks back farthest
}

// samplesKept is how many are kept of a metric at most.
const samplesKept = 4096

// add adds what was read now, which is of the period that has just ended, and returns what is
// known of the periods that a query asks for.
func (s *Samples) add(key string, q Query, value float64) []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]*sampled{}
	}
	of := s.of[key]
	if of == nil {
		of = &sampled{}
		s.of[key] = of
	}
	at := q.Now.Truncate(min(q.Period, time.Minute)).Add(-1)
	if n := len(of.all); n == 0 || of.all[n-1].Time.Before(at) {
		of.all = append(of.all, metric.Datapoint{Time: at, Value: value})
	}
	// Others may ask for the same metric by longer periods, or for more of them.
	of.reach = max(of.reach, q.Now.Sub(q.Start()))
	begin := q.Now.Add(-of.reach)
	old := 0
	for old < len(of.all)-samplesKept || old < len(of.all)-1 && of.all[old].Time.Before(begin) {
		old++
	}
	of.all = of.all[old:]
	return q.merge(of.all)
}

// known is what is known of the periods that a query asks for.
func (s *Samples) known(key string, q Query) []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.of[key]; of != nil {
		return q.merge(of.all)
	}
	return q.none()
}

// merge are the datapoints of samples.
func (q Query) merge(samples []metric.Datapoint) []float64 {
	statistic, _ := metric.ParseStatistic(q.Statistic)
	sets := make([]metric.Set, q.Periods)
	for _, s := range samples {
		if i := q.place(s.Time); i >= 0 {
			sets[i].Add(s.Value, 1)
		}
	}
	values := q.none()
	for i := range sets {
		if v, ok := sets[i].Value(statistic); ok {
			values[i] = v
		}
	}
	return values
}

// A reading is a metric that tells how things are now, and how to read it: NaN is that there is no
// value.
type reading struct {
	about string // what else than the metric it depends on
	read  func(context.Context) (float64, error)
}

// readNow answers queries by reading what they are about, once each.
func readNow(ctx context.Context, samples *Samples, queries []Query, of func(Query) (reading, error)) []Answer {
	answers := make([]Answer, len(queries))
	type value struct {
		value float64
		err   error
	}
	jobs := map[string]func() value{}
	keys := make([]string, len(queries))
	for i, q := range queries {
		r, err := of(q)
		if err != nil {
			answers[i].Err = err
			continue
		}
		keys[i] = string(q.Metric.Key()) + "\x00" + r.about
		if jobs[keys[i]] == nil {
			jobs[keys[i]] = func() value {
				v, err := r.read(ctx)
				if err == nil && math.IsInf(v, 0) {
					err = errors.New("it is without bound")
				}
				return value{v, err}
			}
		}
	}
	read := map[string]value{}
	var mu sync.Mutex
	note := func(key string, v value) {
		mu.Lock()
		defer mu.Unlock()
		read[key] = v
	}
	var l lanes
	for key, job := range jobs {
		l.run(func() error {
			v := job()
			note(key, v)
			return v.err
		}, func(err error) { note(key, value{err: err}) })
	}
	l.wait()
	for i, q := range queries {
		switch v := read[keys[i]]; {
		case keys[i] == "":
		case v.err != nil:
			answers[i].Err = v.err
		case math.IsNaN(v.value):
			answers[i].Values = samples.known(keys[i], q)
		default:
			answers[i].Values = samples.add(keys[i], q, v.value)
		}
	}
	return answers
}
