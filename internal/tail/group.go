package tail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/optional"
)

// lateEvents is how much later than others, in real time, events of the same time may be
// put: each container's are put once a second.
const lateEvents = 5 * time.Second

// A group is a log group, or some of its streams.
type group struct {
	logs    filterer
	name    string
	streams []string // none: all
	pattern string
	late    time.Duration // lateEvents on the server's clock

	from  time.Time            // what is asked for next
	token *string              // of the next page
	last  time.Time            // of the newest event
	seen  map[string]time.Time // events that may be answered again
}

// filterer finds log events; CloudWatch Logs does.
type filterer interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// page implements source.
func (g *group) page(ctx context.Context) (lines []Line, more bool, err error) {
	out, err := g.logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &g.name, LogStreamNames: g.streams, FilterPattern: optional.String(g.pattern),
		StartTime: g.start(), NextToken: g.token,
	})
	if _, none := errors.AsType[*types.ResourceNotFoundException](err); none {
		return nil, false, fmt.Errorf("there is no log group %s in this region, nor a service or task of that name; flyball status names services, aws logs describe-log-groups log groups", g.name)
	}
	if err != nil {
		return nil, false, err
	}
	for _, e := range out.Events {
		at, id := time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), aws.ToString(e.EventId)
		if _, again := g.seen[id]; again {
			continue
		}
		g.seen[id] = at
		if at.After(g.last) {
			g.last = at
		}
		lines = append(lines, Line{At: at, Source: aws.ToString(e.LogStreamName), Text: strings.TrimSuffix(aws.ToString(e.Message), "\n")})
	}
	if g.token = out.NextToken; g.token == nil && !g.last.IsZero() {
		g.from = later(g.from, g.last.Add(-g.late))
	}
	maps.DeleteFunc(g.seen, func(_ string, at time.Time) bool { return at.Before(g.last.Add(-g.late)) })
	return lines, g.token != nil, nil
}

func (g *group) start() *int64 {
	if g.from.IsZero() {
		return nil
	}
	return aws.Int64(g.from.UnixMilli())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
