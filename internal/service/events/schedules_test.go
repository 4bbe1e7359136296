package events

import (
	"testing"
	"time"

	"flyball/internal/cell"
	"flyball/internal/clock"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// behind is a service at noon whose rule is due each minute, and was not fired for a time.
func behind(speed float64, by time.Duration) *API {
	a := &API{cell: &cell.Cell{Account: "123456789012", Region: "us-east-1", Clock: clock.New(noon, speed)}}
	a.enter("default|r", rule{Bus: defaultBus, Name: "r", Schedule: "cron(* * * * ? *)"}, noon.Add(-by-1))
	return a
}

func TestARuleThatIsBehind(t *testing.T) {
	for _, tt := range []struct {
		name   string
		speed  float64
		behind time.Duration
		next   time.Duration // before noon, after one run
	}{
		{"makes each run of the last minute", 1, time.Minute, 0},
		{"makes no run that was due before it", 1, 10 * time.Minute, 0},
		{"has a minute on a wall clock, when the server's is faster", 60, 10 * time.Minute, 9 * time.Minute},
	} {
		a := behind(tt.speed, tt.behind)
		_, at := a.turn("default|r")
		next, _ := a.due.First()
		if late := next.Sub(noon.Add(-tt.next)); !at.Equal(noon.Add(-tt.behind)) || late < 0 || late > time.Minute {
			t.Errorf("%s: after the run of %s it is due at %s", tt.name, at, next)
		}
	}
}

func TestWhatARuleThatIsBehindHasToMakeIsNotNotedAsFired(t *testing.T) {
	a := behind(60, 10*time.Minute)
	if got, want := a.firedUntil(noon), noon.Add(-10*time.Minute-1); !got.Equal(want) {
		t.Errorf("fired until %s, want %s", got, want)
	}
	if got, want := a.firedUntil(noon.Add(-11*time.Minute)), noon.Add(-11*time.Minute); !got.Equal(want) {
		t.Errorf("fired until %s, want %s", got, want)
	}
}

func TestOfTheRunsThatARuleMissedInASuspendTheLastIsMade(t *testing.T) {
	const asleep = 8 * time.Hour
	for _, tt := range []struct {
		schedule string
		last     time.Duration // after noon
	}{
		{"rate(1 minute)", 8 * time.Hour},
		{"cron(30 * * * ? *)", 7*time.Hour + 30*time.Minute},
		{"cron(15 14 * * ? *)", 2*time.Hour + 15*time.Minute},
	} {
		var shift time.Duration
		clk := clock.Following(func() time.Time { return time.Now().Add(shift) }, noon, 1)
		a := &API{cell: &cell.Cell{Account: "123456789012", Region: "us-east-1", Clock: clk}}
		a.enter("default|r", rule{Bus: defaultBus, Name: "r", Schedule: tt.schedule, Since: noon}, noon)
		shift = asleep + time.Second
		if keys, _ := a.due.Take(clk.Now(), 10); len(keys) != 1 {
			t.Fatalf("%s: due are %v", tt.schedule, keys)
		}
		if _, at := a.turn("default|r"); !at.Equal(noon.Add(tt.last)) {
			t.Errorf("%s: the run of %s is made", tt.schedule, at)
		}
		if next, _ := a.due.First(); !next.After(clk.Now()) {
			t.Errorf("%s: it is due again at %s", tt.schedule, next)
		}
	}
}
