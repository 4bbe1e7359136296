package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
)

func TestTheLogHasTheServersTimeWhereItIsNotTheWallClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		h := newClockedLog(slog.New(slog.NewTextHandler(&out, nil)))
		log := slog.New(h).With("region", "us-east-1")
		last := func() string {
			defer out.Reset()
			return out.String()
		}
		log.Info("before the clock is open")
		if got := last(); strings.Contains(got, "server_time") {
			t.Errorf("without a clock: %s", got)
		}
		h.clock.Store(clock.New(time.Now(), 60))
		log.Info("at the same time")
		if got := last(); strings.Contains(got, "server_time") {
			t.Errorf("while the clocks show one time: %s", got)
		}
		time.Sleep(time.Minute)
		log.Info("an hour later", "task", "1")
		if got, want := last(), " server_time=2000-01-01T01:00:00.000Z task=1"; !strings.Contains(got, "time=2000-01-01T00:01:00.000Z") || !strings.Contains(got, want) {
			t.Errorf("%s; want %s", got, want)
		}
	})
}
