package polling

import "time"

// mostBytes is how large the event of a batch may be: the payload of an invocation.
const mostBytes = 6 << 20

// mostReceived is how many messages one call of SQS gives.
const mostReceived = 10

// Rules say when a batch is complete: when it has its size, when the window has passed
// since its first message, or when no more fits into an event.
type Rules struct {
	Size   int           // records
	Window time.Duration // 0: what one call gives is a batch
}

// A Batch is the records that are sent to a function together.
type Batch struct {
	rules   Rules
	records []Record
	bytes   int
	closes  time.Time // zero: there is no record yet
	full    bool      // a record did not fit
}

// NewBatch begins a batch.
func NewBatch(r Rules) *Batch { return &Batch{rules: r, bytes: len(head) + len(tail)} }

// Records are those of the batch.
func (b *Batch) Records() []Record { return b.records }

// Wants is how many messages the next call may receive.
func (b *Batch) Wants() int { return min(b.rules.Size-len(b.records), mostReceived) }

// Add adds a record that was received at a time. It returns false for one that does
// not fit any more, which begins the next batch.
func (b *Batch) Add(now time.Time, r Record) bool {
	size := len(r.event) + len(separator)
	if b.bytes+size > mostBytes && len(b.records) > 0 {
		b.full = true
		return false
	}
	if len(b.records) == 0 {
		b.closes = now.Add(b.rules.Window)
	}
	b.records, b.bytes = append(b.records, r), b.bytes+size
	return true
}

// Closes is when the window of the batch ends. Before the first record there is no
// such time.
func (b *Batch) Closes() (at time.Time, open bool) { return b.closes, len(b.records) > 0 }

// Complete reports whether the batch is to be sent. One without records never is.
func (b *Batch) Complete(now time.Time) bool {
	return len(b.records) > 0 && (b.full || b.Wants() <= 0 || !now.Before(b.closes))
}

// What is around the records of an event.
const (
	head      = `{"Records":[`
	separator = `,`
	tail      = `]}`
)

// Event is what the function is sent.
func (b *Batch) Event() []byte {
	event := append(make([]byte, 0, b.bytes), head...)
	for i, r := range b.records {
		if i > 0 {
			event = append(event, separator...)
		}
		event = append(event, r.event...)
	}
	return append(event, tail...)
}
