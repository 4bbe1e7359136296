package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"flyball/internal/image"
	"flyball/internal/task"
)

// A Task is a task whose containers are processes of this machine.
type Task struct {
	runtime    *Runtime
	spec       task.Spec
	attachment attachment
	dir        string
	group      group
	containers []*container

	wanted   context.Context // ends when the task is to stop
	shutDown func()          // ends it; no container is started afterwards
	done     chan struct{}

	saving  sync.Mutex // one record is written at a time, and none once it is removed
	removed bool
	mu      sync.Mutex
	started bool        // all containers have been started
	last    *task.Usage // what the task used in all, once its containers have ended
}

var _ task.Task = (*Task)(nil)

func newTask(r *Runtime, spec task.Spec, attachment attachment) *Task {
	t := &Task{
		runtime:    r,
		spec:       spec,
		attachment: attachment,
		dir:        filepath.Join(r.dir, "tasks", spec.ID),
		done:       make(chan struct{}),
	}
	t.wanted, t.shutDown = context.WithCancel(context.Background())
	for i, c := range spec.Containers {
		made := &container{task: t, index: i, spec: c, Progress: task.NewProgress()}
		made.pace.hold = made.suspend
		t.containers = append(t.containers, made)
	}
	return t
}

// endedUnseen is why a container has ended of which nobody knows more.
const endedUnseen = "The container ended while flyball did not run; its exit code is not known"

// restore makes a task of what an earlier life of the server kept of it. It has
// its address if it runs, and its group unless it is over.
func (r *Runtime) restore(rec *record) (*Task, error) {
	t := newTask(r, rec.Spec, detached{rec.Network, rec.Address})
	t.started = rec.Started
	running := false
	for i, c := range t.containers {
		c.process, c.exit = rec.Containers[i].Process, rec.Containers[i].Exit
		close(c.Started) // or the task is abandoned
		if rec.Boot != boot() && c.exit == nil {
			c.exit = &task.Exit{Container: c.spec.Name, Reason: endedUnseen} // as all that ran then
		}
		running = running || c.exit == nil && c.process.alive()
		if c.exit == nil {
			c.hold()
			c.watchLog()
		}
	}
	if t.over() {
		return t, nil
	}
	group, err := r.host.open(rec)
	if err != nil {
		tree := &treeHost{mark: r.mark}
		group, _ = tree.open(&record{Spec: rec.Spec, Containers: t.record().Containers})
	}
	t.group = group
	if running {
		attachment, err := r.networks.rejoin(rec)
		if err != nil {
			return t, err
		}
		t.attachment = attachment
		if t.started {
			attachment.heldBy(t.running)
		}
	}
	return t, nil
}

// running is the first process of a container that has not ended, or else 0.
func (t *Task) running() int {
	for _, c := range t.containers {
		if c.exited() == nil {
			return c.first().PID
		}
	}
	return 0
}

// start starts the containers that depend on no other. The record has their
// processes before the first of them runs its command: should the server be killed,
// those that the record does not have end by themselves, and its next life finds
// the others.
func (t *Task) start(ctx context.Context, programs []program) error {
	for i, c := range t.containers {
		c.image = programs[i].image
	}
	group, err := t.runtime.host.create(t.spec)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.group = group
	t.mu.Unlock()
	var first []*container
	for i, c := range t.containers {
		if len(c.spec.DependsOn) > 0 {
			c.later = programs[i].argv
			continue
		}
		if err := c.start(programs[i].argv); err != nil {
			return cannotStart(c, err)
		}
		first = append(first, c)
	}
	if err := t.save(); err != nil {
		return err
	}
	for _, c := range first {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.proceed(); err != nil {
			return cannotStart(c, err)
		}
	}
	return nil
}

func cannotStart(c *container, err error) error {
	return fmt.Errorf("CannotStartContainerError: container %s: %w%s", c.spec.Name, err, remedy(err))
}

// remedy says what mends it that a program cannot be started, after the reason; nothing if
// that is not known.
func remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return ". Give the path of a program that the image has, in entryPoint or command of the task definition; for a command of --image, one of this machine."
	case errors.Is(err, fs.ErrPermission):
		return ". Make the program executable (chmod +x), and its folders readable for the user that it runs as."
	}
	return ""
}

