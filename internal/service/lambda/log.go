package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/function"
)

// Logs takes what functions write; CloudWatch Logs does.
type Logs interface {
	CreateLogGroup(context.Context, *cloudwatchlogs.CreateLogGroupInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error)
	CreateLogStream(context.Context, *cloudwatchlogs.CreateLogStreamInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error)
	PutLogEvents(context.Context, *cloudwatchlogs.PutLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error)
}

// A batch of log events has so many bytes at most, with some for each event, and so many
// events ("PutLogEvents").
const (
	maxBatchBytes = 1 << 20
	maxBatch      = 10_000
	eventBytes    = 26
)

// PutLog puts lines of a function into a stream of its log group. It makes both where
// they are missing. What the function's role may not do is not done: such lines are lost,
// as at AWS.
func (a *API) PutLog(ctx context.Context, fn function.Function, stream string, lines []function.Line) error {
	if a.cfg.Logs == nil {
		return nil
	}
	t, err := a.find(ctx, &fn.ARN, nil)
	if err != nil {
		return nil // the function was deleted
	}
	if a.cfg.Roles != nil && a.cfg.Roles.MayLog(ctx, t.version.Settings.Role, fn.Group, stream) != nil {
		return nil
	}
	for len(lines) > 0 {
		n := batch(lines)
		if err := a.putLog(ctx, fn.Group, stream, a.logEvents(lines[:n])); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// batch is how many lines a put takes of some.
func batch(lines []function.Line) int {
	bytes := 0
	for i, line := range lines {
		if bytes += len(line.Text) + eventBytes; i > 0 && (bytes > maxBatchBytes || i == maxBatch) {
			return i
		}
	}
	return len(lines)
}

// logEvents are lines with the server's time in place of the wall clock's.
func (a *API) logEvents(lines []function.Line) []types.InputLogEvent {
	now, wall := a.cell.Clock.Now(), time.Now()
	events := make([]types.InputLogEvent, 0, len(lines))
	latest := int64(0)
	for _, line := range lines {
		ago := time.Duration(float64(wall.Sub(line.At)) * a.cell.Clock.Speed())
		latest = max(latest, now.Add(-ago).UnixMilli())
		text := line.Text
		if text == "" {
			text = " " // an event is not empty
		}
		at := latest
		events = append(events, types.InputLogEvent{Timestamp: &at, Message: &text})
	}
	return events
}

// putLog puts a batch, and makes what it needs if that is missing.
func (a *API) putLog(ctx context.Context, group, stream string, events []types.InputLogEvent) error {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: events}
	_, err := a.cfg.Logs.PutLogEvents(ctx, in)
	if !errors.As(err, new(*types.ResourceNotFoundException)) {
		return err
	}
	_, err = a.cfg.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	if err != nil && !errors.As(err, new(*types.ResourceAlreadyExistsException)) {
		return err
	}
	_, err = a.cfg.Logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	if err != nil && !errors.As(err, new(*types.ResourceAlreadyExistsException)) {
		return err
	}
	_, err = a.cfg.Logs.PutLogEvents(ctx, in)
	return err
}
