package server

import (
	"context"
	"testing"
	"time"

	"flyball/internal/state"
)

// Whatever time a life has written down, the one after a kill begins later: at
// once, and when the clock has long passed what was noted of it.
func TestTheClockDoesNotGoBackAfterAKill(t *testing.T) {
	const speed = 10_000 // two hours and a half in a second
	dir := t.TempDir()
	for life := range 3 {
		s := open(t, dir, at(speed))
		var written time.Time
		for range 2 {
			err := s.state.Change(t.Context(), func(_ context.Context, tx *state.Tx) error {
				written = s.clock.Now()
				tx.Put(state.Kind{Name: "test.time", Version: 1}, "last", written)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			s.ahead.noted = time.Time{} // as if it had come there
		}
		dir = imageOf(t, dir)
		s.Close()
		next := open(t, dir, at(speed))
		if begins := next.clock.Now(); begins.Before(written) {
			t.Errorf("life %d wrote at %v, and the next begins at %v", life, written, begins)
		}
		next.Close()
	}
}

func TestAFastClockGoesOnWhenTheNextLifeIsSlow(t *testing.T) {
	dir := t.TempDir()
	fast := open(t, dir, at(10_000))
	if err := fast.state.Change(t.Context(), func(_ context.Context, tx *state.Tx) error { fast.ahead.note(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	last := fast.clock.Now()
	fast.Close()
	slow := open(t, dir)
	defer slow.Close()
	if now := slow.clock.Now(); now.Before(last) || now.After(last.Add(6*time.Hour)) {
		t.Errorf("the clock was at %v, and goes on at %v", last, now)
	}
}