// refusedByKernel says that a container has ended because the kernel does not run such a
// program, which is all of its log then; "" if that is not why.
func refusedByKernel(code int, log string) string {
	if text := string(ending(log)); code != 1 || !strings.HasPrefix(text, "exec ") || !strings.HasSuffix(text, ": "+syscall.ENOEXEC.Error()+"\n") {
		return ""
	}
	return fmt.Sprintf("%s: this machine runs programs for %s/%s, and scripts that begin with #!. Build the program, or its image, for that.",
		task.NoProgram, runtime.GOOS, runtime.GOARCH)
}

// settle waits until each container has been started or will never be, and records
// it. When ctx ends before, the task is stopped and forgotten.
func (t *Task) settle(ctx context.Context) error {
	giveUp := context.AfterFunc(ctx, t.shutDown)
	for _, c := range t.containers {
		c.Settled()
	}
	giveUp()
	err := ctx.Err()
	if err == nil {
		t.mu.Lock()
		t.started = true
		t.mu.Unlock()
		t.attachment.heldBy(t.running)
		err = t.save()
	}
	if err != nil {
		t.shutDown()
		<-t.done
		return errors.Join(err, t.Remove())
	}
	return nil
}

// processes are those of the task.
func (t *Task) processes() []int {
	t.mu.Lock()
	group := t.group
	t.mu.Unlock()
	if group == nil {
		return nil
	}
	return group.processes()
}

// peer is a container as those see it that depend on it.
func (t *Task) peer(name string) task.Peer {
	i := slices.IndexFunc(t.containers, func(c *container) bool { return c.spec.Name == name })
	c := t.containers[i]
	return task.Peer{Container: c.spec, Progress: c.Progress, Exit: func() task.Exit { return *c.exited() }}
}

// abandon ends a task that could not be started, and forgets it.
func (t *Task) abandon() {
	t.shutDown()
	if t.group != nil {
		for _, c := range t.containers {
			c.end()
		}
	}
	t.giveBack()
	if err := t.forget(); err != nil {
		t.runtime.log.Warn("cannot delete what is kept of a task", "task", t.spec.ID, "error", err)
	}
}

// supervise sees a started task to its end, without waiting for it.
func (t *Task) supervise() {
	var all sync.WaitGroup
	for _, c := range t.containers {
		all.Go(func() {
			c.supervise()
			t.saveOrLog()
			if c.spec.Essential {
				t.shutDown()
			}
		})
	}
	go func() {
		<-t.wanted.Done()
		for _, c := range t.containers {
			go c.stop()
		}
	}()
	go func() {
		all.Wait()
		t.shutDown()
		t.finish()
	}()
}

// over reports whether all containers have ended.
func (t *Task) over() bool {
	return !slices.ContainsFunc(t.containers, func(c *container) bool { return c.exited() == nil })
}

// rest is for a task that was over in an earlier life: it has nothing but its record
// and logs, once what that life may have left of its roots is removed. What it used is not known any more.
func (t *Task) rest() {
	for _, c := range t.containers {
		close(c.Ended)
		if err := image.RemoveTree(c.rootDir()); err != nil {
			t.runtime.log.Warn("cannot remove the root of a container", "task", t.spec.ID, "container", c.spec.Name, "error", err)
		}
	}
	t.shutDown()
	t.last = &task.Usage{At: time.Now()}
	close(t.done)
}

// finish gives back what the task had, but for its record and logs.
func (t *Task) finish() {
	seenTo := t.runtime.ending()
	usage, err := t.group.usage()
	seenTo()
	if err != nil {
		usage = task.Usage{At: time.Now()}
	}
	t.mu.Lock()
	t.last = &usage
	t.mu.Unlock()
	t.giveBack()
	close(t.done)
}

