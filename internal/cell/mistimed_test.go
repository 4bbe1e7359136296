package cell_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/cell"
	"flyball/internal/clock"
)

func TestAQueryForTheWrongClocksTimesIsTold(t *testing.T) {
	for _, tt := range []struct {
		name     string
		ahead    time.Duration
		from, to time.Duration // of the wall clock's present
		there    bool          // there is something by the server's clock
		told     bool
	}{
		{"up to now", time.Hour, -10 * time.Minute, 0, true, true},
		{"up to a moment ago", time.Hour, -10 * time.Minute, -time.Minute, true, true},
		{"a clock that is behind", -time.Hour, -10 * time.Minute, 0, true, true},
		{"of yesterday", time.Hour, -25 * time.Hour, -24 * time.Hour, true, false},
		{"of what is to come", time.Hour, 10 * time.Minute, time.Hour, true, false},
		{"for what is at no time", time.Hour, -10 * time.Minute, 0, false, false},
		{"where the clocks agree", time.Second, -10 * time.Minute, 0, true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			now := time.Now()
			c := &cell.Cell{Clock: clock.New(now.Add(tt.ahead), 1), Log: slog.New(slog.NewTextHandler(&log, nil))}
			c.FoundNothing("GetMetricData", now.Add(tt.from), now.Add(tt.to), func(from, to time.Time) bool {
				want := now.Add(tt.to) // what is asked for has been looked at
				if tt.ahead < 0 {
					want = now.Add(tt.ahead - 24*time.Hour)
				}
				if !from.Equal(want) || !to.Equal(now.Add(tt.ahead)) {
					t.Errorf("%s: looks from %v to %v", tt.name, from, to)
				}
				return tt.there
			})
			if told := strings.Contains(log.String(), "flyball now"); told != tt.told {
				t.Errorf("%s: the log is %q", tt.name, log.String())
			}
		})
	}
}

func TestQueriesForTheWrongClocksTimesAreToldOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := &cell.Cell{Clock: clock.New(time.Now().Add(time.Hour), 1), Log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 25 {
			c.FoundNothing("GetLogEvents", time.Now().Add(-time.Hour), time.Now(), func(time.Time, time.Time) bool { return true })
			time.Sleep(time.Minute)
		}
		if n := strings.Count(log.String(), "\n"); n != 3 {
			t.Errorf("told %d times in 25 minutes, want 3", n)
		}
	})
}
