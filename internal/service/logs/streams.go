package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
	"flyball/internal/state"
)

// A stream is a log stream: a row, and its document. When it had its events the store
// knows.
type stream struct {
	Name    string
	Number  uint32
	Created int64 // milliseconds since 1970
}

var kindStream = state.Kind{Name: "logs.stream", Version: 1}

// streamKey is the key of a stream's row: no name has a colon. It begins with that of
// the group.
func streamKey(group, stream string) string { return group + ":" + stream }

// group is the row of a group.
func (a *API) group(ctx context.Context, name string) (g group, err error) {
	exists := false
	a.cell.State.View(ctx, func() { g, exists = a.groups.Get(name) })
	if !exists {
		return g, fault.NoGroup()
	}
	return g, nil
}

// stream is the row of a stream, and that of its group.
func (a *API) stream(ctx context.Context, groupName, name string) (g group, st stream, err error) {
	a.cell.State.View(ctx, func() {
		var exists bool
		if g, exists = a.groups.Get(groupName); !exists {
			err = fault.NoGroup()
		} else if st, exists = a.streams.Get(streamKey(groupName, name)); !exists {
			err = fault.NoStream()
		}
	})
	return g, st, err
}

// CreateLogStream creates a stream in a group.
func (a *API) CreateLogStream(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	key := streamKey(*in.LogGroupName, *in.LogStreamName)
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.groups.Get(*in.LogGroupName); !exists {
			return fault.NoGroup()
		}
		if _, taken := a.streams.Get(key); taken {
			return fault.Exists("log stream")
		}
		a.streams.Put(tx, key, stream{Name: *in.LogStreamName, Number: a.newNumber(tx), Created: a.now()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogStreamOutput{}, nil
}

// DeleteLogStream deletes a stream and its events.
func (a *API) DeleteLogStream(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteLogStreamOutput, error) {
	key := streamKey(*in.LogGroupName, *in.LogStreamName)
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		g, exists := a.groups.Get(*in.LogGroupName)
		if !exists {
			return fault.NoGroup()
		}
		st, exists := a.streams.Get(key)
		if !exists {
			return fault.NoStream()
		}
		if g.Protected {
			return fault.Validation("Log stream %s cannot be deleted because deletion protection is enabled for its log group.", st.Name)
		}
		a.streams.Delete(tx, key)
		tx.After(func() { a.events.DeleteStream(g.Number, st.Number) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogStreamOutput{}, nil
}

// DescribeLogStreams lists the streams of a group by name or by their last events, in
// pages.
func (a *API) DescribeLogStreams(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	name, err := a.groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, fault.Invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	g, rows, err := a.streamRows(ctx, name, aws.ToString(in.LogStreamNamePrefix))
	if err != nil {
		return nil, err
	}
	listed := a.listed(g, rows, byTime, aws.ToBool(in.Descending))
	listed, next, err := pageOf(listed, in.NextToken, int(optional.Or(in.Limit, 50)), aws.ToBool(in.Descending))
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogStreamsOutput{NextToken: next, LogStreams: []types.LogStream{}}
	for _, l := range listed {
		out.LogStreams = append(out.LogStreams, a.describeStream(g, l.stream))
	}
	return out, nil
}

// streamRows are a group and its streams whose names begin with a prefix.
func (a *API) streamRows(ctx context.Context, groupName, prefix string) (g group, rows []stream, err error) {
	a.cell.State.View(ctx, func() {
		var exists bool
		if g, exists = a.groups.Get(groupName); !exists {
			err = fault.NoGroup()
			return
		}
		rows = a.streams.Rows(streamKey(groupName, prefix))
	})
	return g, rows, err
}

// A listedStream is a stream with the key that its place in a listing is by.
type listedStream struct {
	stream
	key string
}

// listed are streams in the order of a listing.
func (a *API) listed(g group, rows []stream, byTime, descending bool) []listedStream {
	all := make([]listedStream, len(rows))
	for i, st := range rows {
		all[i] = listedStream{st, st.Name}
		if byTime {
			// A stream without events comes before all others.
			times, _ := a.events.Stream(g.Number, st.Number)
			all[i].key = fmt.Sprintf("%016x:%s", times.Last, st.Name)
		}
	}
	slices.SortFunc(all, func(x, y listedStream) int {
		if descending {
			x, y = y, x
		}
		return cmp.Compare(x.key, y.key)
	})
	return all
}

// pageOf cuts a page out of a listing that may be in descending order.
func pageOf(all []listedStream, token *string, limit int, descending bool) ([]listedStream, *string, error) {
	after, err := page.Key(token)
	if err != nil {
		return nil, nil, fault.InvalidToken()
	}
	if after != "" {
		all = slices.DeleteFunc(all, func(l listedStream) bool {
			return !descending && l.key <= after || descending && l.key >= after
		})
	}
	if len(all) <= limit {
		return all, nil, nil
	}
	next := page.Token(all[limit-1].key)
	return all[:limit], &next, nil
}

func (a *API) describeStream(g group, st stream) types.LogStream {
	arn := a.groupARN(g.Name) + ":log-stream:" + st.Name
	described := types.LogStream{Arn: &arn, LogStreamName: &st.Name, CreationTime: &st.Created, StoredBytes: aws.Int64(0)}
	if times, any := a.events.Stream(g.Number, st.Number); any {
		described.FirstEventTimestamp, described.LastEventTimestamp = &times.First, &times.Last
		described.LastIngestionTime = &times.Ingested
		described.UploadSequenceToken = aws.String(sequenceToken(st))
	}
	return described
}

// sequenceToken is what AWS still gives as one, though nobody has to send it back.
func sequenceToken(st stream) string {
	return strings.Repeat("0", 46) + fmt.Sprintf("%010d", st.Number)
}
