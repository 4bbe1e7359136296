package tsdb

import (
	"math"
	"time"

	"flyball/metric"
)

// A Series is the handle of one metric. Its methods may be called from several
// goroutines.
type Series struct {
	db      *DB
	shard   *shard
	key     metric.Key
	number  uint32 // on disk, in place of the key
	last    uint32 // the newest datapoint, or 0
	stored  uint32 // what the store has for last, or 0
	dirty   bool   // stands in shard.dirty
	dormant bool   // its document is that of a dormant series
	asked   bool   // somebody has got the handle since forget looked last
	gone    bool   // is not in memory any more; written and read by forget
	unit    uint8  // of the newest sample, which most have in common
	watcher Watcher
	minutes track
	seconds *track // nil unless the metric has high resolution
}

// A Watcher hears of the datapoints of a series.
type Watcher interface {
	// Landed is called by Append once all its samples have become readable, and
	// once for samples of one datapoint that follow each other. At is the start
	// of the datapoint's minute, or of its second for high resolution. No lock
	// is held: it may read the series. Append waits for it.
	Landed(s *Series, at time.Time)
}

// A track is what a series has in memory of one tier.
type track struct {
	points
	// from is the start of the block from which on everything is in memory.
	// Points before it are not all there is: the block on disk has more.
	from uint32
	// reach is how many seconds back from now are kept in memory. It grows with
	// what Window is asked for, so that an alarm over hours costs memory, and all
	// the others do not.
	reach uint32
	// changed is at or before the first point with flag unflushed.
	changed uint32
}

// Key is the identity of the metric.
func (s *Series) Key() metric.Key { return s.key }

// Last is the time of the newest datapoint, or the zero Time without any. After
// a restart it may be up to half an hour more.
func (s *Series) Last() time.Time {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	if s.last == 0 {
		return time.Time{}
	}
	return fromUnix(s.last)
}

// Resolution is the time between two datapoints of the metric: a second once it has
// been given one of high resolution, else a minute.
func (s *Series) Resolution() time.Duration {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	if s.seconds != nil {
		return time.Second
	}
	return time.Minute
}

// Watch sets the watcher of the series, nil for none. There is at most one.
func (s *Series) Watch(w Watcher) {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	s.watcher = w
}

// add puts a sample into its buckets and returns the start of the finest. The
// shard's lock is held.
func (s *Series) add(at uint32, m *metric.Sample) uint32 {
	if unitNames[s.unit] != m.Unit {
		s.unit = sampleUnit(m.Unit)
	}
	unit := s.unit
	minute := at - at%tiers[minutes].step
	s.minutes.add(minute, unit, m.Set)
	s.last = max(s.last, at)
	if !s.dirty {
		s.dirty = true
		s.shard.dirty = append(s.shard.dirty, s)
	}
	if m.Resolution != time.Second {
		return minute
	}
	if s.seconds == nil {
		s.seconds = &track{reach: tiers[seconds].reach}
		s.stored = 0 // the store shall know
	}
	s.seconds.add(at, unit, m.Set)
	return at
}

func (t *track) add(at uint32, unit uint8, set metric.Set) {
	p := t.put(at, unit, set)
	if at < t.from && p.flags&unfolded == 0 {
		p.flags |= late
	}
	t.changed = min(t.changed, at)
	p.flags |= unflushed | unfolded
}

// finest returns the tier that a period is read from, as far as it goes back, and
// what memory has of it. Periods under a minute need seconds; of a metric without
// them, the minute stands in its first seconds, as in CloudWatch (API reference,
// "PutMetricAlarm", Period). The shard's lock is held.
func (s *Series) finest(period uint32) (int, *track) {
	if s.seconds != nil && period%tiers[minutes].step != 0 {
		return seconds, s.seconds
	}
	return minutes, &s.minutes
}

// Window reads one statistic of the len(dst) periods that end at end, the
// newest last; NaN stands for no data. Period and end are multiples of a minute,
// or of a second for metrics of high resolution. With unit "" datapoints of all
// units count. It does not allocate, unless it has to read from disk: the first
// time that it is asked to look further back than before, and always beyond a
// day. Its error is that of the store; dst is then all NaN.
func (s *Series) Window(dst []float64, stat metric.Statistic, period time.Duration, unit string, end time.Time) error {
	to, step := unix(end), uint32(period/time.Second)
	from := ago(to, step*uint32(len(dst)))
	s.shard.mu.Lock()
	k, t := s.finest(step)
	if from >= t.from {
		t.window(dst, stat, step, queryUnit(unit), to)
		s.shard.mu.Unlock()
		return nil
	}
	s.shard.mu.Unlock()
	older, err := s.older(k, from, to, 2*step)
	older.window(dst, stat, step, queryUnit(unit), to)
	return err
}

func (ps *points) window(dst []float64, stat metric.Statistic, period uint32, unit uint8, end uint32) {
	// These four of one value are the value.
	plain := stat.Basic() && stat != metric.SampleCount
	next := ps.search(end, 0)
	for i := len(dst) - 1; i >= 0; i-- {
		end = ago(end, period)
		first := next
		for first > 0 && ps.list[first-1].at >= end {
			first--
		}
		list := ps.list[first:next]
		if plain && len(list) == 1 && list[0].flags&wide == 0 && (unit == anyUnit || unit == list[0].unit) {
			dst[i] = list[0].value
		} else {
			dst[i] = ps.read(list, stat, unit)
		}
		next = first
	}
}

// read returns a statistic of all given points in a unit together, or NaN.
func (ps *points) read(list []point, stat metric.Statistic, unit uint8) float64 {
	var all metric.Set
	for i := range list {
		p := &list[i]
		if unit != anyUnit && unit != p.unit {
			continue
		}
		switch {
		case len(list) == 1:
			return valueOf(ps.set(p), stat)
		case stat.Basic():
			all.MergeTotals(ps.set(p))
		default:
			all.Merge(ps.set(p))
		}
	}
	return valueOf(all, stat)
}

func valueOf(set metric.Set, stat metric.Statistic) float64 {
	if v, ok := set.Value(stat); ok {
		return v
	}
	return math.NaN()
}
