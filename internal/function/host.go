package function

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"flyball/internal/task"
	"flyball/internal/task/process"
)

// Options configure a Host.
type Options struct {
	Dir  string // where environments are kept; required
	Logs Logs   // takes what functions write; nil throws it away
	// Hidden is a folder that functions find empty, where something can be mounted for them:
	// the server's own, which its user can read as whom they run. Empty is none.
	Hidden string
	// Environ are the variables of a new environment besides those of Lambda, such as its
	// credentials. They have to be good for its lifetime and an invocation.
	Environ func(ctx context.Context, fn Function) ([]string, error)
	// Enter, where it is set, says why there is no room for a new environment on this
	// machine, or returns what ends its start.
	Enter        func(context.Context) (leave func(), err error)
	Network      process.NetworkMode // as for tasks
	Range        netip.Prefix        // as for tasks
	PerCPU       int                 // MiB of memory that come with one virtual CPU; 0 is Lambda's 1,769, less is no limit
	Environments int                 // how many there may be at once; 0 is what this machine has room for
	Idle         time.Duration       // how long an environment stays that nobody uses, in real time; 0 is five minutes
	Lifetime     time.Duration       // after which an environment is replaced, in real time; 0 is two hours
	Log          *slog.Logger        // by default slog.Default()
}

// A Host runs functions. Its methods may be called from several goroutines.
type Host struct {
	opts     Options
	tasks    *process.Runtime
	programs *programs
	api      *http.Server
	logs     Logs
	log      *slog.Logger
	putting  chan struct{}  // has room for those who put lines at once
	work     sync.WaitGroup // what has to be done before the host ends

	mu       sync.Mutex
	closed   bool
	pools    map[string]*pool      // by the function's ARN
	lacking  map[string]*pool      // those that may lack provisioned environments
	all      map[*environment]bool // also those whose function has been retired
	count    int                   // environments that there are, or are being started
	starting int                   // of these, those that are being started
	waiters  []*waiter
}

// ErrClosed is the error of a host that has ended.
var ErrClosed = errors.New("the server is ending")

// image is the name that the process runtime knows the programs of functions by.
const image = "function"

// New returns a host. It ends what environments of earlier lives have left.
func New(opts Options) (*Host, error) {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Idle == 0 {
		opts.Idle = 5 * time.Minute
	}
	if opts.PerCPU == 0 {
		opts.PerCPU = 1769
	}
	if opts.Lifetime == 0 {
		opts.Lifetime = 2 * time.Hour
	}
	if opts.Environments == 0 {
		opts.Environments = room()
	}
	tasks, err := process.New(process.Options{
		Dir: opts.Dir, Images: map[string]string{image: "bootstrap"}, Network: opts.Network, Range: opts.Range,
		LogBytes: 4 << 20, Ephemeral: true, Log: opts.Log,
	})
	if err != nil {
		return nil, err
	}
	programs, err := newPrograms(filepath.Join(opts.Dir, "bootstrap"))
	if err != nil {
		return nil, errors.Join(err, tasks.Close())
	}
	h := &Host{
		opts: opts, tasks: tasks, programs: programs, api: newAPI(), logs: opts.Logs, log: opts.Log,
		putting: make(chan struct{}, 8), pools: map[string]*pool{}, lacking: map[string]*pool{}, all: map[*environment]bool{},
	}
	if err := h.clear(); err != nil {
		return nil, errors.Join(err, tasks.Close())
	}
	return h, nil
}

// clear ends the environments of earlier lives, all at once.
func (h *Host) clear() error {
	left, err := h.tasks.Recover(context.Background())
	if err != nil {
		return fmt.Errorf("finding environments of an earlier life: %w", err)
	}
	var all sync.WaitGroup
	for _, t := range left {
		all.Go(func() {
			_ = t.Stop(context.Background())
			if err := t.Remove(); err != nil {
				h.log.Warn("cannot delete what is kept of an environment", "error", err)
			}
		})
	}
	all.Wait()
	return os.RemoveAll(h.scratch())
}

