// Package process runs tasks as processes of this machine.
//
// Each task has an address of its own, so that several tasks can open the same port:
// that of a network namespace on a bridge of this machine, where Linux and the
// server's rights permit it, or else a loopback address, which programs have to keep
// to. $HOST tells a program what to listen to: everything in a namespace, or else the
// loopback address. A container's image stands for a command: one of the programs
// built into flyball, or one that the operator mapped with --image NAME=COMMAND.
//
// Where cgroups may be written (Linux, usually as root), tasks are limited to
// the CPU and memory they reserved, and measured exactly. Elsewhere they are
// measured through their process trees, and not limited.
//
// Everything a task needs to outlive the server is a directory:
//
//	DIR/tasks/ID/task.json   its spec, address, processes and exits
//	DIR/tasks/ID/NAME.log    what container NAME has written, the newest part
//
// The server may be killed at any time. A process waits until the record has it,
// and only then runs its command; one that the record does not have ends with the
// server. The next life takes up the tasks that were started whole, and ends all
// else that carries the runtime's mark or is in its cgroups.
package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"flyball/internal/image"
	"flyball/internal/task"
)

// Options configure a Runtime.
type Options struct {
	Dir        string            // where tasks and their logs are kept; required
	Executable string            // the program that runs the built-in images; by default this one
	Args       []string          // its arguments before the name of the built-in program
	Images     map[string]string // the command line that an image stands for
	Source     image.Source      // where all other images come from; by default their registries
	Limits     image.Limits      // what such an image may be
	Network    NetworkMode       // by default NetworkAuto
	Range      netip.Prefix      // has room for the network of the namespaces; by default 100.64.0.0/11
	Addresses  netip.Prefix      // where tasks get their loopback addresses from; by default 127.64.0.0/10
	LogBytes   int64             // what is kept of a container's log; by default 10 MiB
	Ephemeral  bool              // nobody wants to know of tasks after the machine has gone down: no start waits for the disk
	Hidden     string            // a folder that programs of this machine find empty, where namespaces permit it: the server's own
	NoCgroups  bool              // measure through the process tree even where cgroups may be written
	NoSpaces   bool              // run programs of this machine among its others, even where they can have namespaces
	Log        *slog.Logger      // by default slog.Default()

	looks time.Duration // how often all logs are looked at; by default boundInterval
}

// A Runtime runs tasks as processes.
type Runtime struct {
	dir       string
	first     bool // no earlier life has had the directory
	mark      mark
	programs  *programs
	mounting  *mounting
	doors     doors
	networks  networks
	host      host
	logBytes  int64
	notifier  *notifier // nil where nothing tells that a log has grown
	ephemeral bool
	log       *slog.Logger
	closed    chan struct{}
	closeOnce sync.Once
	endings   chan struct{} // has a place for each that may be seen to at a time

	mu    sync.Mutex
	tasks map[string]*Task // those whose records are kept, running and stopped
}

var (
	_ task.Runtime = (*Runtime)(nil)
	_ task.Puller  = (*Runtime)(nil)
)

