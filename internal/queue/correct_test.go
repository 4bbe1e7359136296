package queue_test

import (
	"testing"

	"flyball/internal/queue"
)

// A message of times to come, from before the clock was put back, waits for as long as it would
// have.
func TestMessagesOfTimesToComeAreNotHeldUntilThose(t *testing.T) {
	const year, now, delay, invisible = queue.Millis(365 * 24 * 3600 * 1000), 1_000_000, 5_000, 30_000
	settings := queue.Settings{Retention: 4 * 24 * 3600 * 1000}
	backlog := &list{}
	before := queue.New(settings, backlog)
	before.Advance(now + year)
	m := queue.Message{Sequence: 1, Sent: now + year}
	backlog.messages = append(backlog.messages, m)
	before.Sent(m)
	if got, err := before.Receive(now+year, queue.Want{Most: 1, Invisible: invisible}); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	before.Sent(queue.Message{Sequence: 2, Sent: now + year, Delay: delay})

	q := queue.New(settings, backlog)
	q.Restore(before.Save())
	q.Correct(now)
	for _, step := range []struct {
		after   queue.Millis
		visible int64
	}{{0, 0}, {delay - 1, 0}, {delay, 1}, {invisible - 1, 1}, {invisible, 2}} {
		q.Advance(now + step.after)
		if got := q.Counts().Visible; got != step.visible {
			t.Errorf("after %d ms %d messages are visible, want %d", step.after, got, step.visible)
		}
	}
}
