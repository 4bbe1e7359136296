package logstore

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
)

// A Key is the place of an event: its time, and its number among those with the same.
type Key struct {
	Time   int64
	Number uint64
}

// Compare orders keys.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Time, other.Time), cmp.Compare(k.Number, other.Number))
}

// After is the first place behind an event.
func (k Key) After() Key { return Key{k.Time, k.Number + 1} }

// An Entry is an event as it was kept.
type Entry struct {
	Key
	Stream   uint32
	Ingested int64 // milliseconds since 1970
	Message  string
}

// A Query says which events of a group to read: those from a place to before another.
type Query struct {
	Group    uint32
	Streams  func(stream uint32) bool // nil for all
	From, To Key
	Backward bool                      // the latest come first
	Match    func(message []byte) bool // nil for all
	Events   int                       // most in a page, at least 1
	Bytes    int                       // most in a page, in messages; one event may be longer
	Scan     int                       // how much to look at for a page, more or less; 0 for any
}

// A Page is events in order, and where the next page is. Without events it need not be
// the last.
type Page struct {
	Entries []Entry
	// Rest is the first place that was not looked at, or reading backward the place
	// before which was not.
	Rest Key
	End  bool // there are no more for now
}

// Read returns the first events that a query asks for. It holds up no writer, and takes
// memory for one page and one block. What is damaged is a *damage.Error.
func (s *Store) Read(ctx context.Context, q Query) (Page, error) {
	blocks, wanted, release := s.candidates(q)
	defer release()
	if q.Backward {
		slices.SortFunc(blocks, func(a, b *block) int { return cmp.Or(cmp.Compare(b.max, a.max), cmp.Compare(b.body, a.body)) })
	} else {
		slices.SortFunc(blocks, func(a, b *block) int { return cmp.Or(cmp.Compare(a.min, b.min), cmp.Compare(a.body, b.body)) })
	}
	sel := selection{Query: q, wanted: wanted}
	r := reader{codec: s.codec}
	scanned := 0
	for _, b := range blocks {
		if ctx.Err() != nil {
			return Page{}, ctx.Err()
		}
		if sel.beyond(b) {
			break
		}
		if q.Scan > 0 && scanned >= q.Scan && sel.stop(b) {
			break
		}
		scanned += int(b.raw)
		runs, err := r.read(b)
		if err == nil {
			err = sel.take(runs)
		}
		if err != nil {
			return Page{}, s.lost(b, err)
		}
	}
	return sel.page(), nil
}

// candidates are the blocks that can have what a query asks for, the streams in them
// that it asks for, and how to let go of their files.
func (s *Store) candidates(q Query) (blocks []*block, wanted map[uint32]bool, release func()) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	used := map[*segment]bool{}
	wanted = map[uint32]bool{}
	if g := s.groups[q.Group]; g != nil {
		for _, b := range g.blocks {
			if b.max < q.From.Time || b.min > q.To.Time || !s.asked(q, b, wanted) {
				continue
			}
			blocks = append(blocks, b)
			if !used[b.segment] {
				used[b.segment] = true
				b.segment.users.Add(1)
			}
		}
	}
	return blocks, wanted, func() {
		for seg := range used {
			seg.leave()
		}
	}
}

// asked tells whether a block has streams that a query asks for, and notes them. The
// lock is held.
func (s *Store) asked(q Query, b *block, wanted map[uint32]bool) (any bool) {
	for _, n := range b.streams {
		if wanted[n] || !s.gone[n] && (q.Streams == nil || q.Streams(n)) {
			wanted[n], any = true, true
		}
	}
	return any
}

// A selection keeps the first of the events that it is shown, as many as a page holds.
// What is at its bound or beyond is not in the page.
type selection struct {
	Query
	wanted map[uint32]bool // streams
	heap   entryHeap
	bytes  int
	bound  *Key
}

// before orders places as the query reads them.
func (q *Query) before(a, b Key) bool {
	if q.Backward {
		return a.Compare(b) > 0
	}
	return a.Compare(b) < 0
}

// edge is the first place that a block can have.
func (q *Query) edge(b *block) Key {
	if q.Backward {
		return Key{b.max, math.MaxUint64}
	}
	return Key{b.min, 0}
}

// beyond tells whether a block, and all that come after it, have only what is not in
// the page.
func (s *selection) beyond(b *block) bool {
	return s.bound != nil && !s.before(s.edge(b), *s.bound)
}

// stop ends a page before a block, if that is some way from where it began.
func (s *selection) stop(b *block) bool {
	edge := s.edge(b)
	if s.Backward {
		if edge.Compare(s.To) >= 0 {
			return false
		}
	} else if edge.Compare(s.From) <= 0 {
		return false
	}
	s.bound = &edge
	for len(s.heap.entries) > 0 && !s.before(s.heap.entries[0].Key, edge) {
		s.pop()
	}
	return true
}

// take looks at the runs of a block.
func (s *selection) take(runs []byte) error {
	for len(runs) > 0 {
		r, rest, err := nextRun(runs)
		if err != nil {
			return err
		}
		if s.wanted[r.stream] {
			if err := r.each(func(k Key, message []byte) bool { return s.offer(r, k, message) }); err != nil {
				return err
			}
		}
		runs = rest
	}
	return nil
}

// offer keeps an event if it is one of the first. It tells whether those after it in
// its run can be.
func (s *selection) offer(r run, k Key, message []byte) bool {
	if k.Compare(s.From) < 0 {
		return true
	}
	if k.Compare(s.To) >= 0 {
		return false
	}
	if s.bound != nil && !s.before(k, *s.bound) {
		return s.Backward
	}
	if s.Match != nil && !s.Match(message) {
		return true
	}
	s.heap.backward = s.Backward
	heap.Push(&s.heap, Entry{k, r.stream, r.ingested, string(message)})
	s.bytes += len(message)
	for len(s.heap.entries) > s.Events || s.Bytes > 0 && s.bytes > s.Bytes && len(s.heap.entries) > 1 {
		last := s.pop()
		s.bound = &last
	}
	return true
}

// pop takes the last event out.
func (s *selection) pop() Key {
	e := heap.Pop(&s.heap).(Entry)
	s.bytes -= len(e.Message)
	return e.Key
}

// page is what was selected. Its events are in the order of their times.
func (s *selection) page() Page {
	entries := s.heap.entries
	slices.SortFunc(entries, func(a, b Entry) int { return a.Compare(b.Key) })
	p := Page{Entries: entries, End: s.bound == nil}
	switch {
	case s.bound == nil && s.Backward:
		p.Rest = s.From
	case s.bound == nil:
		p.Rest = s.To
	case s.Backward && s.bound.Number != math.MaxUint64:
		p.Rest = s.bound.After()
	default:
		p.Rest = *s.bound
	}
	return p
}

// An entryHeap has the last of the entries on top.
type entryHeap struct {
	entries  []Entry
	backward bool
}

func (h *entryHeap) Len() int { return len(h.entries) }

func (h *entryHeap) Less(i, j int) bool {
	if h.backward {
		return h.entries[i].Compare(h.entries[j].Key) < 0
	}
	return h.entries[i].Compare(h.entries[j].Key) > 0
}

func (h *entryHeap) Swap(i, j int) { h.entries[i], h.entries[j] = h.entries[j], h.entries[i] }
func (h *entryHeap) Push(v any)    { h.entries = append(h.entries, v.(Entry)) }

func (h *entryHeap) Pop() any {
	last := h.entries[len(h.entries)-1]
	h.entries = h.entries[:len(h.entries)-1]
	return last
}
