// Package sqs is Amazon SQS in one region of one account. What queues are is in rows,
// as the resources of all services; their messages are a broker's.
package sqs

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"flyball/internal/broker"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/damage"
	"flyball/internal/queue"
	"flyball/internal/service/sqs/rules"
	"flyball/internal/state"
	"flyball/metric"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell   *cell.Cell
	Folder string // of the messages of the cell's queues
	Lazy   bool   // messages need not outlast the process
	// Metrics takes what queues measure; nil keeps none.
	Metrics Recorder
	// Account finds the service of another account in the region, whose queues may be
	// called by their URLs. Nil finds none.
	Account func(account string) (*API, bool)
	// Endpoint begins the URLs of queues for callers inside the server.
	Endpoint string
}

// A Recorder takes measurements; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// An API serves the operations of SQS. Its methods may be called concurrently.
type API struct {
	cfg    Config
	cell   *cell.Cell
	rows   *state.Table[row]
	ended  *state.Table[time.Time] // when queues were deleted, by name
	kept   *state.Table[struct{}]  // queues whose messages have a folder, by ID
	tasks  *state.Table[moveTask]  // by handle
	broker *broker.Broker

	newPeriods *clock.Signal // the periods of metrics may have changed

	running sync.WaitGroup // move tasks, and the loop of metrics
	life    context.Context
	stop    context.CancelFunc
}

// A row is what a queue is, without its messages.
type row struct {
	Name       string
	ID         string // of its messages
	Secret     []byte // marks its receipt handles
	Created    time.Time
	Modified   time.Time
	Purged     time.Time
	Attributes map[string]string
	Tags       map[string]string
}

var (
	kindQueue = state.Kind{Name: "sqs.queue", Version: 1}    // by name
	kindEnded = state.Kind{Name: "sqs.deleted", Version: 1}  // by name
	kindKept  = state.Kind{Name: "sqs.kept", Version: 1}     // by ID: queues whose messages have a folder
	kindTask  = state.Kind{Name: "sqs.movetask", Version: 1} // by handle
)

// New returns the service with what the cell remembers.
func New(cfg Config) (a *API, err error) {
	a = &API{cfg: cfg, cell: cfg.Cell, newPeriods: cfg.Cell.Clock.Signal()}
	a.life, a.stop = context.WithCancel(context.Background())
	a.broker = broker.New(broker.Options{Folder: cfg.Folder, Lazy: cfg.Lazy, Clock: cfg.Cell.Clock, Disk: cfg.Cell.Disk, Log: cfg.Cell.Log, Begun: a.begun})
	if a.rows, err = state.NewTable[row](a.cell.State, kindQueue); err != nil {
		return nil, err
	}
	if a.ended, err = state.NewTable[time.Time](a.cell.State, kindEnded); err != nil {
		return nil, err
	}
	if a.kept, err = state.NewTable[struct{}](a.cell.State, kindKept); err != nil {
		return nil, err
	}
	if a.tasks, err = state.NewTable[moveTask](a.cell.State, kindTask); err != nil {
		return nil, err
	}
	return a, a.openMessages()
}

// openMessages removes the messages of queues that are no more, and tells of queues whose messages
// are not there any more.
func (a *API) openMessages() error {
	var known []string
	for _, r := range a.rows.Rows("") {
		known = append(known, r.ID)
		_, kept := a.kept.Get(r.ID)
		switch has := a.broker.Has(r.ID); {
		case has && !kept: // from an earlier release
			a.begun(r.ID)
		case kept && !has:
			a.tellGone(r.ID)
			a.cell.State.Later(func(tx *state.Tx) { a.kept.Delete(tx, r.ID) })
		}
	}
	for _, id := range a.kept.Keys("") {
		if !slices.Contains(known, id) {
			a.cell.State.Later(func(tx *state.Tx) { a.kept.Delete(tx, id) })
		}
	}
	return a.broker.Sweep(known)
}

// tellGone tells of a queue whose messages had a folder, and have none.
func (a *API) tellGone(id string) {
	a.cell.Log.Error("the messages of a queue are lost: their folder is gone; the queue begins empty",
		"folder", filepath.Join(a.cfg.Folder, id), "next", damage.Restore)
}

// begun notes that a queue has a folder of messages from now on, so that it is missed. One that
// had a folder before has lost it since the start. It does so by itself, for the queue may be
// opened within a change.
func (a *API) begun(id string) {
	if a.cfg.Lazy {
		return
	}
	a.running.Go(func() {
		a.cell.State.Later(func(tx *state.Tx) {
			if _, kept := a.kept.Get(id); kept {
				a.tellGone(id)
				return
			}
			a.kept.Put(tx, id, struct{}{})
		})
	})
}

// Run publishes metrics and carries out move tasks until ctx ends. Callers that wait for
// messages then go. The messages stay open until Close.
func (a *API) Run(ctx context.Context) error {
	a.resumeTasks()
	a.cell.Clock.Go(a.life, &a.running, a.metricsLoop)
	defer a.running.Wait()
	defer a.broker.Stop()
	defer a.stop()
	var failure error
	a.cell.Clock.Idle(ctx, func() {
		select {
		case <-ctx.Done():
		case failure = <-a.broker.Failed():
		}
	})
	if failure != nil {
		return fmt.Errorf("the messages of a queue could not be written; mend the disk, and start again: %w", failure)
	}
	return nil
}

// Close writes what is in memory.
func (a *API) Close() error {
	a.stop()
	a.running.Wait()
	return a.broker.Close()
}

func (a *API) arn(name string) string { return a.cell.ARN("sqs", name) }

// now is the time as rows have it: queues tell it in seconds.
func (a *API) now() time.Time { return a.cell.Clock.Now().Truncate(time.Second) }

// fifo tells a FIFO queue.
func (r *row) fifo() bool { return r.Attributes[rules.FifoQueue] == "true" }

// seconds is an attribute that is a number of seconds.
func (r *row) seconds(attribute string) time.Duration {
	return time.Duration(r.number(attribute)) * time.Second
}

func (r *row) settings() queue.Settings {
	return queue.Settings{FIFO: r.fifo(), Retention: queue.Millis(r.seconds(rules.MessageRetentionPeriod).Milliseconds())}
}

// messages are those of a queue.
func (a *API) messages(r row) (*broker.Queue, error) { return a.broker.Queue(r.ID, r.settings()) }
