package queue_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/queue"
)

// A list is a backlog in memory.
type list struct{ messages []queue.Message }

func (l *list) Peek() (queue.Message, bool) {
	if len(l.messages) == 0 {
		return queue.Message{}, false
	}
	return l.messages[0], true
}

func (l *list) Skip() { l.messages = l.messages[1:] }

// A plain message is what the model knows of one.
type plain struct {
	queue.Message
	until    queue.Millis
	inFlight bool
	received queue.Millis
	receives uint32
}

func (p *plain) visible(now queue.Millis) bool { return p.until <= now }

// A model is a queue as a list that is gone through for everything.
type model struct {
	settings queue.Settings
	messages []*plain
}

// expire removes what is too old, and in flight no more.
func (m *model) expire(now queue.Millis) {
	m.messages = slices.DeleteFunc(m.messages, func(p *plain) bool {
		return p.Sent+m.settings.Retention <= now && (!p.inFlight || p.visible(now))
	})
	for _, p := range m.messages {
		p.inFlight = p.inFlight && !p.visible(now)
	}
}

func (m *model) counts(now queue.Millis) (c queue.Counts) {
	for _, p := range m.messages {
		switch {
		case p.visible(now):
			c.Visible++
		case p.inFlight:
			c.InFlight++
		default:
			c.Delayed++
		}
	}
	return c
}

// receivable is how many messages a receive without a limit gets.
func (m *model) receivable(now queue.Millis) (n int) {
	stuck := map[string]bool{}
	for _, p := range m.messages {
		switch {
		case !m.settings.FIFO && p.visible(now), m.settings.FIFO && p.visible(now) && !stuck[p.Group]:
			n++
		case m.settings.FIFO:
			stuck[p.Group] = true
		}
	}
	return n
}

func (m *model) find(sequence uint64) *plain {
	i := slices.IndexFunc(m.messages, func(p *plain) bool { return p.Sequence == sequence })
	if i < 0 {
		return nil
	}
	return m.messages[i]
}

// oldest is when the oldest message was sent that is not too old and was received less
// than three times.
func (m *model) oldest(now queue.Millis) (sent queue.Millis, ok bool) {
	for _, p := range m.messages {
		if p.receives < 3 && p.Sent+m.settings.Retention > now && (!ok || p.Sent < sent) {
			sent, ok = p.Sent, true
		}
	}
	return sent, ok
}

// A machine is a queue beside its model.
type machine struct {
	*model
	q        *queue.Queue
	backlog  *list
	now      queue.Millis
	next     uint64
	receipts []queue.Receipt
	gone     map[int64]int
}

func (m *machine) Send(t *rapid.T) {
	p := queue.Message{Sequence: m.next, Place: int64(m.next * 10), Sent: m.now}
	m.next++
	if m.settings.FIFO {
		p.Group = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group")
	}
	if rapid.IntRange(0, 2).Draw(t, "delayed") == 0 {
		p.Delay = queue.Millis(rapid.IntRange(1, 30).Draw(t, "delay"))
	} else {
		m.backlog.messages = append(m.backlog.messages, p)
	}
	m.q.Sent(p)
	m.messages = append(m.messages, &plain{Message: p, until: p.Sent + p.Delay})
}

func (m *machine) Receive(t *rapid.T) {
	most, invisible := rapid.IntRange(1, 10).Draw(t, "most"), queue.Millis(rapid.IntRange(0, 40).Draw(t, "invisible"))
	m.expire(m.now)
	want := min(most, m.receivable(m.now))
	got, err := m.q.Receive(m.now, queue.Want{Most: most, Invisible: invisible})
	if err != nil || len(got) != want {
		t.Fatalf("received %d, %v; want %d of %+v", len(got), err, want, m.counts(m.now))
	}
	batch := map[uint64]bool{}
	for _, d := range got {
		p := m.find(d.Sequence)
		if p == nil || !p.visible(m.now) || batch[d.Sequence] {
			t.Fatalf("%d was received, which cannot be", d.Sequence)
		}
		if m.settings.FIFO {
			for _, other := range m.messages {
				if other.Group == p.Group && !batch[other.Sequence] && other.Sequence < p.Sequence {
					t.Fatalf("%d of group %s was received before %d", p.Sequence, p.Group, other.Sequence)
				}
			}
		}
		batch[d.Sequence] = true
		if p.receives++; d.Receives != p.receives || d.Until != m.now+invisible || d.Place != p.Place {
			t.Fatalf("received %+v, want the receive %d until %d", d, p.receives, m.now+invisible)
		}
		m.receipts = append(m.receipts, d.Receipt)
	}
	for sequence := range batch {
		p := m.find(sequence)
		p.until, p.inFlight, p.received = m.now+invisible, true, m.now
	}
	m.expire(m.now) // what was invisible for no time
}

// receipt is one that was given out, and what the model has of its message.
func (m *machine) receipt(t *rapid.T) (r queue.Receipt, p *plain) {
	if len(m.receipts) == 0 {
		t.Skip("nothing was received")
	}
	m.expire(m.now)
	r = rapid.SampledFrom(m.receipts).Draw(t, "receipt")
	return r, m.find(r.Sequence)
}