// Run ends environments that nobody uses, until ctx ends; then it ends all.
func (h *Host) Run(ctx context.Context) error {
	ticker := time.NewTicker(max(h.opts.Idle/10, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.endIdle(time.Now())
			h.provideAgain()
		case <-ctx.Done():
			return h.close()
		}
	}
}

// close ends all environments.
func (h *Host) close() error {
	h.mu.Lock()
	h.closed = true
	all := slices.Collect(maps.Keys(h.all))
	for _, w := range h.waiters {
		close(w.come)
	}
	h.waiters = nil
	h.mu.Unlock()
	for _, e := range all {
		h.work.Go(e.end)
	}
	h.work.Wait()
	return errors.Join(h.api.Close(), h.tasks.Close())
}

// Listen listens where environments reach this machine, on their own network, and takes
// connections from that network only. It returns no listener when they are on no network
// of their own: then they reach it at its loopback addresses.
func (h *Host) Listen(ctx context.Context, port uint16) (net.Listener, error) {
	return h.tasks.Listen(ctx, port)
}

// HasSocket says whether an environment that shares this machine's network holds the socket
// with an inode, and which.
func (h *Host) HasSocket(inode uint64) (id string, ok bool) { return h.tasks.HasSocket(inode) }

// MayHide says whether such an environment may have a socket where HasSocket does not see it.
func (h *Host) MayHide(inode uint64) bool { return h.tasks.MayHide(inode) }

// launch starts an environment, for which there is room. The failure is the function's
// own.
func (h *Host) launch(ctx context.Context, fn Function, kind string, log *logWriter) (*environment, *failure, error) {
	if obstacle, err := h.programs.check(fn); err != nil || obstacle != nil {
		return nil, obstacle, err
	}
	if h.opts.Enter != nil {
		leave, err := h.opts.Enter(ctx)
		if err != nil {
			return nil, nil, err
		}
		defer leave()
	}
	e := &environment{
		host: h, fn: fn, id: "fn-" + randomHex(8), begun: time.Now(), log: log, kind: kind, fresh: true,
		ended: make(chan struct{}), ready: make(chan struct{}), refused: make(chan struct{}), calls: make(chan *invocation, 1),
	}
	var err error
	if e.gate, err = h.newGate(ctx, e); err != nil {
		return nil, nil, err
	}
	h.work.Go(func() { _ = h.api.Serve(e.gate) }) // until the gate is shut
	if err := e.start(ctx); err != nil {
		e.gate.shut()
		e.clear()
		obstacle, err := refusal(err)
		return nil, obstacle, err
	}
	h.work.Go(e.watch)
	return e, nil, nil
}

// start starts the environment's task.
func (e *environment) start(ctx context.Context) (err error) {
	if e.layout, err = e.host.arrange(e.fn, e.id); err != nil {
		return err
	}
	runs, err := e.host.programs.of(e.fn, e.layout)
	if err != nil {
		return err
	}
	env, err := e.host.environ(ctx, e, runs)
	if err != nil {
		return err
	}
	started, err := e.host.tasks.Start(ctx, e.spec(runs, env))
	if err != nil {
		return err
	}
	e.task = started.(*process.Task)
	e.gate.open(e.task.Address())
	from, err := e.task.Logs(ctx, "", task.LogOptions{Behind: logBehind})
	if err == nil { // there is a container to read of
		e.log.attach(from)
	}
	return nil
}

// mostPIDs is how many processes and threads an environment may have ("Lambda quotas").
const mostPIDs = 1024

// spec is the task that the environment is.
func (e *environment) spec(runs program, env []string) task.Spec {
	return task.Spec{
		ID:     e.id,
		Labels: map[string]string{"function": e.fn.ARN},
		Memory: e.fn.Memory,
		PIDs:   mostPIDs,
		Containers: []task.Container{{
			Name: "function", Image: image, EntryPoint: runs.argv, Env: env, User: e.layout.user,
			WorkingDir: e.layout.code, Mounts: e.layout.mounts, Essential: true, StopTimeout: time.Millisecond,
		}},
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // which does not fail
	return hex.EncodeToString(b)
}
