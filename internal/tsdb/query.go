package tsdb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"flyball/internal/store"
	"flyball/metric"
)

// A Query asks for statistics of a range of time.
type Query struct {
	From, To   time.Time     // From <= t < To, in whole seconds; periods are counted from From
	Period     time.Duration // at least a second, in whole seconds
	Unit       string        // "" is all of them
	PerUnit    bool          // a row for each unit, instead of one for all together
	Statistics []metric.Statistic
}

// A Row is what a Query found in one period.
type Row struct {
	Time   time.Time // start of the period
	Unit   string    // of all its datapoints; "" when they have several
	Values []float64 // one for each statistic asked for; NaN where the period has none
}

// Query returns the periods that have data, by time and then unit. Periods under a
// minute are answered from the last three hours of high resolution; others from
// what is kept in a resolution that fits into the period: minutes for 15 days,
// five minutes for 63 days, hours for 455 days.
func (s *Series) Query(q Query) ([]Row, error) {
	period := uint32(q.Period / time.Second)
	if period == 0 {
		return nil, errors.New("query datapoints: the period is under a second")
	}
	found, err := s.points(unix(q.From), unix(q.To), period)
	if err != nil {
		return nil, fmt.Errorf("query datapoints: %w", err)
	}
	return found.rows(q, period), nil
}

// points returns copies of all points that a query with some period looks at.
func (s *Series) points(from, to, period uint32) (points, error) {
	s.shard.mu.Lock()
	k, t := s.finest(period)
	if k == seconds {
		from = max(from, ago(unix(s.db.clock.Now()), tiers[seconds].keep))
	}
	if from >= t.from {
		defer s.shard.mu.Unlock()
		return t.copy(from, to), nil
	}
	s.shard.mu.Unlock()

	s.db.disk.RLock()
	defer s.db.disk.RUnlock()
	found, err := s.collect(k, from, to)
	if err != nil || k == seconds {
		return found, err
	}
	for _, k := range []int{fives, hours} {
		if period%tiers[k].step != 0 {
			continue
		}
		old, err := s.load(k, from, to)
		if err != nil {
			return points{}, err
		}
		for i := range old.list {
			p := &old.list[i]
			found.put(p.at, p.unit, old.set(p))
		}
	}
	return found, nil
}

// A cell is where a point goes in the answer to a query.
type cell struct {
	start uint32
	unit  uint8 // 0 when units are taken together
}

// A total is what has come together in a cell.
type total struct {
	set  metric.Set
	unit uint8 // anyUnit when there are several
}

// rows sums points up by period.
func (ps *points) rows(q Query, period uint32) []Row {
	from, unit := unix(q.From), queryUnit(q.Unit)
	totals := map[cell]*total{}
	for i := range ps.list {
		p := &ps.list[i]
		if unit != anyUnit && unit != p.unit {
			continue
		}
		c := cell{start: p.at - (p.at-from)%period}
		if q.PerUnit {
			c.unit = p.unit
		}
		sum := totals[c]
		if sum == nil {
			totals[c] = &total{ps.set(p), p.unit}
			continue
		}
		sum.set.Merge(ps.set(p))
		if sum.unit != p.unit {
			sum.unit = anyUnit
		}
	}
	rows := make([]Row, 0, len(totals))
	for c, sum := range totals {
		rows = append(rows, sum.row(c.start, q.Statistics))
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Unit, b.Unit))
	})
	return rows
}

func (t *total) row(start uint32, statistics []metric.Statistic) Row {
	row := Row{Time: fromUnix(start), Values: make([]float64, len(statistics))}
	if t.unit != anyUnit {
		row.Unit = unitNames[t.unit]
	}
	for i, stat := range statistics {
		row.Values[i] = valueOf(t.set, stat)
	}
	return row
}

// copy returns the points in a range, sharing nothing.
func (t *track) copy(from, to uint32) points {
	var c points
	list := t.between(from, max(from, to))
	c.list = make([]point, 0, len(list))
	for i := range list {
		p := &list[i]
		c.insert(p.at, p.unit, p.flags&late, t.set(p).Clone())
	}
	return c
}