func (m *machine) Delete(t *rapid.T) {
	r, p := m.receipt(t)
	err := m.q.Delete(m.now, r)
	switch {
	case p == nil:
		if !errors.Is(err, queue.ErrGone) {
			t.Fatalf("a message that is gone is deleted with %v", err)
		}
	case m.settings.FIFO && (p.receives != r.Receives || p.visible(m.now)):
		if !errors.Is(err, queue.ErrNotInFlight) {
			t.Fatalf("a message is deleted by an old receipt with %v", err)
		}
	case err != nil:
		t.Fatal(err)
	default:
		m.messages = slices.DeleteFunc(m.messages, func(x *plain) bool { return x == p })
	}
}

func (m *machine) SetInvisible(t *rapid.T) {
	r, p := m.receipt(t)
	invisible := queue.Millis(rapid.IntRange(0, 60).Draw(t, "invisible"))
	until, err := m.q.SetInvisible(m.now, r, invisible)
	switch {
	case p == nil:
		if !errors.Is(err, queue.ErrGone) {
			t.Fatalf("of a message that is gone: %v", err)
		}
	case m.settings.FIFO && (p.receives != r.Receives || p.visible(m.now)):
		if !errors.Is(err, queue.ErrNotInFlight) {
			t.Fatalf("by an old receipt: %v", err)
		}
	case err != nil || until != m.now+invisible:
		t.Fatalf("until %d: %v", until, err)
	default:
		p.until, p.inFlight = until, true
		m.expire(m.now)
	}
}

func (m *machine) Wait(t *rapid.T) { m.now += queue.Millis(rapid.IntRange(1, 50).Draw(t, "time")) }

func (m *machine) Restart(*rapid.T) {
	saved := m.q.Save()
	m.q = queue.New(m.settings, m.backlog)
	m.q.Gone = m.left
	m.q.Restore(saved)
}

func (m *machine) left(place int64) { m.gone[place]++ }

// Check compares what the queue tells with the model.
func (m *machine) Check(t *rapid.T) {
	m.expire(m.now)
	m.q.Advance(m.now)
	if got, want := m.q.Counts(), m.counts(m.now); got != want {
		t.Fatalf("there are %+v, want %+v", got, want)
	}
	got, ok := m.q.Oldest()
	if want, is := m.oldest(m.now); ok != is || ok && got != want {
		t.Fatalf("the oldest is of %d (%v), want %d (%v)", got, ok, want, is)
	}
	if n := len(m.gone) + len(m.messages); n != int(m.next)-1 {
		t.Fatalf("%d messages are gone and %d are left of %d", len(m.gone), len(m.messages), m.next-1)
	}
	for place, times := range maps.All(m.gone) {
		if times != 1 {
			t.Fatalf("%d is gone %d times", place, times)
		}
	}
}

func TestAQueueIsLikeAList(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%t", fifo), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := queue.Settings{FIFO: fifo, Retention: queue.Millis(rapid.SampledFrom([]int{60, 300, 100_000}).Draw(t, "retention"))}
				m := &machine{model: &model{settings: s}, backlog: &list{}, now: 1000, next: 1, gone: map[int64]int{}}
				m.q = queue.New(s, m.backlog)
				m.q.Gone = m.left
				t.Repeat(map[string]func(*rapid.T){
					"send": m.Send, "send again": m.Send, "receive": m.Receive, "delete": m.Delete, "set invisible": m.SetInvisible,
					"wait": m.Wait, "restart": m.Restart, "": m.Check,
				})
			})
		})
	}
}

func TestOnlySoManyMessagesAreInFlight(t *testing.T) {
	for fifo, want := range map[bool]error{false: queue.ErrOverLimit, true: nil} {
		l := &list{}
		q := queue.New(queue.Settings{FIFO: fifo, Retention: 1 << 40}, l)
		for i := range queue.MostInFlight + 1 {
			m := queue.Message{Sequence: uint64(i + 1), Sent: 1, Group: fmt.Sprint(i)}
			l.messages = append(l.messages, m)
			q.Sent(m)
		}
		got, err := q.Receive(2, queue.Want{Most: queue.MostInFlight + 1, Invisible: 100})
		if err != nil || len(got) != queue.MostInFlight {
			t.Fatalf("fifo=%t: received %d, %v", fifo, len(got), err)
		}
		if got, err := q.Receive(2, queue.Want{Most: 1, Invisible: 100}); len(got) > 0 || !errors.Is(err, want) {
			t.Errorf("fifo=%t: one more: %d, %v", fifo, len(got), err)
		}
		if err := q.Delete(3, got[0].Receipt); err != nil {
			t.Error(err)
		}
		if got, err := q.Receive(4, queue.Want{Most: 1, Invisible: 100}); len(got) != 1 || err != nil {
			t.Errorf("fifo=%t: after a delete: %d, %v", fifo, len(got), err)
		}
	}
}

func TestALongBacklogIsNotLookedAt(t *testing.T) {
	l := &list{}
	q := queue.New(queue.Settings{Retention: 1 << 40}, l)
	for i := range 1000 {
		m := queue.Message{Sequence: uint64(i + 1), Sent: 1}
		l.messages = append(l.messages, m)
		q.Sent(m)
	}
	if _, err := q.Receive(2, queue.Want{Most: 10, Invisible: 100}); err != nil || len(l.messages) != 990 || len(q.Save().Entries) != 10 {
		t.Errorf("%d are in the backlog, and %d were looked at: %v", len(l.messages), len(q.Save().Entries), err)
	}
}
