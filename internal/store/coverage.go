package store

import (
	"cmp"
	"slices"
	"sync"
)

// A coverage knows which ranges of each kind were read to their ends. The zero coverage knows
// of none.
type coverage struct {
	mu     sync.Mutex
	ranges map[string][]Range
	ended  bool
}

// note notes a range, until nobody asks any more.
func (c *coverage) note(kind string, r Range) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	if c.ranges == nil {
		c.ranges = map[string][]Range{}
	}
	c.ranges[kind] = append(c.ranges[kind], r)
}

// end forgets all ranges.
func (c *coverage) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ranges, c.ended = nil, true
}

// rest are the ranges of a kind that were not read, in order.
func (c *coverage) rest(kind string) (rest []Range) {
	c.mu.Lock()
	defer c.mu.Unlock()
	read := slices.Clone(c.ranges[kind])
	slices.SortFunc(read, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	from := ""
	for _, r := range read {
		if r.From > from {
			rest = append(rest, Range{From: from, To: r.From})
		}
		if r.To == "" {
			return rest
		}
		from = max(from, r.To)
	}
	return append(rest, Range{From: from})
}
