package clock

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A manual clock stands still until Advance moves it. It moves from one time that something
// waits for to the next, and at each it waits until the server is at rest: until all work is
// done that is under way, and all that follows from it. So it has to know of all work.
//
//	clk.Go(ctx, &loops, func(ctx context.Context) { // work, from here until the function returns
//		for clk.Wait(ctx, next, signal) {        // but not while it waits by the clock or for a signal
//			clk.Outside(ctx, func() { ... })     // work that takes real time: others go on beside it
//		}
//	})
//	clk.Idle(ctx, loops.Wait)                        // not work: it waits for others
//
// Of the work that is not outside one goroutine goes on at a time, in an order that is the same each
// time: what waits for the same time goes on in the order in which it was begun with Go, with what
// each has begun in turn behind it. So the same calls and the same times have the same results.
//
// On a clock that runs by itself Go starts a goroutine, and Outside and Idle call the function.
type manual struct {
	mu      sync.Mutex
	root    work
	turn    *work   // who goes on now, if anyone does
	outside int     // who waits for the real world
	ready   byPlace // who can go on
	due     byTime  // who waits for a time
	rested  chan struct{}
	ended   bool // all go on as they can

	moving chan struct{}              // holds a token while someone moves the clock
	after  func(context.Context) bool // see OnRest
}

// Manual returns a clock that shows start until Advance moves it.
func Manual(wall Wall, start time.Time) *Clock {
	c := Following(wall, start, 1)
	c.manual = &manual{moving: make(chan struct{}, 1)}
	return c
}

// IsManual tells whether the clock moves with Advance only.
func (c *Clock) IsManual() bool { return c.manual != nil }

// OnRest has a function called when no work is under way on a manual clock. It does what is left, such
// as what waits for the disk, and reports whether there was anything. It is set before the clock is moved.
func (c *Clock) OnRest(f func(context.Context) bool) {
	if c.manual != nil {
		c.manual.after = f
	}
}

// End has all work go on side by side from now on: the server ends, and who waits for others need not
// say so.
func (c *Clock) End() {
	if m := c.manual; m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.ended = true
		m.next()
	}
}

// Advance moves a manual clock by a duration, or until a function says at some time that
// this is enough; nil never does. It returns when all that was due on the way is done, and what
// followed from it. It returns the context's error when that ends before; the clock then has come as
// far as it shows.
func (c *Clock) Advance(ctx context.Context, by time.Duration, enough func() bool) error {
	m := c.manual
	if m == nil {
		return fmt.Errorf("the clock runs by itself")
	}
	select {
	case m.moving <- struct{}{}:
		defer func() { <-m.moving }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := m.rest(ctx); err != nil {
		return err
	}
	for to := c.Now().Add(by); ; {
		w, at := m.first(c.Now(), to)
		if w == nil || at.After(c.Now()) {
			if enough != nil && enough() {
				return nil
			}
			c.shown.Store(int64(at.Sub(c.virtual)))
		}
		if w == nil {
			return m.rest(ctx)
		}
		m.let(w)
		if err := m.rest(ctx); err != nil {
			return err
		}
	}
}

// first is who waits for the first time until another, and that time; without one it is the other.
func (m *manual) first(now, to time.Time) (*work, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.due) == 0 || m.due[0].at.After(to) {
		return nil, to
	}
	if w := m.due[0]; w.at.After(now) {
		return w, w.at
	}
	return m.due[0], now
}

// let has someone go on who waits for a time that has come, unless that was over meanwhile.
func (m *manual) let(w *work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.state == waiting {
		m.wake(w)
	}
}

// rest returns when no work is under way, nor follows from what was.
func (m *manual) rest(ctx context.Context) error {
	for {
		if err := m.idle(ctx); err != nil {
			return err
		}
		if m.after == nil || !m.after(ctx) {
			return ctx.Err()
		}
	}
}

// idle returns when no work is under way.
func (m *manual) idle(ctx context.Context) error {
	m.mu.Lock()
	if m.atRest() {
		m.mu.Unlock()
		return nil
	}
	if m.rested == nil {
		m.rested = make(chan struct{})
	}
	rested := m.rested
	m.mu.Unlock()
	select {
	case <-rested:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *manual) atRest() bool { return m.turn == nil && m.outside == 0 && len(m.ready) == 0 }

// next gives the turn to the first who can go on, if nobody has it, and tells of rest.
func (m *manual) next() {
	for len(m.ready) > 0 && (m.turn == nil || m.ended) {
		m.turn = m.ready.first()
		m.turn.state = going
		m.turn.told <- struct{}{}
	}
	if m.rested != nil && m.atRest() {
		close(m.rested)
		m.rested = nil
	}
}
