package sqs

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"flyball/internal/broker"
	"flyball/internal/optional"
	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/state"
)

// A moveTask moves messages out of a dead-letter queue.
type moveTask struct {
	Handle      string
	Source      string // ARN of the dead-letter queue
	Destination string // ARN; empty: where each message came from
	Rate        int32  // messages a second; 0: the most
	Status      string
	Moved       int64
	ToMove      int64 // when it began
	Failure     string
	Started     time.Time
}

// The statuses of move tasks ("ListMessageMoveTasksResultEntry").
const (
	taskRunning    = "RUNNING"
	taskCompleted  = "COMPLETED"
	taskCancelling = "CANCELLING"
	taskCancelled  = "CANCELLED"
	taskFailed     = "FAILED"
)

func (t *moveTask) active() bool { return t.Status == taskRunning || t.Status == taskCancelling }

// mostMoved bounds the rate of a move task ("StartMessageMoveTask").
const mostMoved = 500

// mostTasks is how many tasks of a source are kept and listed.
const mostTasks = 10

// StartMessageMoveTask begins to move messages from a dead-letter queue to a queue, or
// back to where they came from.
func (a *API) StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput, _ ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	r, err := a.taskSource(ctx, in.SourceArn)
	if err != nil {
		return nil, err
	}
	if !a.isTarget(ctx, r.Name) {
		return nil, fault.Parameter("Source queue must be configured as a Dead Letter Queue.")
	}
	if to := aws.ToString(in.DestinationArn); to != "" {
		if _, _, err := a.named(ctx, to); err != nil {
			return nil, fault.NoResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
		}
	}
	if n := in.MaxNumberOfMessagesPerSecond; n != nil && (*n < 1 || *n > mostMoved) {
		return nil, fault.Value(*n, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	q, err := a.messages(r)
	if err != nil {
		return nil, err
	}
	t := moveTask{
		Handle: taskHandle(*in.SourceArn), Source: *in.SourceArn, Destination: aws.ToString(in.DestinationArn),
		Rate: aws.ToInt32(in.MaxNumberOfMessagesPerSecond), Status: taskRunning, ToMove: q.Measure().Visible, Started: a.cell.Clock.Now(),
	}
	if err := a.addTask(ctx, t); err != nil {
		return nil, err
	}
	a.start(t)
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: &t.Handle}, nil
}

// taskSource is the queue of the account that an ARN names.
func (a *API) taskSource(ctx context.Context, arn *string) (r row, err error) {
	if aws.ToString(arn) == "" {
		return r, fault.Missing("SourceArn")
	}
	owner, r, err := a.named(ctx, *arn)
	if err != nil || owner != a {
		return r, fault.NoResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	return r, nil
}

func taskHandle(source string) string {
	b, _ := json.Marshal(map[string]string{"taskId": uuid.NewString(), "sourceArn": source}) // texts can be written
	return base64.StdEncoding.EncodeToString(b)
}

// addTask keeps a task, unless another moves messages out of the same queue.
func (a *API) addTask(ctx context.Context, t moveTask) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		for i, old := range a.tasksOf(t.Source) {
			if old.active() {
				return fault.Parameter("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
			}
			if i >= mostTasks-1 {
				a.tasks.Delete(tx, old.Handle)
			}
		}
		a.tasks.Put(tx, t.Handle, t)
		return nil
	})
}

