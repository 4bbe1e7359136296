// Package awslogs is the log driver awslogs: it puts what containers write into the log
// streams of CloudWatch Logs that their log configuration names.
//
//	to, err := awslogs.ParseOptions(options, ...)
//	err = driver.Open(ctx, to, role)              // before the task is started
//	driver.Follow(running, "main", to, role)      // once it runs, and again in the server's next life
//	driver.Finish(ctx, taskID)                    // before what it has written is removed
//
// Each container is followed from the place where what was put ends:
//
//	log, from a position ──> lines ──> events (events.go) ──> batches (batch.go) ──> PutLogEvents
//	now and then: the position and the time of the last event ──> a row (mark.go)
//
// The row may be older than what was put. So that a server that was killed loses no line
// and puts none twice, every event after the row has a later time than all before: the
// bytes of the events with later times are those of the log that were put since.
//
// A container writes without waiting for any of this; what is not put yet is in its log.
// In the mode non-blocking, the oldest of it is left out when it is more than the option
// max-buffer-size.
package awslogs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/state"
	"flyball/internal/task"
)

// Logs is what the driver needs of CloudWatch Logs in a region.
type Logs interface {
	CreateLogGroup(context.Context, *cloudwatchlogs.CreateLogGroupInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error)
	CreateLogStream(context.Context, *cloudwatchlogs.CreateLogStreamInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error)
	PutLogEvents(context.Context, *cloudwatchlogs.PutLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error)
	GetLogEvents(context.Context, *cloudwatchlogs.GetLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error)
}

var _ Logs = (*cloudwatchlogs.Client)(nil)

// Config is what a Driver needs of the rest of the server.
type Config struct {
	Cell *cell.Cell // of the tasks
	// Logs is CloudWatch Logs in a region.
	Logs func(region string) (Logs, error)
	// Allow, if set, says whether a role may create a log group in a region.
	Allow func(ctx context.Context, role, region, group string) error
}

// A Driver puts what the containers of a cell write into their log streams. Its methods
// may be called from several goroutines.
type Driver struct {
	cfg   Config
	cell  *cell.Cell
	log   *slog.Logger
	marks *state.Table[mark] // by TASK/CONTAINER

	lives context.Context // ends when nothing is put any more
	end   func()

	mu        sync.Mutex
	closed    bool
	followers map[string]*follower // by TASK/CONTAINER
}

// New returns a driver that knows where those of the cell's earlier lives were.
func New(cfg Config) (*Driver, error) {
	marks, err := state.NewTable[mark](cfg.Cell.State, kindMark)
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg, cell: cfg.Cell, log: cfg.Cell.Log, marks: marks, followers: map[string]*follower{}}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.lives, d.end = context.WithCancel(context.Background())
	return d, nil
}

// Open makes the log stream that a container is to write to and, if it may, the group.
// Role is the execution role of the task.
func (d *Driver) Open(ctx context.Context, to Destination, role string) error {
	logs, err := d.cfg.Logs(to.Region)
	if err != nil {
		return err
	}
	err = createStream(ctx, logs, to)
	if !to.CreateGroup || !is[*types.ResourceNotFoundException](err) {
		return err
	}
	if d.cfg.Allow != nil {
		if err := d.cfg.Allow(ctx, role, to.Region, to.Group); err != nil {
			return err
		}
	}
	if err := createGroup(ctx, logs, to); err != nil {
		return err
	}
	return createStream(ctx, logs, to)
}

func createGroup(ctx context.Context, logs Logs, to Destination) error {
	_, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &to.Group})
	if err == nil || is[*types.ResourceAlreadyExistsException](err) {
		return nil
	}
	return fmt.Errorf("failed to create Cloudwatch log group: %w", err)
}

func createStream(ctx context.Context, logs Logs, to Destination) error {
	_, err := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &to.Group, LogStreamName: &to.Stream})
	if err == nil || is[*types.ResourceAlreadyExistsException](err) {
		return nil
	}
	return fmt.Errorf("failed to create Cloudwatch log stream: %w", err)
}

// Follow puts what a container of a task has written, and what it will, until it has
// ended. It does nothing for one that is followed already.
func (d *Driver) Follow(t task.Task, container string, to Destination, role string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := t.ID() + "/" + container
	if d.closed || d.followers[key] != nil {
		return
	}
	f := newFollower(d, t, container, to, role)
	d.followers[key] = f
	go f.run()
}

// finishTime is how long the end of a task's logs may take to be put, in real time.
const finishTime = 5 * time.Second

// Finish waits until all that a task has written is put, but not for long if it cannot
// be, and forgets the task.
func (d *Driver) Finish(ctx context.Context, taskID string) {
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	d.mu.Lock()
	var ending []*follower
	for key, f := range d.followers {
		if strings.HasPrefix(key, taskID+"/") {
			ending = append(ending, f)
			delete(d.followers, key)
		}
	}
	d.mu.Unlock()
	await(ctx, ending)
	d.cell.State.Later(func(tx *state.Tx) {
		for _, key := range d.marks.Keys(taskID + "/") {
			d.marks.Delete(tx, key)
		}
	})
}

// Close puts what containers have written so far, and the rest of those that have ended,
// as far as that can be done before ctx ends. Nothing is put afterwards: the next life of
// the server goes on.
func (d *Driver) Close(ctx context.Context) {
	d.mu.Lock()
	d.closed = true
	ending := make([]*follower, 0, len(d.followers))
	for _, f := range d.followers {
		ending = append(ending, f)
	}
	d.mu.Unlock()
	for _, f := range ending {
		select {
		case <-f.task.Done():
		default:
			f.stop()
		}
	}
	await(ctx, ending)
	d.end()
}

// await waits until followers have ended, and ends them when ctx does.
func await(ctx context.Context, followers []*follower) {
	for _, f := range followers {
		select {
		case <-f.done:
		case <-ctx.Done():
			f.abandon()
			<-f.done
		}
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// refused is whether it is of no use to try a call again.
func refused(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorFault() == smithy.FaultClient
}
