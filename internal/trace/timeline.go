package trace

import (
	"errors"
	"iter"
	"maps"
	"slices"
)

// A timeline is points in little more than the room of their values, as long as most of their
// times and lines are at equal distances. Those of files are.
type timeline struct {
	values column[float64]
	runs   column[run] // but the last
	newest run
}

// A run is points in a row whose times and lines are at equal distances.
type run struct {
	from  int   // the place of the first
	at    int64 // its time
	every int64
	line  int // its line
	lines int
}

// point is one of the run's by its place in the timeline.
func (r *run) point(i int, value float64) point {
	n := i - r.from
	return point{r.at + int64(n)*r.every, value, r.line + n*r.lines}
}

func (l *timeline) add(p point) {
	n := l.len()
	l.values.append(p.value)
	if n > 0 {
		r := &l.newest
		if n == r.from+1 {
			r.every, r.lines = p.at-r.at, p.line-r.line
			return
		}
		if next := r.point(n, 0); next.at == p.at && next.line == p.line {
			return
		}
		l.runs.append(*r)
	}
	l.newest = run{from: n, at: p.at, line: p.line}
}

func (l *timeline) len() int { return l.values.len() }

func (l *timeline) first() point {
	r := l.newest
	if l.runs.len() > 0 {
		r = l.runs.at(0)
	}
	return r.point(0, l.values.at(0))
}

func (l *timeline) last() point { return l.newest.point(l.len()-1, l.values.at(l.len()-1)) }

// err is why points could not be read, if they could not.
func (l *timeline) err() error { return errors.Join(l.values.err, l.runs.err) }

// after is the timeline, which was made of another one: what could not be read of that is missing here.
func (l *timeline) after(other *timeline) *timeline {
	l.values.err = other.err()
	return l
}

// ended are the runs with the places at which they end.
func (l *timeline) ended() iter.Seq2[run, int] {
	return func(yield func(run, int) bool) {
		var before run
		for k, r := range l.runs.all() {
			if k > 0 && !yield(before, r.from) {
				return
			}
			before = r
		}
		if l.runs.len() > 0 && !yield(before, l.newest.from) || l.len() == 0 {
			return
		}
		yield(l.newest, l.len())
	}
}

// all are the points.
func (l *timeline) all() iter.Seq2[int, point] {
	return func(yield func(int, point) bool) {
		next, stop := iter.Pull(l.values.each()) // a block at a time, of many values
		defer stop()
		var values []float64
		i := 0
		for r, end := range l.ended() {
			for ; i < end; i++ {
				if len(values) == 0 {
					if values, _ = next(); len(values) == 0 {
						return
					}
				}
				if !yield(i, r.point(i, values[0])) {
					return
				}
				values = values[1:]
			}
		}
	}
}

// sorted are the points in the order of their times, and those of one time in that of their lines.
func (l *timeline) sorted() *timeline {
	var before point
	for i, p := range l.all() {
		if i > 0 && byTime(before, p) > 0 {
			return l.sort()
		}
		before = p
	}
	return l
}

func (l *timeline) sort() *timeline {
	all := make([]point, 0, l.len())
	for _, p := range l.all() {
		all = append(all, p)
	}
	slices.SortStableFunc(all, byTime)
	sorted := &timeline{}
	for _, p := range all {
		sorted.add(p)
	}
	return sorted.after(l)
}

// between are the points from a place to another.
func (l *timeline) between(from, to int) *timeline {
	if from == 0 && to == l.len() {
		return l
	}
	some := &timeline{}
	for i, p := range l.all() {
		if i >= from && i < to {
			some.add(p)
		}
	}
	return some.after(l)
}

// A distance is one that is so many times between a point and the next.
type distance struct {
	time  int64
	times int
}

// distances are those of the points in the order of their times, the shortest first.
func (l *timeline) distances() []distance {
	times, begun := map[int64]int{}, false
	var last int64
	for r, end := range l.ended() {
		if begun {
			times[r.at-last]++
		}
		if n := end - r.from - 1; n > 0 {
			times[r.every] += n
		}
		begun, last = true, r.point(end-1, 0).at
	}
	var all []distance
	for _, d := range slices.Sorted(maps.Keys(times)) {
		all = append(all, distance{d, times[d]})
	}
	return all
}

// mode is the most frequent distance, and of those the shortest.
func mode(distances []distance) (most distance) {
	for _, d := range distances {
		if d.times > most.times {
			most = d
		}
	}
	return most
}

// median is the distance in the middle.
func median(distances []distance) int64 {
	n := 0
	for _, d := range distances {
		n += d.times
	}
	before := 0
	for _, d := range distances {
		if before += d.times; before > n/2 {
			return d.time
		}
	}
	return 0
}
