package server

import (
	"log/slog"
	"time"

	"flyball/internal/clock"
)

// A wallWatch tells of what the wall clock does to a clock, each thing once.
type wallWatch struct {
	clock  *clock.Clock
	log    *slog.Logger
	stands bool // it is told that the clock stands still
}

// look has the clock follow the wall clock, and tells of a jump.
func (w *wallWatch) look() {
	jump, ok := w.clock.Look()
	stands := w.clock.Stands().Round(time.Second)
	switch {
	case ok && stands > 0 && jump.By > 0:
		w.log.Info("the wall clock has jumped forward, and the server's time stands still for less", "by", jump.By.Round(time.Second), "stands", stands)
	case ok && stands > 0:
		w.stands = true
		w.log.Warn("the wall clock has gone back, so the server's time stands still until it has caught up: "+
			"calls are answered and tasks run, and nothing is measured, evaluated or due meanwhile; "+
			"if the wall clock was wrong before, stop the server and start it once with --clock wall",
			"by", jump.By.Round(time.Second), "wall", jump.To, "now", w.clock.Now(), "stands", stands)
	case ok:
		w.stands = false
		w.log.Warn("the wall clock has jumped forward, as after this machine was asleep, and the server's time with it: "+
			"of the runs that a schedule has missed the last one is made, and metrics have no datapoints of that time",
			"by", jump.By.Round(time.Second), "now", w.clock.Now())
	case w.stands && stands == 0:
		w.stands = false
		w.log.Info("the wall clock has caught up, and the server's time goes on", "now", w.clock.Now())
	}
}
