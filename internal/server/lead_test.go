package server

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flyball/internal/clock"
	"flyball/internal/state"
	"flyball/metric"
)

// wallAt is a wall clock that is off by a time.
func wallAt(off time.Duration) func(*Config) {
	return func(c *Config) { c.Wall = func() time.Time { return time.Now().Add(off) } }
}

// logTo has a server write its log.
func logTo(b *bytes.Buffer) func(*Config) {
	return func(c *Config) { c.Log = slog.New(slog.NewTextHandler(b, nil)) }
}

// live writes a time, and a datapoint of it, as a server does.
func live(t *testing.T, s *Server) {
	t.Helper()
	v, err := s.cells.of("123456789012", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	err = v.cell.State.Change(t.Context(), func(_ context.Context, tx *state.Tx) error {
		tx.Put(state.Kind{Name: "scheduler.run", Version: 1}, "default/gone", s.clock.Now())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var set metric.Set
	set.Add(1, 1)
	v.datapoints.Append([]metric.Sample{{Metric: metric.NewID("N", "m"), Time: s.clock.Now(), Set: set}})
}

func TestAWrongWallClockLeavesALeadThatCanBeGivenUp(t *testing.T) {
	const year = 365 * 24 * time.Hour
	dir := t.TempDir()
	wrong := open(t, dir, wallAt(year))
	live(t, wrong)
	wrong.Close()

	var log bytes.Buffer
	right := open(t, dir, logTo(&log))
	if ahead := time.Until(right.clock.Now()); ahead < year-time.Hour {
		t.Errorf("time goes back under the state: the clock is %v ahead", ahead)
	}
	if text := log.String(); !strings.Contains(text, "ahead=87") || !strings.Contains(text, "--clock wall") {
		t.Errorf("the start does not tell of the lead: %s", text)
	}
	right.Close()

	for _, change := range []func(*Config){func(c *Config) { c.Clock = ClockWall }, func(*Config) {}} {
		s := open(t, dir, change)
		if ahead := time.Until(s.clock.Now()).Abs(); ahead > time.Minute {
			t.Errorf("the clock is %v ahead after its lead is given up", ahead)
		}
		v, err := s.cells.of("123456789012", "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		run, err := state.Get[time.Time](v.cell.State, state.Kind{Name: "scheduler.run", Version: 1}, "default/gone")
		if err != nil || run.After(time.Now()) || run.Before(time.Now().Add(-time.Hour)) {
			t.Errorf("what happened in the lead happened at %v (%v)", run, err)
		}
		if last := v.datapoints.Series(metric.NewID("N", "m")).Last(); last.After(time.Now().Add(time.Hour)) {
			t.Errorf("there is a datapoint of %v", last)
		}
		s.Close()
	}
}

func TestASmallLeadIsCaughtUpAtSpeedOne(t *testing.T) {
	dir := t.TempDir()
	early := open(t, dir, wallAt(30*time.Second))
	live(t, early)
	last := early.clock.Now()
	early.Close()
	s := open(t, dir)
	defer s.Close()
	now := s.clock.Now()
	if stands := s.clock.Stands(); now.Before(last.Add(-time.Second)) || stands < 20*time.Second || stands > 30*time.Second {
		t.Errorf("the clock was at %v, and stands at %v for %v", last, now, stands)
	}
}

func TestWhatTheWallClockDoesIsToldOnce(t *testing.T) {
	var off atomic.Int64
	var log bytes.Buffer
	clk := clock.Following(func() time.Time { return time.Now().Add(time.Duration(off.Load())) }, time.Now(), 1)
	w := wallWatch{clock: clk, log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, step := range []struct {
		off  time.Duration
		want string // in the log, which is empty otherwise
	}{
		{0, ""},
		{3 * time.Second, ""},
		{8 * time.Hour, "jumped forward"},
		{8 * time.Hour, ""},
		{7 * time.Hour, "--clock wall"},
		{7 * time.Hour, ""},
		{8*time.Hour - 3*time.Second, "for less"}, // put right, but not all of it
		{8*time.Hour + time.Second, "goes on"},
		{8*time.Hour + time.Second, ""},
	} {
		off.Store(int64(step.off))
		log.Reset()
		w.look()
		if text := log.String(); (text == "") != (step.want == "") || !strings.Contains(text, step.want) {
			t.Errorf("with the wall clock %v off it tells %q, want %q", step.off, text, step.want)
		}
	}
}
