package trace

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// A timeline is points in little more than the memory of their values, as long as most of their
// times and lines are at equal distances. Those of files are.
type timeline struct {
	values []float64
	runs   []run
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
	n := len(l.values)
	l.values = append(l.values, p.value)
	if k := len(l.runs) - 1; k >= 0 {
		r := &l.runs[k]
		if n == r.from+1 {
			r.every, r.lines = p.at-r.at, p.line-r.line
			return
		}
		if next := r.point(n, 0); next.at == p.at && next.line == p.line {
			return
		}
	}
	l.runs = append(l.runs, run{from: n, at: p.at, line: p.line})
}

func (l *timeline) len() int { return len(l.values) }

// at is the i-th point.
func (l *timeline) at(i int) point {
	k := sort.Search(len(l.runs), func(k int) bool { return l.runs[k].from > i }) - 1
	return l.runs[k].point(i, l.values[i])
}

func (l *timeline) first() point { return l.at(0) }
func (l *timeline) last() point  { return l.at(l.len() - 1) }

// end is where a run ends.
func (l *timeline) end(k int) int {
	if k+1 < len(l.runs) {
		return l.runs[k+1].from
	}
	return len(l.values)
}

// all are the points.
func (l *timeline) all() iter.Seq2[int, point] {
	return func(yield func(int, point) bool) {
		for k := range l.runs {
			for i := l.runs[k].from; i < l.end(k); i++ {
				if !yield(i, l.runs[k].point(i, l.values[i])) {
					return
				}
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
	sorted := &timeline{values: make([]float64, 0, len(all))}
	for _, p := range all {
		sorted.add(p)
	}
	return sorted
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
	return some
}

// A distance is one that is so many times between a point and the next.
type distance struct {
	time  int64
	times int
}

// distances are those of the points in the order of their times, the shortest first.
func (l *timeline) distances() []distance {
	var all []distance
	for k := range l.runs {
		r, end := &l.runs[k], l.end(k)
		if n := end - r.from - 1; n > 0 {
			all = append(all, distance{r.every, n})
		}
		if end < len(l.values) {
			all = append(all, distance{l.runs[k+1].at - r.point(end-1, 0).at, 1})
		}
	}
	slices.SortFunc(all, func(a, b distance) int { return cmp.Compare(a.time, b.time) })
	joined := all[:0]
	for _, d := range all {
		if n := len(joined); n > 0 && joined[n-1].time == d.time {
			joined[n-1].times += d.times
			continue
		}
		joined = append(joined, d)
	}
	return joined
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
