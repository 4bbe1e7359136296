package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flyball/internal/clock"
	"flyball/internal/store"
)

const clockKind = "server.clock"

// openClock starts the clock at the present, or where an earlier and faster
// life left it: time never goes back under the state.
func (s *Server) openClock() (*clock.Clock, error) {
	start := time.Now().UTC()
	value, err := s.store.Get(clockKind, "now")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		var last time.Time
		if err := json.Unmarshal(value, &last); err != nil {
			return nil, fmt.Errorf("read the clock: %w", err)
		}
		if last.After(start) {
			start = last
			s.cfg.Log.Info("the clock goes on where it stopped", "now", last, "ahead", time.Until(last).Round(time.Second))
		}
	}
	return clock.New(start, s.cfg.Speed), nil
}

// keepClock notes once a second where a fast clock will be when it notes again,
// so that it does not go back even after a kill. At normal speed and in step
// with the wall clock there is nothing to note.
func (s *Server) keepClock(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if now := s.clock.Now(); now.After(time.Now().Add(time.Second)) {
			value, err := now.Add(time.Duration(s.clock.Speed() * float64(time.Second))).MarshalJSON()
			if err != nil {
				return fmt.Errorf("note the clock: %w", err)
			}
			// Run watches for writes that fail.
			s.store.Write(new(store.Batch).Put(clockKind, "now", value))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
