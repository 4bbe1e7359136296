package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"flyball/internal/task"
	"flyball/internal/task/cgroup"
)

// A Task is a task whose containers are the engine's.
type Task struct {
	runtime    *Runtime
	spec       task.Spec
	address    string
	containers []*member

	wanted   context.Context // ends when the task is to stop
	shutDown func()          // ends it; no container is started afterwards
	done     chan struct{}
}

// A member is one container of a task.
type member struct {
	id    string // the engine's
	spec  task.Container
	later func(context.Context) error // starts one that waits for others
	task.Progress

	mu     sync.Mutex
	exit   task.Exit
	health task.Health
	used   time.Duration // CPU time, as far as it was seen

	measuring sync.Mutex
	tried     bool // to find the container's cgroup
	meter     cgroup.Meter
}

var _ task.Task = (*Task)(nil)

func newTask(r *Runtime, spec task.Spec) *Task {
	t := &Task{runtime: r, spec: spec, done: make(chan struct{})}
	t.wanted, t.shutDown = context.WithCancel(context.Background())
	for _, c := range spec.Containers {
		t.containers = append(t.containers, &member{spec: c, Progress: task.NewProgress(), health: task.HealthUnknown})
	}
	return t
}

// start makes and starts the containers that wait for no other, the network's
// owner first. The images have the given references.
func (t *Task) start(ctx context.Context, images []string) error {
	first, alone := owner(t.spec), early(t.spec)
	network := t.containers[first]
	begin := func(i int) error {
		c := t.containers[i]
		shared := i != first && !alone[c.spec.Name]
		start := func(ctx context.Context) error {
			if shared {
				return t.startContainer(ctx, i, images[i], network.id)
			}
			return t.startContainer(ctx, i, images[i], "")
		}
		if len(c.spec.DependsOn) > 0 || shared && network.later != nil {
			c.later = start
			return nil
		}
		return start(ctx)
	}
	if err := begin(first); err != nil {
		return err
	}
	for i := range t.containers {
		if i == first {
			continue
		}
		if err := begin(i); err != nil {
			return err
		}
	}
	return nil
}

// engineTimeout is how long the engine may take to make a container and start it.
const engineTimeout = 2 * time.Minute

// startContainer makes a container and starts it. What the engine has begun it may
// finish when the caller has gone: so ctx is looked at between the two, and ends
// neither.
func (t *Task) startContainer(ctx context.Context, i int, image, ownerID string) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineTimeout)
	defer cancel()
	id, err := t.runtime.create(ctx, t.spec, i, image, ownerID)
	if err != nil {
		return err
	}
	c := t.containers[i]
	c.id = id
	if err := caller.Err(); err != nil {
		return err
	}
	if _, err := t.runtime.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("CannotStartContainerError: %w", err)
	}
	if i == owner(t.spec) {
		if err := t.learnAddress(ctx); err != nil {
			return err
		}
	}
	close(c.Started)
	return nil
}

// startLater starts a container when those that it depends on have come as far as
// it wants, and there is a network to share. It returns how one ends that cannot
// be started, or nil.
func (t *Task) startLater(c *member) *task.Exit {
	waiting := c.spec
	if network := t.spec.Containers[owner(t.spec)].Name; network != c.spec.Name && !early(t.spec)[c.spec.Name] {
		waiting.DependsOn = append(slices.Clip(waiting.DependsOn), task.Dependency{Container: network, Condition: task.Started})
	}
	if exit := task.Await(t.wanted, waiting, t.peer); exit != nil {
		return exit
	}
	if err := c.later(context.WithoutCancel(t.wanted)); err != nil {
		return &task.Exit{Container: c.spec.Name, Reason: err.Error(), Err: err}
	}
	return nil
}

// settle waits until each container has been started or will never be. When ctx
// ends before, the task is stopped and removed.
func (t *Task) settle(ctx context.Context) error {
	giveUp := context.AfterFunc(ctx, t.shutDown)
	for _, c := range t.containers {
		c.Settled()
	}
	if !giveUp() {
		<-t.done
		return errors.Join(ctx.Err(), t.Remove())
	}
	return nil
}

// peer is a container as those see it that depend on it.
func (t *Task) peer(name string) task.Peer {
	c := t.containers[indexOf(t.spec, name)]
	return task.Peer{Container: c.spec, Progress: c.Progress, Exit: c.exited}
}

// learnAddress asks the engine for the task's address. One that has stopped has
// none, nor has one whose container is gone.
func (t *Task) learnAddress(ctx context.Context) error {
	inspected, err := t.runtime.engine.ContainerInspect(ctx, t.containers[owner(t.spec)].id, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("learning the task's address: %w", err)
	}
	if settings := inspected.Container.NetworkSettings; settings != nil {
		if endpoint := settings.Networks[t.runtime.network]; endpoint != nil && endpoint.IPAddress.IsValid() {
			t.address = endpoint.IPAddress.String()
		}
	}
	return nil
}

