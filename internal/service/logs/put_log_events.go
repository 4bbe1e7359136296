package logs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/disk"
	"flyball/internal/logstore"
	"flyball/internal/service/logs/fault"
	"flyball/internal/state"
)

// Bounds of PutLogEvents ("PutLogEvents"). Times are in milliseconds.
const (
	maxBatch    = 1_048_576 // bytes of a batch, with eventBytes for each event
	maxMessage  = 1_048_576 - eventBytes
	eventBytes  = 26
	maxAhead    = 2 * hour
	maxAge      = 14 * day
	maxTimeSpan = day
	hour        = 60 * 60 * 1000
	day         = 24 * hour
)

// PutLogEvents puts a batch of events into a stream. They are on disk when it returns.
func (a *API) PutLogEvents(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error) {
	batch, err := batchOf(in.LogEvents)
	if err != nil {
		return nil, err
	}
	g, st, filters, err := a.destination(ctx, *in.LogGroupName, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	now := a.now()
	accepted, rejected := g.accept(batch, now)
	if len(accepted) > 0 && accepted[len(accepted)-1].Time-accepted[0].Time > maxTimeSpan {
		return nil, fault.Invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	if err := a.cell.State.Admitted(); err != nil {
		return nil, err
	}
	err = state.Patiently(ctx, func() error { return a.events.Append(g.Number, st.Number, now, accepted) })
	if _, full := errors.AsType[*disk.Error](err); full {
		return nil, err
	}
	if err != nil {
		a.log.Error("log events could not be written", "group", g.Name, "stream", st.Name, "error", err)
		return nil, fault.Unavailable()
	}
	for _, f := range filters {
		a.counts.take(f, accepted)
	}
	return &cloudwatchlogs.PutLogEventsOutput{NextSequenceToken: aws.String(sequenceToken(st)), RejectedLogEventsInfo: rejected}, nil
}

// destination is the stream that a batch is for, and the metric filters of its group.
func (a *API) destination(ctx context.Context, groupName, name string) (g group, st stream, filters []metricFilter, err error) {
	a.cell.State.Read(ctx, func(ctx context.Context) {
		if g, st, err = a.stream(ctx, groupName, name); err == nil {
			filters = a.filters.Rows(streamKey(groupName, ""))
		}
	})
	return g, st, filters, err
}

// batchOf are the events of a batch, if it is one.
func batchOf(in []types.InputLogEvent) ([]logstore.Event, error) {
	batch := make([]logstore.Event, len(in))
	bytes := 0
	for i, e := range in {
		batch[i] = logstore.Event{Time: aws.ToInt64(e.Timestamp), Message: aws.ToString(e.Message)}
		if i > 0 && batch[i].Time < batch[i-1].Time {
			return nil, fault.Invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		if len(batch[i].Message) > maxMessage {
			return nil, fault.Invalid("Log event too large: %d bytes exceeds limit of %d", len(batch[i].Message)+eventBytes, maxBatch)
		}
		bytes += len(batch[i].Message) + eventBytes
	}
	if bytes > maxBatch {
		return nil, fault.Invalid("Upload too large: %d bytes exceeds limit of %d", bytes, maxBatch)
	}
	return batch, nil
}

// accept is what a group takes of a batch, and what of it is too old or too new.
func (g group) accept(batch []logstore.Event, now int64) ([]logstore.Event, *types.RejectedLogEventsInfo) {
	old, expired, end := 0, 0, len(batch)
	for old < end && batch[old].Time < now-maxAge {
		old++
	}
	for expired < end && batch[expired].Time < g.keptSince(now) {
		expired++
	}
	for end > 0 && batch[end-1].Time > now+maxAhead {
		end--
	}
	var rejected types.RejectedLogEventsInfo
	if old > 0 {
		rejected.TooOldLogEventEndIndex = aws.Int32(int32(old))
	}
	if expired > old {
		rejected.ExpiredLogEventEndIndex = aws.Int32(int32(expired))
	}
	if end < len(batch) {
		rejected.TooNewLogEventStartIndex = aws.Int32(int32(end))
	}
	start := min(max(old, expired), end)
	if start == 0 && end == len(batch) {
		return batch, nil
	}
	return batch[start:end], &rejected
}

// keptSince is the time of the oldest events that a group keeps.
func (g group) keptSince(now int64) int64 {
	if g.Retention == 0 {
		return 0
	}
	return now - int64(g.Retention)*day
}