// New returns a runtime that keeps its tasks in opts.Dir. It starts none of
// those found there: that is Recover's work.
func New(opts Options) (*Runtime, error) {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	err = os.Mkdir(filepath.Join(dir, "tasks"), 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	first := err == nil
	if err := keepFiles(); err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.LogBytes == 0 {
		opts.LogBytes = 10 << 20
	}
	instance, err := task.Instance(dir)
	if err != nil {
		return nil, err
	}
	programs, err := newPrograms(opts, dir)
	if err != nil {
		return nil, err
	}
	made := make(chan host, 1)
	go func() { made <- newHost(opts, instance) }() // it takes as long as the networks
	networks, err := newNetworks(opts, instance)
	host := <-made
	if err != nil {
		host.close()
		return nil, err
	}
	r := &Runtime{
		dir:       dir,
		first:     first,
		mark:      mark(instance),
		programs:  programs,
		mounting:  newMounting(programs.images.Scratch, opts.NoSpaces, opts.Log),
		doors:     newDoors(opts),
		networks:  networks,
		host:      host,
		logBytes:  opts.LogBytes,
		ephemeral: opts.Ephemeral,
		log:       opts.Log,
		closed:    make(chan struct{}),
		endings:   make(chan struct{}, mostEndings),
		tasks:     map[string]*Task{},
	}
	if r.notifier, err = newNotifier(); err != nil {
		opts.Log.Debug("logs of tasks are bounded once a second", "reason", err)
	}
	go r.boundLogs(cmp.Or(opts.looks, boundInterval))
	return r, nil
}

// mostEndings is how many ends of containers and tasks are seen to at a time. Each takes file
// descriptors for its cgroups and its record, and all tasks may end at once.
const mostEndings = 4

// ending waits for a place to see to an end, and returns what gives it back.
func (r *Runtime) ending() (seenTo func()) {
	r.endings <- struct{}{}
	return func() { <-r.endings }
}

// Name is "process".
func (r *Runtime) Name() string { return "process" }

// Start starts the containers of a task in their order.
func (r *Runtime) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	if err := validate(spec); err != nil {
		return nil, err
	}
	spec.Containers = slices.Clone(spec.Containers)
	if err := r.programs.resolveAll(ctx, spec.Containers); err != nil {
		return nil, err
	}
	programs, err := r.programs.of(ctx, spec.Containers)
	if err != nil {
		return nil, err
	}
	attachment, err := r.networks.join(spec.ID)
	if err != nil {
		release(programs)
		return nil, err
	}
	t := newTask(r, spec, attachment)
	if err := r.keep(t); err != nil {
		release(programs)
		return nil, errors.Join(err, attachment.leave())
	}
	if err := t.start(ctx, programs); err != nil {
		t.abandon()
		return nil, err
	}
	t.supervise()
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// keep makes the task's directory. There may be one task of an id only.
func (r *Runtime) keep(t *Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := os.Mkdir(t.dir, 0o700); err != nil {
		return fmt.Errorf("making the task's directory: %w", err)
	}
	r.tasks[t.spec.ID] = t
	return nil
}

// drop ends the keeping of a task whose directory is deleted.
func (r *Runtime) drop(t *Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks[t.spec.ID] == t {
		delete(r.tasks, t.spec.ID)
	}
}

// Recover returns the tasks of the server's earlier lives that are still kept:
// those that run, and those that have stopped and were not removed. A task whose
// start was cut short by the end of the server is ended and removed, and so is what
// is left of one whose record cannot be used. A task that has stopped has no process
// and no cgroup any more: the server may have been killed while it took them away.
func (r *Runtime) Recover(ctx context.Context) ([]task.Task, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, "tasks"))
	if err != nil {
		return nil, err
	}
	var recovered []task.Task
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return recovered, err
		}
		if !entry.IsDir() || r.knows(entry.Name()) {
			continue // no task, or one that was started in this life
		}
		if t := r.recover(filepath.Join(r.dir, "tasks", entry.Name())); t != nil {
			recovered = append(recovered, t)
		}
	}
	if err := r.host.sweep(r.runs); err != nil {
		r.log.Warn("cannot remove cgroups of tasks that are gone", "error", err)
	}
	if err := r.networks.sweep(); err != nil {
		r.log.Warn("cannot remove networks of tasks that are gone", "error", err)
	}
	r.sweep()
	r.programs.images.Sweep()
	return recovered, nil
}

// sweep ends the processes of earlier lives that are in no cgroup. The first life in
// a directory, which has to be ready soon, is spared it: a process that was not put
// into its cgroup yet has a record there, or at least a directory.
func (r *Runtime) sweep() {
	if _, tree := r.host.(*treeHost); tree || !r.first {
		r.mark.sweep(r.runs)
	}
}

// runs says whether there is a task of an id that has not ended.
func (r *Runtime) runs(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tasks[id]
	return t != nil && !isClosed(t.done)
}

func (r *Runtime) knows(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks[id] != nil
}

// recover takes up the task kept in a directory. It returns nil when there is
// nothing to take up; then the directory is deleted, and the processes that may be
// left end in the sweeps of Recover, if not before.
func (r *Runtime) recover(dir string) *Task {
	rec, err := readRecord(dir)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) { // or the server ended before it started anything
			r.log.Error("a task cannot be taken up", "error", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			r.log.Warn("cannot delete what is kept of a task", "error", err)
		}
		return nil
	}
	t, err := r.restore(rec)
	if err != nil {
		r.log.Error("a task cannot be taken up", "task", rec.Spec.ID, "error", err)
	}
	if err != nil || !rec.Started {
		t.abandon()
		return nil
	}
	r.mu.Lock()
	r.tasks[t.spec.ID] = t
	r.mu.Unlock()
	if t.over() {
		t.rest()
	} else {
		t.supervise()
	}
	return t
}

// Listen listens where tasks reach this machine, on their own network, and takes
// connections from that network only. It returns no listener when tasks are on no
// network of their own: they reach this machine at its loopback addresses.
func (r *Runtime) Listen(ctx context.Context, port uint16) (net.Listener, error) {
	return r.networks.listen(ctx, port)
}

// Close ends what the runtime itself does. It does not stop tasks.
func (r *Runtime) Close() (err error) {
	r.closeOnce.Do(func() {
		close(r.closed)
		if r.notifier != nil {
			_ = r.notifier.close() // which was only read
		}
		r.programs.images.Close()
		r.host.close()
		err = r.networks.close()
	})
	return err
}

// validate refuses a spec whose names would not be safe as file names.
func validate(spec task.Spec) error {
	if !safeName(spec.ID) {
		return fmt.Errorf("task id %q is not made of letters, digits, dashes and underscores", spec.ID)
	}
	if len(spec.Containers) == 0 {
		return errors.New("a task needs a container")
	}
	var names []string
	for _, c := range spec.Containers {
		if !safeName(c.Name) || slices.Contains(names, c.Name) {
			return fmt.Errorf("container name %q is used twice, or not made of letters, digits, dashes and underscores", c.Name)
		}
		names = append(names, c.Name)
	}
	return nil
}

func safeName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return s != "" && len(s) <= 255-len(".log") && strings.Trim(s, letters) == ""
}
