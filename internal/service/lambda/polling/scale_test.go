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
		limits Limits
		first  int
		steps  []step
	}{
		"300 more a minute while all have messages": {Standard(0), 5, []step{{time.Second, all(5), 10}, {29 * time.Second, all(10), 155}, {30 * time.Second, all(155), 305}}},
		"1,250 at most":                             {Standard(0), 5, []step{{time.Hour, all(5), 1250}}},
		"provisioned pollers have ten each":         {Provisioned(2, 4), 20, []step{{time.Second, all(20), 36}, {time.Second, all(36), 40}, {time.Second, Seen{}, 20}}},
		"the maximum concurrency":                   {Standard(7), 5, []step{{time.Minute, all(5), 7}}},
		"a maximum below five":                      {Standard(2), 2, []step{{time.Minute, all(2), 2}, {time.Minute, Seen{}, 2}}},
		"back to those that have messages":          {Standard(0), 5, []step{{time.Minute, all(5), 305}, {time.Second, Seen{Busy: 40, Done: 40}, 40}}},
		"back to five":                              {Standard(0), 5, []step{{time.Minute, all(5), 305}, {time.Second, Seen{}, 5}}},
		"fewer when all fail":                       {Standard(0), 5, []step{{19 * time.Second, all(5), 100}, {time.Second, Seen{Busy: 100, Failed: 50}, 90}, {time.Hour, Seen{Busy: 90, Failed: 9}, 2}}},
		"a little fewer when one in ten fails":      {Standard(0), 5, []step{{19 * time.Second, all(5), 100}, {time.Second, Seen{Busy: 100, Failed: 1, Done: 9}, 99}}},
		"more again when none fails":                {Standard(0), 5, []step{{time.Hour, Seen{Failed: 1}, 2}, {time.Second, all(2), 7}}},
		"five again when none fails and none comes": {Standard(0), 5, []step{{time.Hour, Seen{Failed: 1}, 2}, {time.Second, Seen{}, 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, at := NewScale(now, c.limits), now
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
