package logs

import (
	"context"
	"errors"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/logstore"
	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
	"flyball/internal/service/logs/pattern"
)

// scanBytes is how much of a group one call of FilterLogEvents looks at. A page ends
// there, also if it has no events.
const scanBytes = 64 << 20

// backwardSince is the earliest start of a search that begins at the end: 1 January 2024
// ("FilterLogEvents").
const backwardSince = 1_704_067_200_000

// FilterLogEvents searches the events of a group's streams, in the order of their times.
func (a *API) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	name, err := a.groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, fault.Invalid("LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters.")
	}
	g, rows, err := a.streamRows(ctx, name, aws.ToString(in.LogStreamNamePrefix))
	if err != nil {
		return nil, err
	}
	names, err := searched(rows, in.LogStreamNames)
	if err != nil {
		return nil, err
	}
	q := g.query(in.StartTime, nil, a.now())
	q.Streams = func(n uint32) bool { _, ok := names[n]; return ok }
	if err := searchFor(in, &q); err != nil {
		return nil, err
	}
	p, err := a.events.Read(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(p.Entries) == 0 && p.End && in.NextToken == nil {
		a.foundNothing(ctx, "FilterLogEvents", q)
	}
	return found(q, p, names), nil
}

// searched are the names of the streams to search, by number.
func searched(rows []stream, only []string) (map[uint32]*string, error) {
	wanted := map[string]bool{}
	for _, name := range only {
		wanted[name] = true
	}
	names := make(map[uint32]*string, len(rows))
	for i := range rows {
		if len(only) == 0 || wanted[rows[i].Name] {
			names[rows[i].Number] = &rows[i].Name
		}
	}
	if len(names) < len(wanted) {
		return nil, fault.NoStream()
	}
	return names, nil
}

// searchFor has a query ask for what a search asks for.
func searchFor(in *cloudwatchlogs.FilterLogEventsInput, q *logstore.Query) error {
	if in.EndTime != nil {
		q.To.Time = min(*in.EndTime, math.MaxInt64-1) + 1 // events of that time are included
	}
	q.Events, q.Scan = int(optional.Or(in.Limit, pageEvents)), scanBytes
	if text := aws.ToString(in.FilterPattern); text != "" {
		p, err := pattern.Parse(text)
		if err != nil {
			return badPattern(err)
		}
		q.Match = p.Match
	}
	return startSearch(in, q)
}

func badPattern(err error) error {
	if term, ok := errors.AsType[pattern.TermError](err); ok {
		return fault.Invalid("%s", term)
	}
	return fault.Invalid("Invalid filter pattern: %s", err)
}

// startSearch has a query begin where its token says, or at one of its ends.
func startSearch(in *cloudwatchlogs.FilterLogEventsInput, q *logstore.Query) error {
	if in.NextToken == nil {
		q.Backward = in.StartFromHead != nil && !*in.StartFromHead
		if q.Backward && optional.Or(in.StartTime, 0) < backwardSince {
			return fault.Invalid("startFromHead can be false only when startTime is on or after Jan 1, 2024 00:00:00 UTC.")
		}
		return nil
	}
	text, err := page.Key(in.NextToken)
	if err != nil {
		return fault.InvalidToken()
	}
	token, err := parseStreamToken(&text)
	if err != nil {
		return err
	}
	q.Backward = token.backward
	token.bound(q)
	return nil
}

// found is what a search found.
func found(q logstore.Query, p logstore.Page, names map[uint32]*string) *cloudwatchlogs.FilterLogEventsOutput {
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: []types.FilteredLogEvent{}, SearchedLogStreams: []types.SearchedLogStream{}}
	for i := range p.Entries {
		e := &p.Entries[i]
		if q.Backward {
			e = &p.Entries[len(p.Entries)-1-i]
		}
		out.Events = append(out.Events, types.FilteredLogEvent{
			EventId: aws.String(eventID(e.Key)), LogStreamName: names[e.Stream],
			Timestamp: &e.Time, IngestionTime: &e.Ingested, Message: &e.Message,
		})
	}
	if !p.End {
		out.NextToken = aws.String(page.Token(streamToken{q.Backward, p.Rest}.String()))
	}
	return out
}
