package autoscaling

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A calendar gives each policy once, at the time that was set last, and none
// that was dropped.
func TestACalendarKeepsToWhatWasSetLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCalendar()
		now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		policies := []*policy{{Name: "a"}, {Name: "b"}, {Name: "c"}}
		want := map[*policy]time.Time{}
		one := rapid.SampledFrom(policies)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				p := one.Draw(t, "policy")
				want[p] = now.Add(time.Duration(rapid.IntRange(-3, 5).Draw(t, "minutes")) * time.Minute)
				c.set(p, want[p])
			},
			"drop": func(t *rapid.T) {
				p := one.Draw(t, "policy")
				delete(want, p)
				c.drop(p)
			},
			"take": func(t *rapid.T) {
				now = now.Add(time.Minute)
				most := rapid.IntRange(1, 3).Draw(t, "most")
				due, next := c.take(now, most)
				var expected []*policy
				var soonest time.Time
				for p, at := range want {
					if !at.After(now) {
						expected = append(expected, p)
					} else if soonest.IsZero() || at.Before(soonest) {
						soonest = at
					}
				}
				if len(due) != min(most, len(expected)) {
					t.Fatalf("took %d of %d", len(due), len(expected))
				}
				for i, p := range due {
					if !slices.Contains(expected, p) || slices.Contains(due[:i], p) || i > 0 && want[p].Before(want[due[i-1]]) {
						t.Fatalf("took %s, due at %v, at %v", p.Name, want[p], now)
					}
				}
				for _, p := range due {
					delete(want, p)
				}
				if len(due) < most && !next.Equal(soonest) {
					t.Fatalf("the next is at %v, want %v", next, soonest)
				}
			},
		})
	})
}