// supervise sees a started task to its end, without waiting for it.
func (t *Task) supervise() {
	var all sync.WaitGroup
	for _, c := range t.containers {
		all.Go(func() {
			t.await(c)
			close(c.Ended)
			if c.spec.Essential {
				t.shutDown()
			}
		})
	}
	go func() {
		<-t.wanted.Done()
		for _, c := range t.containers {
			go t.stop(c)
		}
	}()
	go func() {
		all.Wait()
		t.shutDown()
		close(t.done)
	}()
}

// await returns when a container has ended, and keeps how. While the engine
// cannot be asked it tries again: an engine that restarts may keep its containers.
func (t *Task) await(c *member) {
	if c.later != nil {
		if exit := t.startLater(c); exit != nil {
			c.mu.Lock()
			c.exit = *exit
			c.mu.Unlock()
			return
		}
	}
	if c.spec.HealthCheck != nil {
		go t.watchHealth(c)
	}
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		exit, err := t.awaitExit(c)
		if err == nil {
			c.mu.Lock()
			c.exit = exit
			c.mu.Unlock()
			return
		}
		t.runtime.log.Warn("cannot tell whether a container runs", "task", t.spec.ID, "container", c.spec.Name, "error", err)
		time.Sleep(pause)
	}
}

func (t *Task) awaitExit(c *member) (task.Exit, error) {
	ctx := context.Background()
	wait := t.runtime.engine.ContainerWait(ctx, c.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		if errdefs.IsNotFound(err) {
			return task.Exit{Container: c.spec.Name, Reason: "The container was removed from the Docker engine"}, nil
		}
		return task.Exit{}, err
	}
	inspected, err := t.runtime.engine.ContainerInspect(ctx, c.id, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return task.Exit{Container: c.spec.Name, Reason: "The container was removed from the Docker engine"}, nil
	}
	if err != nil {
		return task.Exit{}, err
	}
	if inspected.Container.State == nil || inspected.Container.State.Running {
		return task.Exit{}, errors.New("it was said to have ended, but runs")
	}
	return exitOf(c.spec.Name, inspected.Container.State), nil
}

func exitOf(name string, state *container.State) task.Exit {
	exit := task.Exit{Container: name, Code: state.ExitCode, Known: true, Reason: state.Error}
	if state.OOMKilled && state.ExitCode != 0 {
		exit.Reason = task.OutOfMemory
	}
	return exit
}

// healthInterval is how often the engine is asked for a container's health.
const healthInterval = time.Second

func (t *Task) watchHealth(c *member) {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	well := sync.OnceFunc(func() { close(c.Healthy) })
	for {
		select {
		case <-c.Ended:
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		inspected, err := t.runtime.engine.ContainerInspect(ctx, c.id, client.ContainerInspectOptions{})
		cancel()
		if err != nil || inspected.Container.State == nil || inspected.Container.State.Health == nil {
			continue // what was found last still stands
		}
		c.mu.Lock()
		c.health = healthOf(inspected.Container.State.Health.Status)
		if c.health == task.Healthy {
			well()
		}
		c.mu.Unlock()
	}
}

func healthOf(status container.HealthStatus) task.Health {
	switch status {
	case container.Healthy:
		return task.Healthy
	case container.Unhealthy:
		return task.Unhealthy
	default:
		return task.HealthUnknown
	}
}

// stop stops a container, after those that depend on it have ended. The engine
// counts its timeout in whole seconds.
func (t *Task) stop(c *member) {
	for _, i := range task.Dependants(t.spec.Containers, c.spec.Name) {
		<-t.containers[i].Ended
	}
	c.Settled()
	if c.hasEnded() {
		return
	}
	timeout := c.spec.TimeToStop()
	seconds := int((timeout + time.Second - 1) / time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), timeout+time.Minute)
	defer cancel()
	_, err := t.runtime.engine.ContainerStop(ctx, c.id, client.ContainerStopOptions{Timeout: &seconds})
	if err != nil && !errdefs.IsNotFound(err) {
		t.runtime.log.Error("cannot stop a container", "task", t.spec.ID, "container", c.spec.Name, "error", err)
	}
}

// ID is the one of the task's spec.
func (t *Task) ID() string { return t.spec.ID }

// Spec is what the task was started with. After Recover it has no environments.
func (t *Task) Spec() task.Spec { return t.spec }

// Address is the task's address on the runtime's bridge; empty for a task that
// had stopped when it was recovered.
func (t *Task) Address() string { return t.address }

