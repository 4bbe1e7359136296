package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flyball/internal/clock"
	"flyball/internal/state"
	"flyball/internal/store"
)

// kindClock is how far the clock may have come; one document.
var kindClock = state.Kind{Name: "server.clock", Version: 1}

const clockKey = "now"

// openClock starts the clock at the present, or where an earlier and faster
// life left it: time never goes back under the state.
func (s *Server) openClock() error {
	start := time.Now().UTC()
	last, err := state.Get[time.Time](s.state, kindClock, clockKey)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return fmt.Errorf("read the clock: %w", err)
	case last.After(start):
		start = *last
		s.cfg.Log.Info("the clock goes on where it stopped", "now", start, "ahead", time.Until(start).Round(time.Second))
	}
	s.clock = clock.New(start, s.cfg.Speed)
	s.ahead.clock = s.clock
	s.state.Stamp(s.ahead.stamp)
	return nil
}

// A clockNote is a time on disk that a clock has not come to yet, so that it does
// not go back even after a kill. At normal speed and in step with the wall clock
// there is nothing to note.
type clockNote struct {
	clock *clock.Clock
	noted time.Time // guarded by the state's lock
}

// noteEvery is how long a note is good for, in real time.
const noteEvery = time.Second

// stamp notes the clock with a write, if it has come to what was noted before:
// whatever time a change tells of, the next life begins after it.
func (n *clockNote) stamp(tx *state.Tx) {
	if !n.clock.Now().Before(n.noted) {
		n.note(tx)
	}
}

// note notes where the clock will be when it is to be noted again.
func (n *clockNote) note(tx *state.Tx) {
	now := n.clock.Now()
	if n.clock.Speed() <= 1 && !now.After(time.Now().Add(time.Second)) {
		return
	}
	n.noted = now.Add(time.Duration(n.clock.Speed() * float64(noteEvery)))
	tx.Put(kindClock, clockKey, n.noted)
}

// keepClock notes the clock also when nothing is written.
func (s *Server) keepClock(ctx context.Context) error {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		s.state.Later(s.ahead.note)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
