package demo

import (
	"context"
	"sync/atomic"
	"time"

	"flyball/internal/load"
	"flyball/internal/voucher"
)

// laneTitles name the lanes of a race.
var laneTitles = [2]string{"AWS's two metrics, each minute", "FlyballSQSBacklogPerTask, each second"}

// A lane is a queue with its service, and what was seen of it.
type lane struct {
	shop    *voucher.Shop
	queue   load.Sender
	sent    atomic.Int64 // messages
	started time.Time    // when the first worker was seen; zero: none was
	seen    time.Time    // when it was looked at last
	last    moment
	news    []voucher.Activity
}

// A moment is what is seen of a lane.
type moment struct {
	voucher.State
	waited time.Duration // by the messages that were begun last, the longest
}

// look looks at the lane.
func (l *lane) look(ctx context.Context, at time.Time) (err error) {
	if l.last.State, err = l.shop.Look(ctx); err != nil {
		return err
	}
	if l.started.IsZero() && l.last.Running > 0 {
		l.started = at
	}
	waits, err := l.shop.Waits(ctx, at.Add(-waitsLookBack))
	if err != nil {
		return err
	}
	l.last.waited = l.waited(at, waits)
	l.seen = at
	l.news, err = l.shop.News(ctx)
	return err
}

// waited is the longest of some waits. While messages wait and none is begun, it grows
// with time.
func (l *lane) waited(at time.Time, waits []voucher.Wait) time.Duration {
	if len(waits) == 0 && l.last.Waiting > 0 && !l.seen.IsZero() {
		return l.last.waited + at.Sub(l.seen)
	}
	return tallyOf(waits, agreed).longest
}

// A tally is what there is to say of many waits.
type tally struct {
	begun   int // messages
	within  int // of them that waited no longer than agreed
	longest time.Duration
}

// tallyOf counts each message once: one that came back was begun before.
func tallyOf(waits []voucher.Wait, agreed time.Duration) (t tally) {
	counted := make(map[string]bool, len(waits))
	for _, w := range waits {
		if counted[w.Message] {
			continue
		}
		counted[w.Message] = true
		t.begun++
		if w.For <= agreed {
			t.within++
		}
		t.longest = max(t.longest, w.For)
	}
	return t
}

// share is how many percent of what was sent waited no longer than agreed.
func (t tally) share(sent int) float64 { return 100 * float64(t.within) / float64(max(1, sent)) }