// Done is closed when all containers have ended.
func (t *Task) Done() <-chan struct{} { return t.done }

// Exits tells how the containers ended that have.
func (t *Task) Exits() []task.Exit {
	var exits []task.Exit
	for _, c := range t.containers {
		if c.hasEnded() {
			exits = append(exits, c.exited())
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
		return nil
	case <-ctx.Done():
	}
	if !t.hasEnded() {
		return fmt.Errorf("stopping task %s: %w", t.spec.ID, ctx.Err())
	}
	return nil
}

// Usage adds up what the task's containers use.
func (t *Task) Usage(ctx context.Context) (task.Usage, error) {
	var usage task.Usage
	for _, c := range t.containers {
		used, err := t.measure(ctx, c)
		if err != nil {
			return task.Usage{}, fmt.Errorf("measuring container %s: %w", c.spec.Name, err)
		}
		usage.CPU += used.CPU
		usage.Memory += used.Memory
		if used.At.After(usage.At) {
			usage.At = used.At
		}
	}
	return usage, nil
}

// measure measures a container by its cgroup, at once, or else by the engine's
// statistics, for which some engines need a second. One that has ended has used
// what was seen last, and has no memory.
func (t *Task) measure(ctx context.Context, c *member) (task.Usage, error) {
	if c.hasEnded() {
		return c.saw(task.Usage{At: time.Now()}), nil
	}
	if meter := t.meter(ctx, c); meter != nil {
		if usage, err := meter(); err == nil {
			return c.saw(usage), nil
		}
	}
	usage, err := t.statistics(ctx, c)
	if errdefs.IsNotFound(err) {
		return c.saw(task.Usage{At: time.Now()}), nil
	}
	return c.saw(usage), err
}

// meter is that of the container's cgroup, nil if it is out of sight: the engine
// runs on another machine, or a virtual one.
func (t *Task) meter(ctx context.Context, c *member) cgroup.Meter {
	c.measuring.Lock()
	tried, known := c.tried, c.meter
	c.measuring.Unlock()
	if tried {
		return known
	}
	inspected, err := t.runtime.engine.ContainerInspect(ctx, c.id, client.ContainerInspectOptions{})
	if err != nil || inspected.Container.State == nil || inspected.Container.State.Pid == 0 {
		return nil
	}
	found, err := cgroup.OfContainer(inspected.Container.State.Pid, c.id)
	c.measuring.Lock()
	defer c.measuring.Unlock()
	c.tried = true
	if err == nil {
		c.meter = found
	} else {
		t.runtime.log.Debug("a container is measured by the engine's statistics", "task", t.spec.ID, "container", c.spec.Name, "reason", err)
	}
	return c.meter
}

// statistics are the engine's.
func (t *Task) statistics(ctx context.Context, c *member) (task.Usage, error) {
	result, err := t.runtime.engine.ContainerStats(ctx, c.id, client.ContainerStatsOptions{})
	if err != nil {
		return task.Usage{}, err
	}
	defer result.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(result.Body).Decode(&stats); err != nil {
		return task.Usage{}, err
	}
	return task.Usage{
		At:     stats.Read,
		CPU:    time.Duration(stats.CPUStats.CPUUsage.TotalUsage),
		Memory: memoryOf(stats.MemoryStats),
	}, nil
}

// saw keeps the CPU time that a container was seen to have used: the engine
// forgets it when the container ends.
func (c *member) saw(usage task.Usage) task.Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = max(c.used, usage.CPU)
	usage.CPU = c.used
	return usage
}

func (c *member) hasEnded() bool { return isClosed(c.Ended) }

func (t *Task) hasEnded() bool { return isClosed(t.done) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// exited is how the container ended.
func (c *member) exited() task.Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit
}

// memoryOf is the memory in use without page cache that nobody used lately. With
// cgroups of version 1 the engine calls that total_inactive_file.
func memoryOf(stats container.MemoryStats) int64 {
	inactive, ok := stats.Stats["total_inactive_file"]
	if !ok {
		inactive = stats.Stats["inactive_file"]
	}
	return int64(stats.Usage - min(stats.Usage, inactive))
}

// Health combines the health of the task's containers.
func (t *Task) Health() task.Health {
	return task.CombineHealth(t.spec.Containers, func(i int) task.Health {
		c := t.containers[i]
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.health
	})
}

// Remove removes the containers of a stopped task, and their logs with them. When
// they are removed already it does nothing.
func (t *Task) Remove() error {
	if !t.hasEnded() {
		return fmt.Errorf("task %s has not stopped", t.spec.ID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed []error
	for _, c := range t.containers {
		if c.id != "" {
			failed = append(failed, t.runtime.remove(ctx, c.id))
		}
	}
	return errors.Join(failed...)
}
