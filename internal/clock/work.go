package clock

import (
	"container/heap"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// A work is a goroutine that a manual clock knows of. Its fields are guarded by the clock's lock.
type work struct {
	place    string // in the order of all
	children uint32 // that were begun by it
	state    state
	told     chan struct{} // gets a token when it is to go on
	at       time.Time     // that it waits for; zero: for none
	index    int           // among those that wait for a time
	signals  []*Signal     // that it waits for
	start    func()        // of a timer, when its time has come
}

// A state is what a work does.
type state uint8

const (
	unknown state = iota // it is not counted, but may wait for a time
	going                // its turn
	outside              // it waits for the real world
	ready                // it can go on
	waiting              // for a time or a signal
	idle                 // for others
)

type workKey struct{}

// Counts tells whether a context is of work that is counted on a manual clock.
func (c *Clock) Counts(ctx context.Context) bool { return c.manual != nil && working(ctx) != nil }

// working is the work that a context is of, if it is of any.
func working(ctx context.Context) *work {
	w, _ := ctx.Value(workKey{}).(*work)
	return w
}

// Go runs a function in a goroutine that a group waits for. On a manual clock it is work
// under way from now on until it returns; the function passes the context that it is given to what
// waits by the clock.
func (c *Clock) Go(ctx context.Context, group *sync.WaitGroup, f func(context.Context)) {
	run := c.Counted(ctx, func(ctx context.Context) error { f(ctx); return nil })
	group.Go(func() { _ = run() })
}

// Counted is Go for who starts the goroutine: what it returns has to be called once, in
// a goroutine of its own, and is work from now on.
func (c *Clock) Counted(ctx context.Context, f func(context.Context) error) func() error {
	m := c.manual
	if m == nil {
		return func() error { return f(ctx) }
	}
	w := m.begin(working(ctx))
	return func() error {
		<-w.told
		defer m.end(w)
		return f(context.WithValue(ctx, workKey{}, w))
	}
}

// Outside calls a function that takes real time, such as one that runs a program. It is work, which other
// work does not wait for.
func (c *Clock) Outside(ctx context.Context, f func()) { c.aside(ctx, outside, f) }

// Idle calls a function that waits for what other work does in its time. It is not work.
func (c *Clock) Idle(ctx context.Context, f func()) { c.aside(ctx, idle, f) }

func (c *Clock) aside(ctx context.Context, as state, f func()) {
	w := working(ctx)
	if c.manual == nil || w == nil || !c.manual.step(w, going, as) {
		f()
		return
	}
	defer func() {
		if c.manual.step(w, as, ready) { // else it has waited meanwhile, and has its turn
			<-w.told
		}
	}()
	f()
}

// begin adds a work to those that can go on, behind those that its parent has begun before.
func (m *manual) begin(parent *work) *work {
	m.mu.Lock()
	defer m.mu.Unlock()
	if parent == nil {
		parent = &m.root
	}
	w := &work{place: m.placeUnder(parent), told: make(chan struct{}, 1)}
	m.set(w, ready)
	return w
}

// placeUnder is the next place behind a parent's.
func (m *manual) placeUnder(parent *work) string {
	parent.children++
	return string(binary.BigEndian.AppendUint32([]byte(parent.place), parent.children))
}

func (m *manual) end(w *work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(w, idle)
}

// step has a work do something else, if it does what it is said to.
func (m *manual) step(w *work, from, to state) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.state != from {
		return false
	}
	m.set(w, to)
	return true
}

// set changes what a work does, and gives the turn on.
func (m *manual) set(w *work, to state) {
	switch w.state {
	case going:
		m.turn = nil
	case outside:
		m.outside--
	}
	w.state = to
	switch to {
	case outside:
		m.outside++
	case ready:
		heap.Push(&m.ready, w)
	}
	m.next()
}

// wait waits for a time, unless that is zero, for signals, for something else, or the end of ctx.
func (m *manual) wait(ctx context.Context, at time.Time, other <-chan struct{}, signals ...*Signal) {
	w := working(ctx)
	m.mu.Lock()
	for _, s := range signals {
		if s.Take() {
			m.mu.Unlock()
			return
		}
	}
	if w == nil {
		w = &work{told: make(chan struct{}, 1)}
	}
	w.at, w.signals = at, signals
	if !at.IsZero() {
		heap.Push(&m.due, w)
	}
	for _, s := range signals {
		if s != nil {
			s.waits = append(s.waits, w)
		}
	}
	m.set(w, waiting)
	m.mu.Unlock()
	select {
	case <-w.told:
		return
	case <-ctx.Done():
	case <-other:
	}
	m.mu.Lock()
	if w.state == waiting {
		m.wake(w)
	}
	m.mu.Unlock()
	<-w.told
}

// ring has a function called at a time, in place of what waits for that, if it still does.
func (m *manual) ring(before *work, at time.Time, do func()) *work {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before != nil && before.state == waiting {
		before.at = at
		heap.Fix(&m.due, before.index)
		return before
	}
	w := &work{place: m.placeUnder(&m.root), told: make(chan struct{}, 1), state: waiting, at: at}
	w.start = func() {
		<-w.told
		defer m.end(w)
		do()
	}
	heap.Push(&m.due, w)
	return w
}

// forget has nobody wait any more for whom ring waits.
func (m *manual) forget(w *work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.state == waiting {
		heap.Remove(&m.due, w.index)
		w.state = idle
	}
}

// wake has a work go on that waits.
func (m *manual) wake(w *work) {
	if !w.at.IsZero() {
		heap.Remove(&m.due, w.index)
		w.at = time.Time{}
	}
	for _, s := range w.signals {
		if s != nil {
			s.waits = slices.DeleteFunc(s.waits, func(other *work) bool { return other == w })
		}
	}
	w.signals = nil
	if w.place == "" { // it is not counted
		w.state = unknown
		w.told <- struct{}{}
		return
	}
	if w.start != nil {
		go w.start()
	}
	m.set(w, ready)
}

// byPlace is a heap, the first in the order first.
type byPlace []*work

// Len, Less, Swap, Push and Pop are for package heap.
func (h byPlace) Len() int           { return len(h) }
func (h byPlace) Less(i, j int) bool { return h[i].place < h[j].place }
func (h byPlace) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byPlace) Push(w any)        { *h = append(*h, w.(*work)) }
func (h *byPlace) Pop() any          { return pop((*[]*work)(h)) }

func (h *byPlace) first() *work { return heap.Pop(h).(*work) }

// byTime is a heap, the soonest first, of those at one time the first in the order.
type byTime []*work

// Len, Less, Swap, Push and Pop are for package heap.
func (h byTime) Len() int { return len(h) }

func (h byTime) Less(i, j int) bool {
	if d := h[i].at.Compare(h[j].at); d != 0 {
		return d < 0
	}
	return h[i].place < h[j].place
}

func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byTime) Push(w any) {
	w.(*work).index = len(*h)
	*h = append(*h, w.(*work))
}

func (h *byTime) Pop() any { return pop((*[]*work)(h)) }

func pop(from *[]*work) *work {
	last := len(*from) - 1
	taken := (*from)[last]
	(*from)[last] = nil
	*from = (*from)[:last]
	return taken
}
