//go:build unix

// Package descriptors keeps file descriptors for the server itself: for its state, and to end
// what it has started. Connections and tasks have the others.
//
//	r, err := descriptors.New(log)
//	open := r.Connections()
//	server.ConnState = open.Note
//	server.Serve(open.Listener(l)) // closes connections that would take the last ones
//
//	leave, err := r.Enter(ctx) // an error: a task had better not start
package descriptors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of what is kept. Of 64 descriptors 8 are for the server alone, and 8 more for calls.
const (
	least = 8
	most  = 256

	perEntry = 32 // descriptors for each of those that Enter lets in at a time
)

// A Reserve says when descriptors run short. The nil Reserve never does.
type Reserve struct {
	limit   uint64 // of this process
	kept    uint64 // of these, for the server itself
	log     *slog.Logger
	null    *os.File
	entered chan struct{} // has room for so many as may take some at a time

	mu   sync.Mutex
	told time.Time // when it was said last that they run short
}

// New returns a reserve of this process's descriptors, which stays with it.
func New(log *slog.Logger) (*Reserve, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("read the limit of file descriptors: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("keep file descriptors: %w", err)
	}
	return &Reserve{limit: limit.Cur, kept: min(max(limit.Cur/8, least), most), log: log, null: null,
		entered: make(chan struct{}, min(max(limit.Cur/perEntry, 1), most))}, nil
}

// Close gives back what the reserve holds itself.
func (r *Reserve) Close() error {
	if r == nil {
		return nil
	}
	return r.null.Close()
}

// ErrShort is wrapped by Enter.
var ErrShort = errors.New("too few file descriptors are left")

// Enter begins what takes many descriptors, as the start of a task, and returns what ends
// it. It waits for others that do so. When there are descriptors for the server and for calls
// only, it says so in its error and in the log.
func (r *Reserve) Enter(ctx context.Context) (leave func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	select {
	case r.entered <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// The kernel gives out the lowest number that is free: all below it are in use.
	next, err := unix.FcntlInt(r.null.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		unix.Close(next)
	}
	if err != nil || uint64(next)+2*r.kept >= r.limit {
		<-r.entered
		r.tell()
		return nil, fmt.Errorf("%w: the server may have %d (ulimit -n)", ErrShort, r.limit)
	}
	return func() { <-r.entered }, nil
}

// Exhausted reports whether an error says that there are no descriptors.
func Exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// again is how long nothing is said after it was said that descriptors run short.
const again = 10 * time.Minute

// tell says that descriptors run short, and what can be done.
func (r *Reserve) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.told.IsZero() && time.Since(r.told) < again {
		return
	}
	r.told = time.Now()
	r.log.Error("file descriptors run short: new connections are closed and tasks do not start until others have ended; "+
		"raise the limit of the shell or the unit that starts the server (ulimit -n, LimitNOFILE), and start it again",
		"limit", r.limit, "kept", r.kept)
}
