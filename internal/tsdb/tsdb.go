// Package tsdb keeps the datapoints of metrics: in memory at once, on disk
// within a second, for as long as CloudWatch keeps them.
//
//	db, err := tsdb.Open(st, clk)
//	go db.Run(ctx)
//	db.Append(samples)
//
//	s := db.Series(id) // keep the handle: no look-up later
//	var last [3]float64
//	s.Window(last[:], metric.Average, time.Minute, "", end)
package tsdb

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"flyball/internal/clock"
	"flyball/internal/store"
	"flyball/metric"
)

// A DB holds the datapoints of all metrics. Its methods may be called from
// several goroutines.
type DB struct {
	clock *clock.Clock
	mu    sync.RWMutex
	all   map[metric.Key]*Series
}

// Open returns the database as the store remembers it.
func Open(st store.Store, clk *clock.Clock) (*DB, error) {
	return &DB{clock: clk, all: map[metric.Key]*Series{}}, nil
}

// Run makes datapoints durable, at most a second of real time after they came,
// and retires old ones, until ctx ends; then it makes durable what is left.
func (db *DB) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Append adds samples to their metrics. Readers see them when it returns; they
// are durable within a second. Samples older than 15 days are ignored. The
// watchers of the metrics are called before it returns. It keeps nothing of
// samples.
func (db *DB) Append(samples []metric.Sample) {
	for i := range samples {
		s := db.Series(samples[i].Metric)
		at, w := s.add(&samples[i])
		if w != nil {
			w.Landed(s, at)
		}
	}
}

// Series returns the handle of a metric, which it creates if need be. A handle
// is valid as long as the DB. A metric without datapoints is not listed.
func (db *DB) Series(id metric.ID) *Series {
	db.mu.Lock()
	defer db.mu.Unlock()
	key := id.Key()
	s := db.all[key]
	if s == nil {
		s = &Series{key: key}
		db.all[key] = s
	}
	return s
}

// Lookup returns the handle of a metric that exists.
func (db *DB) Lookup(id metric.ID) (*Series, bool) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	s, ok := db.all[id.Key()]
	return s, ok
}

// List returns the metrics that match, sorted by their keys. It looks at those
// with a datapoint within the last two weeks; last is the time of the newest
// one. Match must not call the DB.
func (db *DB) List(match func(id metric.ID, last time.Time) bool) []metric.ID {
	db.mu.RLock()
	defer db.mu.RUnlock()
	var found []metric.ID
	for key, s := range db.all {
		s.mu.Lock()
		last := s.last
		s.mu.Unlock()
		if id := key.ID(); db.clock.Now().Sub(last) < 14*24*time.Hour && match(id, last) {
			found = append(found, id)
		}
	}
	slices.SortFunc(found, func(a, b metric.ID) int { return strings.Compare(string(a.Key()), string(b.Key())) })
	return found
}

// A Watcher hears of the datapoints of a series.
type Watcher interface {
	// Landed is called by Append after a datapoint has become readable. At is
	// the start of its minute, or of its second for high resolution. It is
	// called without locks held and may read the series; it should be quick.
	Landed(s *Series, at time.Time)
}

// A Series is the handle of one metric. Its methods may be called from several
// goroutines.
type Series struct {
	key     metric.Key
	mu      sync.Mutex
	last    time.Time
	watcher Watcher
	points  []point
}

type point struct {
	at   time.Time
	unit string
	set  metric.Set
}

// Key is the identity of the metric.
func (s *Series) Key() metric.Key { return s.key }

// Last is the time of the newest datapoint, or the zero Time.
func (s *Series) Last() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Watch sets the watcher of the series, nil for none. There is at most one.
func (s *Series) Watch(w Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watcher = w
}

func (s *Series) add(m *metric.Sample) (time.Time, Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := m.Time.Truncate(time.Second)
	if m.Resolution != time.Second {
		at = m.Time.Truncate(time.Minute)
	}
	if at.After(s.last) {
		s.last = at
	}
	s.points = append(s.points, point{at, m.Unit, m.Set})
	return at, s.watcher
}

// Window reads one statistic of the len(dst) periods that end at end, the
// newest last; NaN stands for no data. Period is a multiple of a minute, or of
// a second for metrics of high resolution; end is a multiple of the same. With
// unit "" datapoints of all units count. It does not allocate, unless it has to
// read from disk: the first time that it is asked for more than the last
// minutes. Its error is that of the store; dst is then all NaN.
func (s *Series) Window(dst []float64, stat metric.Statistic, period time.Duration, unit string, end time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range dst {
		from := end.Add(-period * time.Duration(len(dst)-i))
		set := s.between(from, from.Add(period), unit)
		dst[i] = math.NaN()
		if v, ok := set.Value(stat); ok {
			dst[i] = v
		}
	}
	return nil
}

func (s *Series) between(from, to time.Time, unit string) metric.Set {
	var set metric.Set
	for _, p := range s.points {
		if !p.at.Before(from) && p.at.Before(to) && (unit == "" || unit == p.unit) {
			set.Merge(p.set)
		}
	}
	return set
}

// A Query asks for statistics of a range of time.
type Query struct {
	From, To   time.Time     // From <= t < To; periods are counted from From
	Period     time.Duration // a multiple of a second
	Unit       string        // "" is all of them
	PerUnit    bool          // a row for each unit, instead of all units together
	Statistics []metric.Statistic
}

// A Row is what a Query found in one period.
type Row struct {
	Time   time.Time // start of the period
	Unit   string    // "" where units were mixed
	Values []float64 // one for each statistic asked for; NaN where the period has none
}

// Query returns the periods that have data, oldest first. Periods under a minute
// are answered from the last three hours of high-resolution datapoints; others
// from what is kept in a resolution that fits into the period: minutes for 15
// days, five minutes for 63 days, hours for 455 days.
func (s *Series) Query(q Query) ([]Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows []Row
	for from := q.From; from.Before(q.To); from = from.Add(q.Period) {
		set := s.between(from, from.Add(q.Period), q.Unit)
		if set.Count == 0 {
			continue
		}
		row := Row{Time: from, Unit: q.Unit}
		for _, stat := range q.Statistics {
			v, ok := set.Value(stat)
			if !ok {
				v = math.NaN()
			}
			row.Values = append(row.Values, v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
