package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/client"
)

// A tree's log stream has the tree's name, in a group that all trees of a region share.
// Its events are the numbers from 1 on, so that it shows which of them are lost, there
// twice, or out of place.

const (
	mostLogged = 500  // events of a stream, until it is deleted
	mostPut    = 60   // events in a call
	padding    = 1000 // bytes of each: the events of a run fill several files
)

func eventsFact(n int) string { return fmt.Sprintf("%d events", n) }

// logged is how many events the tree's stream has.
func (t *tree) logged() (n int) {
	_, _ = fmt.Sscanf(t.known[t.key("log stream", "")], "%d events", &n)
	return n
}

// movesOfLogs are what can be done with the log stream.
func (t *tree) movesOfLogs() []func() move {
	switch {
	case !t.has("log stream", ""):
		return []func() move{t.createStream}
	case t.logged() > mostLogged:
		return []func() move{t.deleteStream}
	}
	return []func() move{t.putEvents, t.putEvents}
}

func (t *tree) createStream() move {
	return t.move("CreateLogStream", facts{t.key("log stream", ""): eventsFact(0)}, func(ctx context.Context, c *client.Client) error {
		_, err := c.Logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(clusterName), LogStreamName: &t.name})
		return err
	})
}

func (t *tree) putEvents() move {
	first, count := t.logged()+1, 1+t.rng.IntN(mostPut)
	set := facts{t.key("log stream", ""): eventsFact(first + count - 1)}
	return t.move("PutLogEvents", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.Logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String(clusterName), LogStreamName: &t.name, LogEvents: numbered(first, count, time.Now()),
		})
		return err
	})
}

// numbered are events of a time, with the numbers from first on.
func numbered(first, count int, at time.Time) []types.InputLogEvent {
	events := make([]types.InputLogEvent, count)
	for i := range events {
		text := fmt.Sprintf("%d %s", first+i, strings.Repeat("x", padding))
		events[i] = types.InputLogEvent{Message: &text, Timestamp: aws.Int64(at.UnixMilli())}
	}
	return events
}

func (t *tree) deleteStream() move {
	return t.move("DeleteLogStream", t.without("log stream"), func(ctx context.Context, c *client.Client) error {
		return deleteStream(ctx, c, t.name)
	})
}

func deleteStream(ctx context.Context, c *client.Client, name string) error {
	_, err := c.Logs.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String(clusterName), LogStreamName: &name})
	return err
}

// readLogs reads the log streams with all that is in them.
func (w *world) readLogs(ctx context.Context, c *client.Client) error {
	pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(c.Logs, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String(clusterName)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range page.LogStreams {
			fact, err := readStream(ctx, c, *s.LogStreamName)
			if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
				continue
			}
			if err != nil {
				return err
			}
			w.facts[key{*s.LogStreamName, "log stream", ""}] = fact
		}
	}
	return nil
}

// readStream says how many events a stream has, or which one is not where it must be.
func readStream(ctx context.Context, c *client.Client, name string) (string, error) {
	n := 0
	in := cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(clusterName), LogStreamName: &name, StartFromHead: aws.Bool(true)}
	for {
		out, err := c.Logs.GetLogEvents(ctx, &in)
		if err != nil {
			return "", err
		}
		for _, e := range out.Events {
			number, _, _ := strings.Cut(*e.Message, " ")
			if number != fmt.Sprint(n+1) {
				return fmt.Sprintf("event %s after event %d", number, n), nil
			}
			n++
		}
		if aws.ToString(out.NextForwardToken) == aws.ToString(in.NextToken) {
			return eventsFact(n), nil
		}
		in.NextToken = out.NextForwardToken
	}
}
