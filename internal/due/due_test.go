package due_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"flyball/internal/clock"
	"flyball/internal/due"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A queue is a map of times, of which the earliest are taken first.
func TestTakesWhatIsDue(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var q due.Queue[string]
		want := map[string]time.Time{}
		keys := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		now := start
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			key, at := keys.Draw(r, "key"), now.Add(time.Duration(rapid.IntRange(-3, 9).Draw(r, "in"))*time.Second)
			switch rapid.IntRange(0, 3).Draw(r, "step") {
			case 0:
				q.Set(key, at)
				want[key] = at
			case 1:
				q.Sooner(key, at)
				if set, ok := want[key]; !ok || at.Before(set) {
					want[key] = at
				}
			case 2:
				q.Drop(key)
				delete(want, key)
			case 3:
				now = now.Add(time.Second)
				check(r, &q, want, now)
			}
		}
	})
}

func check(r *rapid.T, q *due.Queue[string], want map[string]time.Time, now time.Time) {
	taken, next := q.Take(now, 2)
	for i, key := range taken {
		if at, ok := want[key]; !ok || at.After(now) || i > 0 && at.Before(want[taken[i-1]]) {
			r.Fatalf("at %v took %v of %v", now, taken, want)
		}
	}
	for _, key := range taken {
		delete(want, key)
	}
	var soonest time.Time
	for _, at := range want {
		if soonest.IsZero() || at.Before(soonest) {
			soonest = at
		}
	}
	if len(taken) == 0 && !next.Equal(soonest) || len(taken) < 2 && !soonest.IsZero() && !soonest.After(now) {
		r.Fatalf("at %v took %v, next is %v, left are %v", now, taken, next, want)
	}
}

func TestRunHandsKeysOverAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q due.Queue[string]
		clk := clock.New(start, 60)
		got := map[string]time.Time{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		q.Set("late", start.Add(2*time.Hour))
		go func() {
			defer close(ended)
			q.Run(ctx, clk, 10, func(_ context.Context, keys []string) {
				for _, key := range keys {
					got[key] = clk.Now().Round(time.Second)
					if key == "late" {
						q.Set("again", clk.Now().Add(time.Minute))
					}
				}
			})
		}()
		synctest.Wait()
		q.Set("soon", start.Add(time.Hour)) // while it waits for a later one
		q.Set("never", start.Add(time.Minute))
		q.Drop("never")
		time.Sleep(3 * time.Minute) // three hours of its clock
		cancel()
		<-ended
		want := map[string]time.Time{"soon": start.Add(time.Hour), "late": start.Add(2 * time.Hour), "again": start.Add(2*time.Hour + time.Minute)}
		for key, at := range want {
			if !got[key].Equal(at) {
				t.Errorf("%s came at %v", key, got[key])
			}
		}
		if len(got) != len(want) {
			t.Errorf("came: %v", got)
		}
	})
}

func TestOverdueKeysComeFirstAndInPortions(t *testing.T) {
	var q due.Queue[int]
	for i := range 5 {
		q.Set(i, start.Add(-time.Duration(i)*time.Second))
	}
	var got []int
	for q.Len() > 0 {
		keys, _ := q.Take(start, 2)
		got = append(got, keys...)
	}
	if !slices.Equal(got, []int{4, 3, 2, 1, 0}) {
		t.Error(got)
	}
}
