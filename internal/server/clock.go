package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"flyball/internal/client"
	"flyball/internal/clock"
	"flyball/internal/lead"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/wire"
)

// kindClock is how far the clock may have come; one document.
var kindClock = state.Kind{Name: "server.clock", Version: 1}

const clockKey = "now"

// soon is how far ahead a clock at speed 1 may be at the start to stand still until the wall
// clock has caught up. One that is further ahead stays ahead.
const soon = time.Minute

// openClock starts the clock at the present, or where an earlier life left it that
// was faster, or had another wall clock: time never goes back under the state.
func (s *Server) openClock() error {
	wall := s.cfg.Wall
	if wall == nil {
		wall = time.Now
	}
	start := wall().UTC()
	last, err := state.Get[time.Time](s.state, kindClock, clockKey)
	fresh := errors.Is(err, store.ErrNotFound)
	if fresh {
		last, err = &start, nil
	}
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	if s.cfg.Clock == ClockManual {
		s.openManualClock(*last, fresh)
		return nil
	}
	ahead := last.Sub(start)
	if s.cfg.Clock == ClockWall && ahead > 0 {
		if err := s.giveUpLead(lead.Lead{Now: start, By: ahead}); err != nil {
			return err
		}
		ahead = 0
	}
	stays := ahead > 0 && (ahead > soon || s.cfg.Speed != 1)
	if stays {
		start = *last
		s.tellLead(ahead, start)
	}
	s.clock = clock.Following(s.cfg.Wall, start, s.cfg.Speed)
	if ahead > 0 && !stays {
		s.clock.NotBefore(*last)
	}
	s.noteClock()
	return nil
}

// openManualClock has the clock stand where an earlier life left it, or in its first at the start that is
// given, or at the full minute.
func (s *Server) openManualClock(last time.Time, fresh bool) {
	if fresh {
		last = last.Truncate(time.Minute)
		if !s.cfg.Start.IsZero() {
			last = s.cfg.Start
		}
	}
	s.clock = clock.Manual(s.cfg.Wall, last)
	s.clock.OnRest(s.state.Announced)
	s.noteClock()
}

// noteClock has where the clock is noted with what is written.
func (s *Server) noteClock() {
	s.ahead.clock = s.clock
	s.state.Stamp(s.ahead.stamp)
}

// tellLead says what becomes of a lead that an earlier life has left.
func (s *Server) tellLead(ahead time.Duration, now time.Time) {
	goesOn := "it goes on at --speed from there"
	if s.cfg.Speed == 1 {
		goesOn = "at --speed 1 it goes with the wall clock and stays as far ahead, so that no time comes twice"
	}
	s.cfg.Log.Warn("the server's clock is ahead of the wall clock, for an earlier life had a faster clock or a wrong wall clock: "+goesOn+"; "+
		"the times that it tells and those of schedules are as far from the true ones, and queries for the true ones find nothing (flyball now prints its time); "+
		"to go back to the wall clock and keep the data, stop the server and start it once with --clock wall; to start over, give --data another folder",
		"ahead", ahead.Round(time.Second), "now", now)
}

// clockShows is what the clock shows, beside the wall clock.
func (s *Server) clockShows() client.Clock {
	now, wall := s.clock.Now(), s.clock.Wall().UTC()
	lead := now.Sub(wall)
	c := client.Clock{Now: now, Wall: wall, Lead: lead.Round(time.Millisecond).Seconds(), Speed: s.clock.Speed(), State: client.Follows}
	switch {
	case s.clock.IsManual():
		c.State = client.Manual
	case c.Speed != 1:
		c.State = client.Runs
	case s.clock.Stands() > 0:
		c.State = client.Waits
	case lead > time.Second:
		c.State = client.Ahead
	}
	return c
}

func (s *Server) serveClock(w http.ResponseWriter, _ *http.Request, _ wire.Call) {
	writeJSON(w, s.clockShows())
}

// timed tells the server's time in each answer.
func (s *Server) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(client.NowHeader, s.clock.Now().Format(timeOfHeader))
		next.ServeHTTP(w, r)
	})
}

// timeOfHeader is RFC 3339 with milliseconds.
const timeOfHeader = "2006-01-02T15:04:05.000Z07:00"

// A clockNote is a time on disk to which a clock has come, so that it does not go back in the
// next life, whatever the wall clock is then. A clock that is ahead of the wall clock has not
// come to the time yet, so that it does not go back after a kill either.
type clockNote struct {
	clock *clock.Clock
	noted time.Time // when it is to be noted again; guarded by the state's lock
}

const (
	// noteEvery is how long a note of a clock that is ahead is good for, in real time.
	noteEvery = time.Second
	// inStepEvery is how often is noted where a clock is that goes with the wall clock.
	inStepEvery = time.Minute
)

// stamp notes the clock with a write, if it has come to what was noted before:
// whatever time a change tells of, the next life begins after it.
func (n *clockNote) stamp(tx *state.Tx) {
	if !n.clock.Now().Before(n.noted) {
		n.note(tx)
	}
}

// note notes where the clock is, or will be when it is to be noted again.
func (n *clockNote) note(tx *state.Tx) {
	now := n.clock.Now()
	if n.clock.IsManual() {
		n.noted = now.Add(1)
		tx.Put(kindClock, clockKey, now)
		return
	}
	if !n.ahead(now) {
		n.noted = now.Add(inStepEvery)
		tx.Put(kindClock, clockKey, now)
		return
	}
	n.noted = now.Add(time.Duration(n.clock.Speed() * float64(noteEvery)))
	tx.Put(kindClock, clockKey, n.noted)
}

// keep notes a clock that is ahead, also when nothing is written.
func (n *clockNote) keep(tx *state.Tx) {
	if n.ahead(n.clock.Now()) {
		n.note(tx)
	}
}

// ahead tells whether the clock may be further than the wall clock.
func (n *clockNote) ahead(now time.Time) bool {
	return !n.clock.IsManual() && (n.clock.Speed() > 1 || now.After(n.clock.Wall().Add(time.Second)))
}

// keepClock has the clock follow the wall clock and be noted.
func (s *Server) keepClock(ctx context.Context) error {
	watch := wallWatch{clock: s.clock, log: s.cfg.Log}
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		watch.look()
		s.state.Later(s.ahead.keep)
		select {
		case <-ctx.Done():
			s.state.Later(s.ahead.note)
			return nil
		case <-tick.C:
		}
	}
}
