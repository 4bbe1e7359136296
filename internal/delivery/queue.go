package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"flyball/internal/broker"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/disk"
	"flyball/internal/queue"
)

// Options are what a queue of deliveries is opened with.
type Options struct {
	Folder string // of the deliveries
	Lazy   bool   // nothing has to outlast the process
	Clock  *clock.Clock
	Disk   *disk.Disk // of the folder; nil always has room
	Router *deliver.Router
	Log    *slog.Logger
}

// A Queue is the deliveries of a cell. Its methods may be called from several goroutines.
type Queue struct {
	Options
	broker   *broker.Broker
	messages *broker.Queue
	owners   map[string]Owner
	workers  sync.WaitGroup
	// mostWaiting is how many deliveries wait in a lane, and mostHeld are in all lanes.
	mostWaiting, mostHeld int

	mu    sync.Mutex
	lanes map[laneKey]*lane
	held  int // jobs in all lanes
}

// Times of the queue's messages. They are removed by what becomes of them: both are
// longer than any delivery takes.
const (
	retention = 100 * 365 * 24 * time.Hour
	inFlight  = 100 * 365 * 24 * time.Hour
)

// Open returns the queue with the deliveries of an earlier life.
func Open(o Options) (*Queue, error) {
	q := &Queue{Options: o, owners: map[string]Owner{}, lanes: map[laneKey]*lane{}, mostWaiting: mostWaiting, mostHeld: mostHeld}
	q.broker = broker.New(broker.Options{Folder: o.Folder, Lazy: o.Lazy, Clock: o.Clock, Disk: o.Disk, Log: o.Log})
	var err error
	if q.messages, err = q.broker.Queue("all", queue.Settings{Retention: queue.Millis(retention.Milliseconds()), MostInFlight: 2 * mostHeld}); err != nil {
		return nil, fmt.Errorf("open the deliveries: %w", err)
	}
	q.messages.Recall()
	return q, nil
}

// Register has an owner be known by its name. All register before Run.
func (q *Queue) Register(name string, o Owner) { q.owners[name] = o }

// A batch of deliveries goes to disk with one write.
const (
	mostBatch      = 1000
	mostBatchBytes = 8 << 20
)

// Deliver takes deliveries over: when it returns without an error they are on disk, and
// will be attempted. With an error some of them may be.
func (q *Queue) Deliver(_ context.Context, deliveries ...Delivery) error {
	if err := q.Disk.Check(); err != nil {
		return err
	}
	now := q.Clock.Now()
	var batch []*broker.Message
	size := 0
	for i, d := range deliveries {
		if d.Invocation.ID == "" {
			d.Invocation.ID = uuid.NewString()
		}
		m, err := parcel{Delivery: d, Accepted: now}.message()
		if err != nil {
			return err
		}
		batch = append(batch, m)
		size += m.Size()
		if i == len(deliveries)-1 || len(batch) == mostBatch || size >= mostBatchBytes {
			if _, err := q.messages.Send(batch); err != nil {
				return fmt.Errorf("keep deliveries: %w", err)
			}
			batch, size = batch[:0], 0
		}
	}
	return nil
}

// Run attempts deliveries until ctx ends and the attempts that are under way have
// returned.
func (q *Queue) Run(ctx context.Context) error {
	defer q.workers.Wait()
	var receiving sync.WaitGroup
	defer receiving.Wait()
	q.Clock.Go(ctx, &receiving, q.receive)
	var failure error
	q.Clock.Idle(ctx, func() {
		select {
		case <-ctx.Done():
		case failure = <-q.broker.Failed():
		}
	})
	if failure != nil {
		q.broker.Stop()
		return fmt.Errorf("deliveries could not be written; mend the disk, and start again: %w", failure)
	}
	return nil
}

// Close writes what is in memory.
func (q *Queue) Close() error { return q.broker.Close() }

// A receive takes so many deliveries, and waits so long for the first of them.
const (
	mostReceived = 256
	patience     = time.Hour
)

// receive hands deliveries to their lanes.
func (q *Queue) receive(ctx context.Context) {
	for ctx.Err() == nil {
		got, err := q.messages.Receive(ctx, broker.Request{Most: mostReceived, Invisible: inFlight, Wait: patience})
		if err != nil {
			return // it is removed, or ctx has ended
		}
		q.replace(q.sort(ctx, got)...)
	}
}

// sort hands deliveries to their lanes, and returns those that have to come again.
func (q *Queue) sort(ctx context.Context, got []broker.Received) (again []change) {
	for _, m := range got {
		if delay, ok := q.admit(ctx, m); !ok {
			again = append(again, change{m.Receipt, m.Message, delay})
		}
	}
	return again
}

// open reads the parcel of a message.
func (q *Queue) open(m *broker.Message, r queue.Receipt) (j job, ok bool) {
	p, err := parcelOf(m)
	if err != nil {
		q.Log.Error("a delivery cannot be read, and is dropped", "error", err)
		q.forget(r)
		return job{}, false
	}
	return job{parcel: p, receipt: r}, true
}

// load reads a delivery that has waited in its lane.
func (q *Queue) load(r queue.Receipt) (j job, ok bool) {
	m, err := q.messages.Reread(r)
	if err != nil {
		q.Log.Error("a delivery is lost", "error", err)
		q.forget(r)
		return job{}, false
	}
	return q.open(m, r)
}

// forget removes deliveries that are done with. A kill right now leaves them removed; when
// the machine stops they may be attempted once more.
func (q *Queue) forget(done ...queue.Receipt) {
	if err := q.messages.Forget(done); err != nil {
		q.Log.Error("a delivery could not be removed", "error", err)
	}
}

// roomAgain is how long a change waits that the disk had no room for.
const roomAgain = time.Second

// A change puts a message into the place of another, to be received after a delay.
type change struct {
	of    queue.Receipt
	to    *broker.Message
	delay time.Duration
}

// replace makes changes. Those that cannot be made leave deliveries in flight, which come
// back with the next start.
func (q *Queue) replace(changes ...change) {
	if len(changes) == 0 {
		return
	}
	messages, done := make([]*broker.Message, len(changes)), make([]queue.Receipt, len(changes))
	for i, c := range changes {
		c.to.Sent, c.to.Delay = 0, queue.Millis(c.delay.Milliseconds())
		messages[i], done[i] = c.to, c.of
	}
	_, err := q.messages.Send(messages)
	if _, full := errors.AsType[*disk.Error](err); full {
		time.AfterFunc(roomAgain, func() { q.replace(changes...) }) // what they replace is in flight until then
		return
	}
	if err != nil {
		q.Log.Error("deliveries could not be put back", "error", err)
		return
	}
	q.forget(done...)
}

// putBack puts a parcel into the place of a job, to be received after a delay.
func (q *Queue) putBack(j job, p parcel, delay time.Duration) {
	m, err := p.message()
	if err != nil {
		q.Log.Error("a delivery could not be put back", "to", p.To, "error", err)
		return
	}
	q.replace(change{j.receipt, m, delay})
}

func random() float64 { return rand.Float64() }
