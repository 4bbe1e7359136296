package broker

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// A shelf is a backlog without messages.
type shelf struct{}

func (shelf) Peek() (queue.Message, bool) { return queue.Message{}, false }
func (shelf) Skip()                       {}

func messages() *rapid.Generator[*Message] {
	return rapid.Custom(func(t *rapid.T) *Message {
		m := &Message{
			Body: rapid.String().Draw(t, "body"), Group: rapid.String().Draw(t, "group"), Dedup: rapid.String().Draw(t, "dedup"),
			Sender: rapid.String().Draw(t, "sender"), Trace: rapid.String().Draw(t, "trace"), Source: rapid.String().Draw(t, "source"),
			Sequence: rapid.Uint64().Draw(t, "sequence"), Sent: queue.Millis(rapid.Int64Min(0).Draw(t, "sent")),
			Delay: queue.Millis(rapid.IntRange(0, 900_000).Draw(t, "delay")), DedupGroup: rapid.String().Draw(t, "dedup group"),
		}
		if m.Receives = rapid.Uint32().Draw(t, "receives"); m.Receives > 0 {
			m.First = queue.Millis(rapid.Int64Min(0).Draw(t, "first"))
		}
		copy(m.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		for range rapid.IntRange(0, 3).Draw(t, "attributes") {
			m.Attributes = append(m.Attributes, Attribute{rapid.String().Draw(t, "name"), rapid.String().Draw(t, "type"), rapid.Bool().Draw(t, "binary"), rapid.String().Draw(t, "value")})
		}
		return m
	})
}

func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := messages().Draw(t, "message")
		record := appendMessage(nil, m)
		got, err := decodeMessage(record)
		if err != nil || !slices.Equal(got.Attributes, m.Attributes) {
			t.Fatalf("got %+v, %v", got, err)
		}
		got.Attributes, m.Attributes = nil, nil
		got2, want := *got, *m
		if got2.Body != want.Body || got2.ID != want.ID || got2.Group != want.Group || got2.Dedup != want.Dedup || got2.DedupGroup != want.DedupGroup ||
			got2.Sender != want.Sender || got2.Trace != want.Trace || got2.Source != want.Source || got2.Sequence != want.Sequence ||
			got2.Sent != want.Sent || got2.Delay != want.Delay || got2.Receives != want.Receives || got2.First != want.First {
			t.Fatalf("got %+v, want %+v", got2, want)
		}
		index, ok := decodeIndex(record, true)
		if want := (queue.Message{Sequence: m.Sequence, Sent: m.Sent, Delay: m.Delay, Group: m.Group}); !ok || index != want {
			t.Fatalf("the index is %+v, want %+v", index, want)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(appendMessage(nil, &Message{Body: "body", Attributes: []Attribute{{"a", "String", false, "b"}}, Delay: 1, Receives: 2}))
	f.Add(appendDelete(nil, []uint64{1, 2, 3}))
	f.Add(appendReceive(nil, []queue.Delivery{{Receipt: queue.Receipt{Sequence: 1, Receives: 2}}}))
	f.Add(appendInFlight(nil, 1, 2))
	f.Add(appendSkip(nil, 3))
	f.Fuzz(func(t *testing.T, record []byte) {
		if m, err := decodeMessage(record); err == nil {
			index, ok := decodeIndex(record, true)
			if !ok || index.Sequence != m.Sequence || index.Group != m.Group {
				t.Errorf("the index is %+v of %+v", index, m)
			}
		}
		for _, fifo := range []bool{false, true} {
			q := queue.New(queue.Settings{FIFO: fifo, Retention: 1000}, shelf{})
			q.Sent(queue.Message{Sequence: 1, Delay: 5, Group: "g"})
			_ = replay(q, record)
			q.Advance(10)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	c := checkpoint{Next: 5, From: 100, Front: 50, Live: map[queuelog.Position]int64{0: 3}, Memory: queue.Saved{Waiting: 2, Entries: []queue.SavedEntry{
		{Message: queue.Message{Sequence: 1, Place: 16, Sent: 1, Group: "g"}, Until: 5, InFlight: true, Receives: 1},
	}}}
	f.Add(c.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeCheckpoint(b)
		if err != nil {
			return
		}
		again, err := decodeCheckpoint(got.encode())
		if err != nil || again.Next != got.Next || len(again.Memory.Entries) != len(got.Memory.Entries) {
			t.Errorf("%+v becomes %+v, %v", got, again, err)
		}
	})
}
