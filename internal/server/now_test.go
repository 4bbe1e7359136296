package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"flyball/internal/client"
)

func TestTheClockSaysHowItStandsToTheWallClock(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before time.Duration // the lead of the life before
		change func(*Config)
		want   client.ClockState
		lead   time.Duration
	}{
		{"without a lead", 0, at(1), client.Follows, 0},
		{"after a lead that is soon over", 30 * time.Second, at(1), client.Waits, 30 * time.Second},
		{"after a fast life", time.Hour, at(1), client.Ahead, time.Hour},
		{"at another speed", 0, at(0.001), client.Runs, 0},
		{"that gives up its lead", time.Hour, func(c *Config) { c.Clock = ClockWall }, client.Follows, 0},
		{"that gives up its lead and is fast", time.Hour, func(c *Config) { c.Clock, c.Speed = ClockWall, 0.001 }, client.Runs, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			early := open(t, dir, wallAt(tt.before))
			live(t, early)
			early.Close()
			s := open(t, dir, tt.change)
			defer s.Close()
			got := s.clockShows()
			off := time.Duration(got.Lead*float64(time.Second)) - tt.lead
			if got.State != tt.want || off.Abs() > 20*time.Second || !got.Now.Add(-time.Duration(got.Lead*float64(time.Second))).Round(time.Second).Equal(got.Wall.Round(time.Second)) {
				t.Errorf("it shows %+v, want %s by %v", got, tt.want, tt.lead)
			}
		})
	}
}

// SDKs correct the times of their signatures by Date, which therefore stays the wall clock's.
func TestEveryAnswerTellsTheServersTimeBesideTheDate(t *testing.T) {
	s := open(t, "", wallAt(time.Hour))
	defer running(t, s)()
	for _, path := range []string{"/healthz", "/", "/metrics", "/console/api/clock", "/console/nothing", "/v2/", "/ecs/nothing"} {
		res, err := http.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		now, err := time.Parse(time.RFC3339Nano, res.Header.Get(client.NowHeader))
		if err != nil || time.Until(now) < 50*time.Minute {
			t.Errorf("%s tells %v, %v", path, now, err)
		}
		if date, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Until(date) > time.Minute {
			t.Errorf("the date of %s is %v, %v", path, date, err)
		}
	}
}

func TestAClockThatCannotBeIsRefused(t *testing.T) {
	cfg := Config{Addr: "127.0.0.1:0", Speed: 1, Account: testAccount, Region: testRegion, Clock: "sundial"}
	if err := cfg.check(); err == nil || !strings.Contains(err.Error(), "give auto, wall or manual") {
		t.Errorf("it says %v", err)
	}
}
