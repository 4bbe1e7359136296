package logs

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/logstore"
	"flyball/internal/optional"
	"flyball/internal/service/logs/fault"
)

// Bounds of a page of events ("GetLogEvents", "FilterLogEvents").
const (
	pageEvents = 10_000
	pageBytes  = 1 << 20
)

// GetLogEvents reads the events of one stream, in pages from either end.
func (a *API) GetLogEvents(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error) {
	name, err := a.groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	from, err := parseStreamToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	g, st, err := a.stream(ctx, name, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	q := g.query(in.StartTime, in.EndTime, a.now())
	q.Events = int(optional.Or(in.Limit, pageEvents))
	q.Streams = func(n uint32) bool { return n == st.Number }
	q.Backward = !aws.ToBool(in.StartFromHead)
	if from != nil {
		q.Backward = from.backward
		from.bound(&q)
	}
	p, err := a.events.Read(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(p.Entries) == 0 && in.NextToken == nil {
		a.foundNothing(ctx, "GetLogEvents", q)
	}
	forward, backward := tokensAround(q, p)
	out := &cloudwatchlogs.GetLogEventsOutput{Events: []types.OutputLogEvent{}, NextForwardToken: &forward, NextBackwardToken: &backward}
	for i := range p.Entries {
		e := &p.Entries[i]
		out.Events = append(out.Events, types.OutputLogEvent{Timestamp: &e.Time, IngestionTime: &e.Ingested, Message: &e.Message})
	}
	return out, nil
}

// query asks for the events of a group in a time range, of which the end is not part.
func (g group) query(start, end *int64, now int64) logstore.Query {
	return logstore.Query{
		Group: g.Number, Bytes: pageBytes,
		From: logstore.Key{Time: max(optional.Or(start, 0), g.keptSince(now))},
		To:   logstore.Key{Time: optional.Or(end, math.MaxInt64)},
	}
}

// foundNothing has the cell look whether an operation that found no events has asked for the
// wrong clock's times.
func (a *API) foundNothing(ctx context.Context, operation string, q logstore.Query) {
	to := a.cell.Clock.Now()
	if q.To.Time < to.UnixMilli() {
		to = time.UnixMilli(q.To.Time)
	}
	a.cell.FoundNothing(operation, time.UnixMilli(q.From.Time), to, func(from, to time.Time) bool {
		q.From, q.To, q.Events = logstore.Key{Time: from.UnixMilli()}, logstore.Key{Time: to.UnixMilli()}, 1
		p, err := a.events.Read(ctx, q)
		return err == nil && len(p.Entries) > 0
	})
}

// A streamToken is a place in a stream, and which way it is read from there:
// f/DIGITS/s or b/DIGITS/s.
type streamToken struct {
	backward bool
	at       logstore.Key
}

func (t streamToken) String() string {
	way := "f"
	if t.backward {
		way = "b"
	}
	return fmt.Sprintf("%s/%s/s", way, eventID(t.at))
}

// bound has a query begin at the token's place.
func (t streamToken) bound(q *logstore.Query) {
	switch {
	case t.backward && t.at.Compare(q.To) < 0:
		q.To = t.at
	case !t.backward && t.at.Compare(q.From) > 0:
		q.From = t.at
	}
}

// tokensAround are the tokens of what is after a page and before it. Where there is
// nothing the token is the one that the page was asked for with.
func tokensAround(q logstore.Query, p logstore.Page) (forward, backward string) {
	after, before := q.From, q.To
	switch n := len(p.Entries); {
	case n > 0:
		after, before = p.Entries[n-1].After(), p.Entries[0].Key
	case q.Backward:
		after = q.To
		if q.To.Time == math.MaxInt64 {
			after = q.From // an empty stream, whose events are to come
		}
	default:
		before = q.From
	}
	return streamToken{false, after}.String(), streamToken{true, before}.String()
}

// parseStreamToken reads a token of GetLogEvents.
func parseStreamToken(token *string) (*streamToken, error) {
	if token == nil {
		return nil, nil
	}
	parts := strings.Split(*token, "/")
	if len(parts) != 3 || parts[0] != "f" && parts[0] != "b" || parts[2] != "s" {
		return nil, fault.InvalidToken()
	}
	at, ok := parseEventID(parts[1])
	if !ok {
		return nil, fault.InvalidToken()
	}
	return &streamToken{parts[0] == "b", at}, nil
}

// eventID is the id of an event: 56 digits in the order of places, as AWS's are.
func eventID(k logstore.Key) string { return fmt.Sprintf("%028d%028d", k.Time, k.Number) }

func parseEventID(id string) (k logstore.Key, ok bool) {
	if len(id) != 56 || strings.Trim(id, "0123456789") != "" {
		return k, false
	}
	time, err1 := strconv.ParseInt(id[:28], 10, 64)
	number, err2 := strconv.ParseUint(id[28:], 10, 64)
	return logstore.Key{Time: time, Number: number}, err1 == nil && err2 == nil
}
