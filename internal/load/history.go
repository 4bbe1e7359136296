package load

import (
	"maps"
	"slices"
)

// A History keeps a load of any length in bounded memory: once it has many lines, it puts
// each two together.
type History struct {
	lines []Line
	wide  int // how many seconds a line is of
	next  int // how many the last one is of
}

// mostLines is how many lines a history has, at most: more than a picture has columns.
const mostLines = 2400

// Add adds a second.
func (h *History) Add(line Line) {
	h.wide = max(h.wide, 1)
	if n := len(h.lines); n > 0 && h.next < h.wide {
		h.lines[n-1] = h.lines[n-1].and(line)
		h.next++
		return
	}
	if len(h.lines) == mostLines {
		half := h.lines[:0]
		for pair := range slices.Chunk(h.lines, 2) {
			half = append(half, pair[0].and(pair[1]))
		}
		clear(h.lines[len(half):])
		h.lines = half
		h.wide *= 2
	}
	h.lines = append(h.lines, line)
	h.next = 1
}

// Lines are all of it. They are good until the next Add.
func (h *History) Lines() []Line { return h.lines }

// and puts two lines together, of which one follows the other.
func (l Line) and(next Line) Line {
	both := next
	both.Seconds += l.Seconds
	both.Requests += l.Requests
	both.Failures = maps.Clone(l.Failures)
	for kind, n := range next.Failures {
		if both.Failures == nil {
			both.Failures = Failures{}
		}
		both.Failures[kind] += n
	}
	s := newSketch()
	for _, b := range append(l.Histogram(), next.Histogram()...) {
		_ = s.AddWithCount(b.Seconds, b.Count) // what cannot be counted is left out
	}
	both.answered(s.histogram(), s.latency())
	return both
}