// giveBack gives back what this machine has lent a task whose processes are gone.
func (t *Task) giveBack() {
	defer t.runtime.ending()()
	if t.group != nil {
		if err := t.group.remove(); err != nil {
			t.runtime.log.Warn("cannot remove the cgroup of a task", "task", t.spec.ID, "error", err)
		}
	}
	for _, c := range t.containers {
		if err := c.clear(); err != nil {
			t.runtime.log.Warn("cannot remove the root of a container", "task", t.spec.ID, "container", c.spec.Name, "error", err)
		}
	}
	if err := t.attachment.leave(); err != nil {
		t.runtime.log.Warn("cannot remove the network of a task", "task", t.spec.ID, "error", err)
	}
}

func (t *Task) record() *record {
	t.mu.Lock()
	defer t.mu.Unlock()
	rec := &record{
		Spec: t.spec, Address: t.attachment.address(), Network: t.attachment.network(), Boot: boot(), Started: t.started,
		ephemeral: t.runtime.ephemeral,
	}
	if t.group != nil {
		rec.Group = t.group.where()
	}
	for _, c := range t.containers {
		rec.Containers = append(rec.Containers, c.record())
	}
	return rec
}

func (t *Task) save() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	if t.removed {
		return os.ErrNotExist
	}
	if err := t.record().write(t.dir); err != nil {
		return fmt.Errorf("writing the task's record: %w", err)
	}
	return nil
}

// saveOrLog is save for changes that nobody asked for.
func (t *Task) saveOrLog() {
	defer t.runtime.ending()()
	if err := t.save(); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.runtime.log.Error("cannot record the end of a container", "task", t.spec.ID, "error", err)
	}
}

// ID is the one of the task's spec.
func (t *Task) ID() string { return t.spec.ID }

// Spec is what the task was started with.
func (t *Task) Spec() task.Spec { return t.spec }

// Address is the task's address, on this machine.
func (t *Task) Address() string { return t.attachment.address().String() }

// Done is closed when all containers have ended.
func (t *Task) Done() <-chan struct{} { return t.done }

// Exits tells how the containers ended that have.
func (t *Task) Exits() []task.Exit {
	exits := make([]task.Exit, 0, len(t.containers))
	for _, c := range t.containers {
		if exit := c.exited(); exit != nil {
			exits = append(exits, *exit)
		}
	}
	return exits
}

// Stop stops the task and waits until it has stopped. When ctx ends before, the
// task is still being stopped.
func (t *Task) Stop(ctx context.Context) error {
	t.shutDown()
	select {
	case <-t.done:
	case <-ctx.Done():
		if !isClosed(t.done) {
			return fmt.Errorf("stopping task %s: %w", t.spec.ID, ctx.Err())
		}
	}
	return nil
}

// Usage measures the task, or tells what it used in all once it has stopped.
func (t *Task) Usage(context.Context) (task.Usage, error) {
	t.mu.Lock()
	last := t.last
	t.mu.Unlock()
	if last != nil {
		return *last, nil
	}
	return t.group.usage()
}

// LimitCPU changes the limit of the running task's CPU, in units; 0 changes nothing.
func (t *Task) LimitCPU(units int) error {
	if units == 0 {
		return nil
	}
	return t.group.limitCPU(units)
}

// Health combines the health of the task's containers.
func (t *Task) Health() task.Health {
	return task.CombineHealth(t.spec.Containers, func(i int) task.Health { return t.containers[i].health.state() })
}

// Logs opens what a container has written.
func (t *Task) Logs(_ context.Context, name string, opts task.LogOptions) (task.Log, error) {
	for _, c := range t.containers {
		if name == "" || c.spec.Name == name {
			return c.readLog(opts)
		}
	}
	return nil, fmt.Errorf("task %s has no container %s", t.spec.ID, name)
}

// Remove deletes the record and the logs of a stopped task. When they are deleted
// already it does nothing: another task may have the id by now.
func (t *Task) Remove() error {
	if !isClosed(t.done) {
		return fmt.Errorf("task %s has not stopped", t.spec.ID)
	}
	return t.forget()
}

// forget deletes what is kept of a task.
func (t *Task) forget() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	if t.removed {
		return nil
	}
	if err := os.RemoveAll(t.dir); err != nil {
		return err
	}
	t.removed = true
	t.runtime.drop(t)
	return nil
}
