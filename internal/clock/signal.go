package clock

import (
	"context"
	"sync"
	"time"
)

// A Signal wakes one who waits by a clock before the time that it waits for. It is Set each
// time that there is something to do, or closed once and for all. A nil Signal wakes nobody.
type Signal struct {
	manual *manual // nil: of a clock that runs by itself

	mu     sync.Mutex // of a clock that runs by itself; else the clock's own is held
	c      chan struct{}
	closed bool
	ends   []context.CancelFunc // of contexts that end with it
	waits  []*work              // who waits for it on a manual clock
}

// Signal makes a signal for those who wait by the clock.
func (c *Clock) Signal() *Signal { return &Signal{manual: c.manual, c: make(chan struct{}, 1)} }

// Set wakes one who waits, or who waits next.
func (s *Signal) Set() {
	if s == nil {
		return
	}
	defer s.lock().Unlock()
	if len(s.waits) > 0 {
		s.manual.wake(s.waits[0])
		return
	}
	if s.closed {
		return
	}
	select {
	case s.c <- struct{}{}:
	default: // it is set already
	}
}

// Close wakes all who wait, and whoever waits from then on at once, and ends the signal's contexts.
func (s *Signal) Close() {
	defer s.lock().Unlock()
	if s.closed {
		return
	}
	s.closed = true
	close(s.c)
	for _, end := range s.ends {
		end()
	}
	for len(s.waits) > 0 {
		s.manual.wake(s.waits[0])
	}
}

// C receives when the signal is set, for who waits for other things than the clock.
func (s *Signal) C() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.c
}

// Closed tells whether the signal was closed.
func (s *Signal) Closed() bool {
	defer s.lock().Unlock()
	return s.closed
}

type signalKey struct{}

// Context returns a context that ends when the signal is closed. Who waits by the clock with it
// is woken by the signal.
func (s *Signal) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(context.WithValue(ctx, signalKey{}, s))
	defer s.lock().Unlock()
	if s.closed {
		end()
	}
	s.ends = append(s.ends, end)
	return ctx, end
}

func (s *Signal) lock() *sync.Mutex {
	mu := &s.mu
	if s.manual != nil {
		mu = &s.manual.mu
	}
	mu.Lock()
	return mu
}

// Take tells whether the signal is set, and if so clears it.
func (s *Signal) Take() bool {
	select {
	case <-s.C():
		return true
	default:
		return false
	}
}

// A Timer calls a function when the clock shows the time that it is set to.
type Timer struct {
	clock *Clock
	do    func()

	mu      sync.Mutex
	rings   *time.Timer // of a clock that runs by itself
	waiting *work       // on a manual clock
}

// Timer makes a timer that is not set. The function is called in a goroutine of its own.
func (c *Clock) Timer(do func()) *Timer { return &Timer{clock: c, do: do} }

// Set has the timer ring at a time, and at none that it was set to before.
func (t *Timer) Set(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.clock.manual; m != nil {
		t.waiting = m.ring(t.waiting, at, t.do)
		return
	}
	in := max(t.clock.Until(at), 0)
	if t.rings == nil {
		t.rings = time.AfterFunc(in, t.do)
	} else {
		t.rings.Reset(in)
	}
}

// Stop has the timer not ring.
func (t *Timer) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rings != nil {
		t.rings.Stop()
	}
	if m := t.clock.manual; m != nil && t.waiting != nil {
		m.forget(t.waiting)
	}
}
