package broker

import (
	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// A Dispatch is what became of a message that was sent.
type Dispatch struct {
	ID       [16]byte
	Sequence uint64
}

// Send sends messages. They are on disk when it returns. What a FIFO queue was sent
// before is not sent again.
func (q *Queue) Send(messages []*Message) ([]Dispatch, error) {
	out, end, err := q.enqueue(messages)
	if err != nil {
		return nil, err
	}
	return out, q.sync(end)
}

// enqueue writes messages to the log.
func (q *Queue) enqueue(messages []*Message) (out []Dispatch, end queuelog.Position, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.stats.active = now
	out = make([]Dispatch, len(messages))
	var fresh []*Message
	q.begin()
	for i, m := range messages {
		if original, known := q.duplicate(now, m, fresh); known {
			out[i] = original
			q.stats.Duplicates++
			continue
		}
		if m.Sent == 0 {
			m.Sent = now
		}
		m.Sequence = q.next + uint64(len(fresh))
		out[i] = Dispatch{m.ID, m.Sequence}
		fresh = append(fresh, m)
		q.batch.Add(func(b []byte) []byte { return appendMessage(b, m) })
	}
	if len(fresh) == 0 {
		return out, q.log.End(), nil
	}
	end, err = q.write()
	if err != nil {
		return nil, 0, err
	}
	q.written(now, fresh, end-queuelog.Position(q.batch.Bytes()))
	return out, end, nil
}

// duplicate finds the message that another one is taken for.
func (q *Queue) duplicate(now queue.Millis, m *Message, fresh []*Message) (Dispatch, bool) {
	if !q.fifo {
		return Dispatch{}, false
	}
	for _, f := range fresh {
		if f.Dedup == m.Dedup && f.DedupGroup == m.DedupGroup {
			return Dispatch{f.ID, f.Sequence}, true
		}
	}
	original, known := q.dedup.Find(now, m.DedupGroup, m.Dedup)
	return Dispatch{original.ID, original.Sequence}, known
}

// written notes messages that were written from a position on.
func (q *Queue) written(now queue.Millis, fresh []*Message, first queuelog.Position) {
	segment, _ := q.log.SegmentOf(first)
	q.live[segment] += int64(len(fresh))
	q.next += uint64(len(fresh))
	end := first + queuelog.Position(q.batch.Bytes())
	for i, m := range fresh {
		place := int64(first + q.batch.Offset(i))
		index := queue.Message{Sequence: m.Sequence, Place: place, Sent: m.Sent, Delay: m.Delay, Group: m.Group}
		q.unsynced = append(q.unsynced, sent{index, end})
		if m.Source == "" { // AWS does not count dead letters as sent
			q.stats.sent(m.Size())
		}
		if q.fifo {
			q.dedup.Add(now, m.DedupGroup, m.Dedup, queue.Original{ID: m.ID, Sequence: m.Sequence, Place: place})
		}
	}
	q.maySave()
}
