package tsdb

import (
	"encoding/binary"
	"errors"
	"slices"

	"flyball/metric"
)

// A point is the statistic set of one bucket of time in one unit. Most buckets
// hold one value, so a point has no room for more: a larger set stands aside.
type point struct {
	at    uint32 // start of the bucket, in seconds since 1970
	unit  uint8
	flags uint8
	value float64 // with flag wide: the index of the set
}

// What is known of a point.
const (
	wide      uint8 = 1 << iota // its set stands in points.sets
	unflushed                   // has changed since the journal was written
	unfolded                    // has changed since its block was written
	late                        // is to be merged into its block; otherwise it replaces what is there
)

// points are sorted by time, then unit.
type points struct {
	list []point
	sets []metric.Set
}

func (ps *points) set(p *point) metric.Set {
	if p.flags&wide != 0 {
		return ps.sets[int(p.value)]
	}
	return metric.Set{Count: 1, Sum: p.value, Min: p.value, Max: p.value}
}

// replace makes set the content of p, and keeps it.
func (ps *points) replace(p *point, set metric.Set) {
	switch {
	case p.flags&wide != 0:
		ps.sets[int(p.value)] = set
	case set.Count == 1 && set.Min == set.Max && set.Sum == set.Min:
		p.value = set.Min
	default:
		p.flags |= wide
		p.value = float64(len(ps.sets))
		ps.sets = append(ps.sets, set)
	}
}

// merge adds set to the content of p.
func (ps *points) merge(p *point, set metric.Set) {
	if p.flags&wide != 0 {
		ps.sets[int(p.value)].Merge(set)
		return
	}
	sum := ps.set(p)
	sum.Merge(set)
	ps.replace(p, sum)
}

// search returns the index of the first point that is not before a time and unit.
func (ps *points) search(at uint32, unit uint8) int {
	// Nearly all that come are newer than the newest.
	n := len(ps.list)
	if n == 0 || ps.list[n-1].before(at, unit) {
		return n
	}
	lo, hi := 0, n-1
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); ps.list[mid].before(at, unit) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (p *point) before(at uint32, unit uint8) bool {
	return p.at < at || p.at == at && p.unit < unit
}

// find returns the point of a bucket, or nil.
func (ps *points) find(at uint32, unit uint8) *point {
	if i := ps.search(at, unit); i < len(ps.list) && ps.list[i].at == at && ps.list[i].unit == unit {
		return &ps.list[i]
	}
	return nil
}

// insert adds a point whose bucket has none yet.
func (ps *points) insert(at uint32, unit, flags uint8, set metric.Set) *point {
	i := ps.search(at, unit)
	if n := len(ps.list); n == cap(ps.list) {
		// Grow by a quarter: a million series with half of it unused would be felt.
		ps.list = slices.Grow(slices.Clip(ps.list), max(4, n/4))
	}
	ps.list = slices.Insert(ps.list, i, point{at: at, unit: unit, flags: flags})
	ps.replace(&ps.list[i], set)
	return &ps.list[i]
}

// put merges a set into the point of its bucket.
func (ps *points) put(at uint32, unit uint8, set metric.Set) *point {
	if p := ps.find(at, unit); p != nil {
		ps.merge(p, set)
		return p
	}
	return ps.insert(at, unit, 0, set.Clone())
}

// between returns the points with from <= at < to.
func (ps *points) between(from, to uint32) []point {
	return ps.list[ps.search(from, 0):ps.search(to, 0)]
}

// remove takes out the points for which drop is true.
func (ps *points) remove(drop func(p *point) bool) {
	kept, sets := ps.list[:0], []metric.Set(nil)
	for i := range ps.list {
		p := ps.list[i]
		if drop(&p) {
			continue
		}
		if p.flags&wide != 0 {
			sets = append(sets, ps.sets[int(p.value)])
			p.value = float64(len(sets) - 1)
		}
		kept = append(kept, p)
	}
	ps.list, ps.sets = kept, sets
	if len(kept) == 0 {
		ps.list = nil
	}
}

// errBlock is returned for bytes that are not an encoded block.
var errBlock = errors.New("tsdb: not a block of datapoints")

// blockFormat is the first byte of a block.
const blockFormat = 1

// encode appends the given points of ps, which lie in the block that starts at
// start, with times in steps.
func (ps *points) encode(b []byte, list []point, start, step uint32) []byte {
	b = append(b, blockFormat)
	unit, at := noUnit, start
	for i := range list {
		// The distance from the point before, and a bit for a change of unit.
		p := &list[i]
		head := uint64(p.at-at) / uint64(step) << 1
		if p.unit == unit {
			b = binary.AppendUvarint(b, head)
		} else {
			b = append(binary.AppendUvarint(b, head|1), p.unit)
		}
		b = ps.set(p).Append(b)
		unit, at = p.unit, p.at
	}
	return b
}

// decodeBlock calls each for the points of a block.
func decodeBlock(b []byte, start, step, length uint32, each func(at uint32, unit uint8, set metric.Set)) error {
	if len(b) == 0 || b[0] != blockFormat {
		return errBlock
	}
	b = b[1:]
	unit, offset := noUnit, uint64(0)
	for len(b) > 0 {
		head, n := binary.Uvarint(b)
		if n <= 0 {
			return errBlock
		}
		b = b[n:]
		if head&1 != 0 {
			if len(b) == 0 || b[0] >= noUnit {
				return errBlock
			}
			unit, b = b[0], b[1:]
		}
		if offset += head >> 1; head>>1 >= uint64(length) || offset*uint64(step) >= uint64(length) || unit == noUnit {
			return errBlock
		}
		set, rest, err := metric.DecodeSet(b)
		if err != nil {
			return err
		}
		each(start+uint32(offset)*step, unit, set)
		b = rest
	}
	return nil
}
