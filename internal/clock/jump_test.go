package clock_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
)

// A shifted wall clock is that of the bubble, as far off as a test says.
type shifted struct{ by atomic.Int64 }

func (s *shifted) now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

func (s *shifted) to(by time.Duration) { s.by.Store(int64(by)) }

// follow has a function see a clock at noon and its wall clock.
func follow(t *testing.T, speed float64, f func(*clock.Clock, *shifted)) {
	synctest.Test(t, func(*testing.T) {
		wall := &shifted{}
		f(clock.Following(wall.now, noon, speed), wall)
	})
}

func TestTheClockGoesWithTheWallClock(t *testing.T) {
	const minute, hours = time.Minute, 8 * time.Hour
	for _, tt := range []struct {
		name   string
		speed  float64
		shifts []time.Duration // a minute passes after each
		want   time.Duration   // since noon
		stands time.Duration
	}{
		{"which goes on", 1, []time.Duration{0, 0}, 2 * minute, 0},
		{"over a suspend", 1, []time.Duration{0, hours}, hours + 2*minute, 0},
		{"not back", 1, []time.Duration{0, -hours}, minute, hours - minute},
		{"which goes back a little", 1, []time.Duration{0, -10 * time.Second}, 2*minute - 10*time.Second, 0},
		{"which has caught up", 1, []time.Duration{-2 * minute, 0, 0}, 3 * minute, 0},
		{"which was put right", 1, []time.Duration{hours, 0}, hours + minute, hours - minute},
		{"not at another speed", 60, []time.Duration{hours, -hours}, 120 * minute, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			follow(t, tt.speed, func(c *clock.Clock, wall *shifted) {
				for _, by := range tt.shifts {
					wall.to(by)
					c.Look()
					time.Sleep(time.Minute)
					c.Look()
				}
				if got := c.Now().Sub(noon); got != tt.want || c.Stands() != tt.stands {
					t.Errorf("it shows noon + %v and stands %v, want %v and %v", got, c.Stands(), tt.want, tt.stands)
				}
			})
		})
	}
}

func TestLookTellsOfJumpsAndNotOfCorrections(t *testing.T) {
	for _, tt := range []struct {
		name string
		by   time.Duration
		want bool
	}{
		{"a suspend", 8 * time.Hour, true},
		{"a wall clock put right", -time.Hour, true},
		{"a correction", 3 * time.Second, false},
		{"a correction back", -3 * time.Second, false},
	} {
		follow(t, 1, func(c *clock.Clock, wall *shifted) {
			wall.to(tt.by)
			c.Now() // notices it, too
			jump, ok := c.Look()
			if ok != tt.want || ok && jump.By != tt.by {
				t.Errorf("%s: %v %v", tt.name, jump, ok)
			}
			if again, ok := c.Look(); ok {
				t.Errorf("%s is told twice: %v", tt.name, again)
			}
		})
	}
}

func TestManyCorrectionsAreNoJump(t *testing.T) {
	follow(t, 1, func(c *clock.Clock, wall *shifted) {
		for range 60 {
			wall.by.Add(int64(time.Second))
			if jump, ok := c.Look(); ok {
				t.Fatalf("%v", jump)
			}
		}
		if got := c.Now().Sub(noon); got != time.Minute || !c.Landed().IsZero() {
			t.Errorf("noon + %v, landed %v", got, c.Landed())
		}
	})
}

func TestAJumpIsNoticedByWhoeverAsksFirst(t *testing.T) {
	follow(t, 1, func(c *clock.Clock, wall *shifted) {
		jumped := c.Jumped()
		wall.to(time.Hour)
		if now := c.Now(); !c.Landed().Equal(now) {
			t.Errorf("landed at %v, not at %v", c.Landed(), now)
		}
		select {
		case <-jumped:
		default:
			t.Error("who waits is not woken")
		}
	})
}

func TestWhoWaitsIsWokenByAJump(t *testing.T) {
	for _, tt := range []struct {
		name  string
		shift time.Duration
		want  time.Duration // real, of an hour
	}{
		{"forward", 50 * time.Minute, 10 * time.Minute},
		{"far forward", 8 * time.Hour, time.Second},
		{"a correction", time.Minute, 59 * time.Minute},
		{"back", -time.Hour, 2 * time.Hour},
	} {
		follow(t, 1, func(c *clock.Clock, wall *shifted) {
			looking, cancel := context.WithCancel(context.Background())
			var look sync.WaitGroup
			defer look.Wait()
			defer cancel()
			look.Go(func() { // as a server looks
				for looking.Err() == nil {
					time.Sleep(time.Second)
					c.Look()
				}
			})
			began := time.Now()
			go func() {
				time.Sleep(time.Millisecond)
				wall.to(tt.shift)
			}()
			if err := c.SleepUntil(context.Background(), noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began).Round(10 * time.Millisecond); got != tt.want {
				t.Errorf("%s: it woke after %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

func TestWaitEndsWithWhatIsSooner(t *testing.T) {
	follow(t, 1, func(c *clock.Clock, _ *shifted) {
		sooner := c.Signal()
		sooner.Set()
		if c.Wait(context.Background(), noon.Add(time.Hour), sooner) || !c.Now().Equal(noon) {
			t.Error("it waited")
		}
	})
}

func TestNotBeforeHasTheClockStandUntilItGetsThereByItself(t *testing.T) {
	follow(t, 1, func(c *clock.Clock, _ *shifted) {
		c.NotBefore(noon.Add(time.Minute))
		time.Sleep(40 * time.Second)
		if !c.Now().Equal(noon.Add(time.Minute)) || c.Stands() != 20*time.Second || c.Until(noon.Add(2*time.Minute)) != 80*time.Second {
			t.Errorf("it shows %v, stands %v", c.Now(), c.Stands())
		}
		time.Sleep(40 * time.Second)
		if got := c.Now().Sub(noon); got != 80*time.Second {
			t.Errorf("it shows noon + %v", got)
		}
	})
}

func TestAWallClockCanBeShiftedByAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shift")
	wall := clock.ShiftedBy(file)
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"", 0},
		{"8h\n", 8 * time.Hour},
		{"-30s", -30 * time.Second},
		{"8", -30 * time.Second}, // is no duration
	} {
		if tt.text != "" {
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Until(wall()).Round(time.Second); got != tt.want {
			t.Errorf("after %q it is shifted by %v, want %v", tt.text, got, tt.want)
		}
	}
}
