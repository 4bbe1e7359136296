package broker

import (
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"flyball/internal/clock"
	"flyball/internal/damage"
	"flyball/internal/disk"
	"flyball/internal/mark"
	"flyball/internal/queue"
)

// ErrClosed is returned for queues of a broker that is closed.
var ErrClosed = errors.New("the server is ending")

// Options are what a broker is opened with.
type Options struct {
	Folder  string // has a folder for each queue
	Lazy    bool   // nothing has to outlast the process
	Segment int64  // bytes of a log's segments; 0: 64 MiB
	Clock   *clock.Clock
	Disk    *disk.Disk   // of the folder; nil always has room
	Log     *slog.Logger // nil: slog.Default
	// Begun, if set, is told of each queue whose folder has been made.
	Begun func(id string)
}

// A Broker is the queues of one folder.
type Broker struct {
	Options

	mu       sync.Mutex
	queues   map[string]*Queue // those that are open
	closed   bool
	book     *mark.Book  // how long the logs are; nil before the first queue is open
	is       os.FileInfo // the folder, from then on
	failure  chan error
	stopping chan struct{} // closed when nobody shall wait any more
	once     sync.Once
}

// New returns a broker, which opens queues when they are asked for.
func New(o Options) *Broker {
	if o.Segment == 0 {
		o.Segment = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Broker{Options: o, queues: map[string]*Queue{}, failure: make(chan error, 1), stopping: make(chan struct{})}
}

// Failed gets the error after which queues can not be written any more.
func (b *Broker) Failed() <-chan error { return b.failure }

// Stop has those who wait for messages go, and nobody wait any more.
func (b *Broker) Stop() { b.once.Do(func() { close(b.stopping) }) }

func (b *Broker) stopped() bool {
	select {
	case <-b.stopping:
		return true
	default:
		return false
	}
}

// failed notes why queues cannot be written any more. Want of room passes, and a queue whose
// files are gone is one of many.
func (b *Broker) failed(err error) error {
	_, full := errors.AsType[*disk.Error](err)
	_, gone := errors.AsType[*damage.Gone](err)
	if !full && !gone && !errors.Is(err, ErrRemoved) {
		select {
		case b.failure <- err:
		default: // one is enough
		}
	}
	return err
}

// Queue is the queue with an identifier, which is a name of a folder. It is opened if it
// is not, or begun.
func (b *Broker) Queue(id string, s queue.Settings) (*Queue, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if q := b.queues[id]; q != nil {
		q.set(s)
		return q, nil
	}
	if err := b.openBook(); err != nil {
		return nil, err
	}
	q := &Queue{broker: b, fifo: s.FIFO, folder: filepath.Join(b.Folder, id)}
	_, before := os.Stat(q.folder)
	if err := q.open(s); err != nil {
		return nil, err
	}
	b.queues[id] = q
	if b.Begun != nil && errors.Is(before, fs.ErrNotExist) {
		b.Begun(id)
	}
	return q, nil
}

// openBook opens the book with the first queue. For the others the folder has to be the one that
// it was then: one that is made anew would take messages that are gone when the old one is put back.
func (b *Broker) openBook() error {
	switch {
	case b.Lazy:
		return nil
	case b.book != nil:
		return damage.Present(b.Folder, b.is)
	}
	if err := os.MkdirAll(b.Folder, 0o700); err != nil {
		return err
	}
	is, err := os.Stat(b.Folder)
	if err != nil {
		return err
	}
	path := filepath.Join(b.Folder, mark.FileName)
	if lost, err := bookLost(b.Folder); err != nil {
		return err
	} else if lost && !b.Disk.Mirrored() {
		b.Log.Error("it is not known of queues, or of deliveries, how long their logs were, so what may be cut off of them is not missed: the note of it is gone and is begun anew", "file", path)
	}
	book, damaged, err := mark.Open(path)
	if err != nil {
		return err
	}
	if b.book, b.is = book, is; damaged > 0 {
		b.Log.Error("it is not known of some queues, or of deliveries, how long their logs were, so what may be cut off of them is not missed: the note of it is damaged and was begun anew",
			"file", path, "notes", damaged)
	}
	return nil
}

// bookLost tells whether there are queues, and no book of their lengths.
func bookLost(folder string) (bool, error) {
	if _, err := os.Stat(filepath.Join(folder, mark.FileName)); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	queues, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return slices.ContainsFunc(queues, fs.DirEntry.IsDir), err
}

// Has tells whether a queue was ever opened: one that was not has no messages.
func (b *Broker) Has(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queues[id] != nil {
		return true
	}
	_, err := os.Stat(filepath.Join(b.Folder, id))
	return err == nil
}

func (q *Queue) set(s queue.Settings) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.machine.Set(s)
}

// Remove removes a queue with all that is in it.
func (b *Broker) Remove(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if q := b.queues[id]; q != nil {
		q.end()
		_ = q.log.Close() // what is to be removed need not be whole
		delete(b.queues, id)
	}
	b.book.ForgetAll(id + "/")
	return b.remove(id)
}

// remove removes the folder of a queue.
func (b *Broker) remove(id string) error {
	path := filepath.Join(b.Folder, id)
	return errors.Join(os.RemoveAll(path), b.Disk.Removed(path))
}

// end has the queue do nothing more, and returns when it does nothing any more.
func (q *Queue) end() {
	q.mu.Lock()
	q.removed = true
	q.waiting.tell(math.MaxInt64)
	if q.alarm != nil {
		q.alarm.Stop()
	}
	q.mu.Unlock()
	q.saving.Wait() // no other begins
}

// close writes what an ended queue knows.
func (q *Queue) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.checkpoint()
	content := c.encode()
	err := q.log.Sync(q.log.End())
	if err == nil {
		err = q.writeCheckpoint(content)
	}
	return errors.Join(err, q.log.Close())
}

// Sweep removes the folders of queues that are not among those that are known: they
// were deleted when the server stopped.
func (b *Broker) Sweep(known []string) error {
	folders, err := os.ReadDir(b.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range folders {
		if f.IsDir() && !slices.Contains(known, f.Name()) {
			err = errors.Join(err, b.remove(f.Name()))
		}
	}
	return err
}

// Close writes what is in memory, and closes all queues. Callers that wait for messages
// go, and no queue is opened any more: its folder may be another server's by then.
func (b *Broker) Close() (err error) {
	b.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, q := range b.queues {
		q.end()
		err = errors.Join(err, q.close())
	}
	clear(b.queues)
	err = errors.Join(err, b.book.Close())
	b.book = nil
	return err
}
