package polling

import (
	"testing"
	"time"
)

func TestPollersFollowTheMessages(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	type step struct {
		after time.Duration
		seen  Seen
		want  int
	}
	all := func(n int) Seen { return Seen{Busy: n, Done: n} }
	for name, c := range map[string]struct {
		maximum int
		first   int
		steps   []step
	}{
		"300 more a minute while all have messages": {0, 5, []step{{time.Second, all(5), 10}, {29 * time.Second, all(10), 155}, {30 * time.Second, all(155), 305}}},
		"1,250 at most":                             {0, 5, []step{{time.Hour, all(5), 1250}}},
		"the maximum concurrency":                   {7, 5, []step{{time.Minute, all(5), 7}}},
		"a maximum below five":                      {2, 2, []step{{time.Minute, all(2), 2}, {time.Minute, Seen{}, 2}}},
		"back to those that have messages":          {0, 5, []step{{time.Minute, all(5), 305}, {time.Second, Seen{Busy: 40, Done: 40}, 40}}},
		"back to five":                              {0, 5, []step{{time.Minute, all(5), 305}, {time.Second, Seen{}, 5}}},
		"fewer when all fail":                       {0, 5, []step{{19 * time.Second, all(5), 100}, {time.Second, Seen{Busy: 100, Failed: 50}, 90}, {time.Hour, Seen{Busy: 90, Failed: 9}, 2}}},
		"a little fewer when one in ten fails":      {0, 5, []step{{19 * time.Second, all(5), 100}, {time.Second, Seen{Busy: 100, Failed: 1, Done: 9}, 99}}},
		"more again when none fails":                {0, 5, []step{{time.Hour, Seen{Failed: 1}, 2}, {time.Second, all(2), 7}}},
		"five again when none fails and none comes": {0, 5, []step{{time.Hour, Seen{Failed: 1}, 2}, {time.Second, Seen{}, 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, at := NewScale(now, c.maximum), now
			if s.Pollers() != c.first {
				t.Errorf("begins with %d, want %d", s.Pollers(), c.first)
			}
			for i, step := range c.steps {
				at = at.Add(step.after)
				if s = s.Step(at, step.seen); s.Pollers() != step.want {
					t.Fatalf("step %d: %d pollers, want %d", i, s.Pollers(), step.want)
				}
			}
		})
	}
}