// tasksOf are the tasks of a source, the newest first, under the lock.
func (a *API) tasksOf(source string) (all []moveTask) {
	for _, t := range a.tasks.Rows("") {
		if t.Source == source {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(x, y moveTask) int { return cmp.Or(y.Started.Compare(x.Started), cmp.Compare(x.Handle, y.Handle)) })
	return all
}

// resumeTasks goes on with the tasks that an earlier life of the server had begun.
func (a *API) resumeTasks() {
	var all []moveTask
	a.cell.State.View(context.Background(), func() { all = a.tasks.Rows("") })
	for _, t := range all {
		if t.active() {
			a.start(t)
		}
	}
}

func (a *API) start(t moveTask) {
	a.cell.Clock.Go(a.life, &a.running, func(ctx context.Context) { a.move(ctx, t) })
}

// move carries out a task until nothing is left, it is cancelled, or the server stops.
func (a *API) move(ctx context.Context, t moveTask) {
	for {
		begun := a.cell.Clock.Now()
		n, err := a.moveSome(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if t, goes := a.noteMoved(t.Handle, n, err); !goes {
			a.cell.Log.Info("a message move task has ended", "source", t.Source, "status", t.Status, "moved", t.Moved)
			return
		}
		rate := cmp.Or(t.Rate, mostMoved)
		if a.cell.Clock.SleepUntil(ctx, begun.Add(time.Duration(n)*time.Second/time.Duration(rate))) != nil {
			return
		}
	}
}

// moveSome moves a few messages, and tells how many.
func (a *API) moveSome(ctx context.Context, t moveTask) (int, error) {
	_, r, err := a.named(ctx, t.Source)
	if err != nil {
		return 0, err
	}
	from, err := a.messages(r)
	if err != nil {
		return 0, err
	}
	got, err := from.Receive(ctx, broker.Request{Most: min(mostReceived, int(cmp.Or(t.Rate, mostMoved))), Invisible: time.Minute})
	if err != nil {
		return 0, err
	}
	for i, m := range got {
		if err := a.moveOne(ctx, t, from, m); err != nil {
			return i, err
		}
	}
	return len(got), nil
}

// moveOne sends a message to where it goes, as a new one, and deletes the one that it
// was ("Learn how to configure a dead-letter queue redrive").
func (a *API) moveOne(ctx context.Context, t moveTask, from *broker.Queue, m broker.Received) error {
	owner, target, err := a.named(ctx, cmp.Or(t.Destination, m.Source))
	if err != nil {
		return err
	}
	to, err := owner.messages(target)
	if err != nil {
		return err
	}
	moved := *m.Message
	moved.ID, moved.Sent, moved.Receives, moved.First, moved.Source = uuid.New(), 0, 0, 0, ""
	moved.DedupGroup = "moved " + uuid.UUID(m.ID).String()
	if _, err := to.Send([]*broker.Message{&moved}); err != nil {
		return err
	}
	_, err = from.Delete([]queue.Receipt{m.Receipt})
	return err
}

// noteMoved notes what a task has come to. It is false when the task has ended.
func (a *API) noteMoved(handle string, n int, failure error) (t moveTask, goes bool) {
	a.cell.State.Later(func(tx *state.Tx) {
		t, _ = a.tasks.Get(handle)
		t.Moved += int64(n)
		switch {
		case failure != nil:
			t.Status, t.Failure = taskFailed, reason(failure)
		case t.Status == taskCancelling:
			t.Status = taskCancelled
		case n == 0:
			t.Status = taskCompleted
		}
		a.tasks.Put(tx, handle, t)
	})
	return t, t.active()
}

// reason is why a task fails, as clients are told: the code of an error.
func reason(err error) string {
	if _, gone := errors.AsType[*types.QueueDoesNotExist](err); gone {
		return "AWS.SimpleQueueService.NonExistentQueue"
	}
	return "CouldNotMoveMessage"
}

// CancelMessageMoveTask has a task move no more messages.
func (a *API) CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput, _ ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error) {
	if aws.ToString(in.TaskHandle) == "" {
		return nil, fault.Missing("TaskHandle")
	}
	var said struct{ TaskID, SourceArn string }
	b, err := base64.StdEncoding.DecodeString(*in.TaskHandle)
	if err != nil || json.Unmarshal(b, &said) != nil || said.SourceArn == "" {
		return nil, fault.Parameter("Value for parameter TaskHandle is invalid.")
	}
	if _, err := a.taskSource(ctx, &said.SourceArn); err != nil {
		return nil, err
	}
	var moved int64
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t, exists := a.tasks.Get(*in.TaskHandle)
		if !exists || t.Status != taskRunning {
			return fault.NoResource("Task does not exist.")
		}
		t.Status, moved = taskCancelling, t.Moved
		a.tasks.Put(tx, t.Handle, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sqs.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: moved}, nil
}

// ListMessageMoveTasks lists the newest tasks of a dead-letter queue.
func (a *API) ListMessageMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput, _ ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	if _, err := a.taskSource(ctx, in.SourceArn); err != nil {
		return nil, err
	}
	most := optional.Or(in.MaxResults, 1)
	if most < 1 || most > mostTasks {
		return nil, fault.Value(most, "MaxResults", "Must be between 1 and 10, if provided.")
	}
	var all []moveTask
	a.cell.State.View(ctx, func() { all = a.tasksOf(*in.SourceArn) })
	out := &sqs.ListMessageMoveTasksOutput{}
	for _, t := range all[:min(len(all), int(most))] {
		out.Results = append(out.Results, t.listed())
	}
	return out, nil
}

// listed is a task as clients see it. Only those that go on can be cancelled by their
// handle.
func (t moveTask) listed() types.ListMessageMoveTasksResultEntry {
	e := types.ListMessageMoveTasksResultEntry{
		Status: &t.Status, SourceArn: &t.Source, DestinationArn: optional.String(t.Destination),
		ApproximateNumberOfMessagesMoved: t.Moved, ApproximateNumberOfMessagesToMove: &t.ToMove,
		FailureReason: optional.String(t.Failure), StartedTimestamp: t.Started.UnixMilli(),
	}
	if t.Rate > 0 {
		e.MaxNumberOfMessagesPerSecond = &t.Rate
	}
	if t.Status == taskRunning {
		e.TaskHandle = &t.Handle
	}
	return e
}