// memory returns what memory has of a tier, or nil.
func (s *Series) memory(k int) *track {
	switch k {
	case seconds:
		return s.seconds
	case minutes:
		return &s.minutes
	}
	return nil
}

// collect returns copies of a tier's points from blocks and memory together. The
// lock of the disk is held.
func (s *Series) collect(k int, from, to uint32) (points, error) {
	s.shard.mu.Lock()
	t := s.memory(k)
	recent, border := t.copy(from, to), t.from
	s.shard.mu.Unlock()
	all, err := s.load(k, from, min(to, border))
	if err != nil {
		return points{}, err
	}
	for i := range recent.list {
		p := &recent.list[i]
		all.apply(p, recent.set(p))
	}
	return all, nil
}

// apply brings a point of memory together with what its block has.
func (ps *points) apply(p *point, set metric.Set) *point {
	old := ps.find(p.at, p.unit)
	switch {
	case old == nil:
		return ps.insert(p.at, p.unit, 0, set)
	case p.flags&late != 0:
		ps.merge(old, set)
	default:
		ps.replace(old, set)
	}
	return old
}

// load reads the points of a tier from its blocks. The lock of the disk is held.
func (s *Series) load(k int, from, to uint32) (points, error) {
	var found points
	tier := &tiers[k]
	start := uint64(tier.blockOf(max(from, s.db.eldest[k])))
	for ; start < uint64(to); start += uint64(tier.block) {
		err := s.db.readBlock(k, uint32(start), s.number, func(at uint32, unit uint8, set metric.Set) {
			if from <= at && at < to {
				found.put(at, unit, set)
			}
		})
		if err != nil {
			return points{}, err
		}
	}
	return found, nil
}

// readBlock calls each for the points of a block, if there is one.
func (db *DB) readBlock(k int, start, series uint32, each func(at uint32, unit uint8, set metric.Set)) error {
	tier := &tiers[k]
	value, err := db.store.Get(kindBlock, tier.key(start, series))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return decodeBlock(value, start, tier.step, tier.block, each)
}

// longestReach is the most seconds that Window keeps in memory: an alarm with
// periods under an hour looks at no more than a day (API reference,
// "PutMetricAlarm", Period).
const longestReach = day + 2*60*60

// older returns the points for a window that begins before memory does. From then
// on memory begins earlier, with some slack, unless the window is too long.
func (s *Series) older(k int, from, to, slack uint32) (points, error) {
	s.db.disk.RLock()
	defer s.db.disk.RUnlock()
	reach := ago(unix(s.db.clock.Now()), from) + slack
	if k == seconds && reach > tiers[k].keep || reach > longestReach {
		return s.collect(k, from, to)
	}
	if err := s.widen(k, from, reach); err != nil {
		return points{}, err
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	return s.memory(k).copy(from, to), nil
}

// widen fills memory from the blocks, back to the one that holds from.
func (s *Series) widen(k int, from, reach uint32) error {
	s.shard.mu.Lock()
	t := s.memory(k)
	t.reach = max(t.reach, reach)
	border := t.from
	s.shard.mu.Unlock()

	from = tiers[k].blockOf(from)
	old, err := s.load(k, from, border)
	if err != nil {
		return err
	}
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	border = t.from // another reader may have come first
	for i := range old.list {
		if p := &old.list[i]; p.at < border {
			t.fill(p.at, p.unit, old.set(p))
		}
	}
	if from < border {
		t.complete(from)
	}
	return nil
}

// fill puts what a block has under what memory has.
func (t *track) fill(at uint32, unit uint8, set metric.Set) {
	p := t.find(at, unit)
	switch {
	case p == nil:
		t.insert(at, unit, 0, set)
	case p.flags&late != 0:
		t.merge(p, set)
	}
}

// complete declares that memory has everything since from.
func (t *track) complete(from uint32) {
	t.from = from
	for i := t.search(from, 0); i < len(t.list); i++ {
		t.list[i].flags &^= late
	}
}
