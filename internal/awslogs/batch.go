package awslogs

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/task"
)

// The limits of a batch ("PutLogEvents").
const (
	mostEvents = 10_000
	mostBytes  = 1 << 20
	eventBytes = 26 // of each event beside its message
	mostSpan   = 24 * time.Hour
)

// What may become complete with a line: one that is long and invalid grows to three times
// its bytes.
const (
	lineBytes  = 3 * task.LineBytes
	lineEvents = 4
)

// A batch is events that are put in one call.
type batch struct {
	events []types.InputLogEvent
	bytes  int // of the messages
}

// full is whether the batch has no room for any one more line.
func (b *batch) full() bool {
	return len(b.events) > mostEvents-lineEvents || b.bytes+eventBytes*(len(b.events)+lineEvents) > mostBytes-lineBytes
}

// spans is whether the batch cannot have an event of a time beside those that it has.
func (b *batch) spans(at int64) bool {
	return len(b.events) > 0 && at-*b.events[0].Timestamp >= mostSpan.Milliseconds()
}

// add adds messages of a time in milliseconds since 1970.
func (b *batch) add(at int64, messages []string) {
	for i := range messages {
		b.events = append(b.events, types.InputLogEvent{Message: &messages[i], Timestamp: &at})
		b.bytes += len(messages[i])
	}
}
