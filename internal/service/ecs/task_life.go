package ecs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// healthInterval is how often, in real time, the health of a task that has
// health checks is looked at.
const healthInterval = time.Second

// errStopped ends the start of a task that is not wanted any more.
var errStopped = errors.New("stopped before it was running")

// drivenAtOnce is how many tasks are given their goroutines in one go.
const drivenAtOnce = 64

// driveAll gives tasks that were accepted or adopted the goroutines that drive
// them, until lives ends.
func (a *API) driveAll(lives context.Context, tasks []*task) {
	for _, t := range tasks {
		a.cell.Clock.Go(lives, &a.drivers, func(ctx context.Context) { a.drive(ctx, t) })
	}
}

// drive takes a task through its life: start, watch, stop. An adopted task has
// been started. It returns when the task has stopped, or when ctx ends and the
// task is left running.
func (a *API) drive(ctx context.Context, t *task) {
	handle := t.handle
	if handle == nil {
		var err error
		if handle, err = a.start(ctx, t); err != nil {
			t.unplaced = a.lackBehind(err)
			a.finish(t, types.TaskStopCodeTaskFailedToStart, err.Error(), nil)
			return
		}
		a.started(t, handle)
	}
	a.attend(ctx, t, handle)
}

// start starts the containers, as soon as there is a place among those being
// started. It gives up when the task is asked to stop.
func (a *API) start(ctx context.Context, t *task) (runtime.Task, error) {
	ctx, cancel := t.stop.Context(ctx)
	defer cancel()
	leave, err := a.takePlace(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { leave() }()
	if err := a.begin(ctx, t); err != nil {
		return nil, err
	}
	if from, ok := a.cfg.Runtime.(runtime.Puller); ok {
		leave() // others with their images at hand need not wait for this one's
		if err := a.pullImages(ctx, from, t); err != nil {
			return nil, err
		}
		if leave, err = a.takePlace(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.assumeRole(ctx, t); err != nil {
		return nil, err
	}
	spec, err := read(ctx, a, func() (runtime.Spec, error) { return a.spec(t) })
	if err != nil {
		return nil, err
	}
	if err := a.openLogs(ctx, t); err != nil {
		return nil, err
	}
	if t.definition.ordered() {
		leave() // its containers may wait for each other for minutes
	}
	return a.startContainers(ctx, spec)
}

// startContainers has the runtime start a task.
func (a *API) startContainers(ctx context.Context, spec runtime.Spec) (handle runtime.Task, err error) {
	a.cell.Clock.Outside(ctx, func() { handle, err = a.cfg.Runtime.Start(ctx, spec) })
	return handle, err
}

// takePlace waits for a place among the tasks being started. What it returns may be
// called again.
func (a *API) takePlace(ctx context.Context) (leave func(), err error) {
	select {
	case a.starts <- struct{}{}:
		return sync.OnceFunc(func() { <-a.starts }), nil
	case <-ctx.Done():
		return func() {}, errStopped
	}
}

// begin makes a task that is still wanted PENDING. It returns when that is on
// disk: a process of whose task nothing is known after a crash belongs to nobody.
func (a *API) begin(ctx context.Context, t *task) error {
	wanted := false
	a.cell.State.Later(func(tx *state.Tx) {
		if wanted = !t.askedToStop(); wanted {
			t.setStatus(statusPending)
			t.setAttachment("ATTACHING")
			t.api.PullStartedAt = aws.Time(a.now())
			a.changed(tx, t)
		}
	})
	if !wanted {
		return errStopped
	}
	return a.cell.State.Settle(ctx)
}

// alter changes a task.
func (a *API) alter(t *task, f func()) {
	a.cell.State.Later(func(tx *state.Tx) {
		f()
		a.changed(tx, t)
	})
}

// changed stores a task whose state has changed, tells of it, and has its service
// reconciled.
func (a *API) changed(tx *state.Tx, t *task) {
	a.pass(tx, t)
	t.save(tx)
	if t.service != nil {
		a.reconcileSoon(t.service)
	}
}

// pass tells of a state that a task has come to, be it only on its way through a change: each
// has a version of its own.
func (a *API) pass(tx *state.Tx, t *task) {
	t.api.Version++
	a.publishTask(tx, t)
}

// started notes that the containers run. A task in several target groups is
// registered in all of them before it is RUNNING.
func (a *API) started(t *task, handle runtime.Task) {
	address, exits := handle.Address(), handle.Exits()
	a.cell.State.Later(func(tx *state.Tx) {
		now := a.now()
		t.api.PullStoppedAt = aws.Time(now)
		t.setStatus(statusActivating)
		t.setContainers(func(c *types.Container) {
			c.LastStatus = aws.String(statusRunning)
			c.RuntimeId = aws.String(t.runtimeID(*c.Name))
		})
		a.attach(t, handle, address)
		a.followLogs(t, handle)
		t.showExits(exits)
		if !t.balancing.several() {
			a.pass(tx, t)
			t.run(now)
		}
		if t.askedToStop() { // while it was starting
			a.pass(tx, t)
			t.setStatus(statusDeactivating)
		}
		a.measure(t, mark{at: a.usageTime()})
		a.changed(tx, t)
	})
}

// run makes a task RUNNING.
func (t *task) run(now time.Time) {
	t.api.StartedAt = aws.Time(now)
	t.api.Connectivity = types.ConnectivityConnected
	t.api.ConnectivityAt = aws.Time(now)
	t.setStatus(statusRunning)
}

// attach gives a task its containers at an address.
func (a *API) attach(t *task, handle runtime.Task, address string) {
	t.handle, t.address = handle, address
	a.place(t, address)
	var details []types.KeyValuePair
	if address != "" {
		details = []types.KeyValuePair{
			{Name: aws.String("privateDnsName"), Value: aws.String(a.cell.Hostname(address))},
			{Name: aws.String("privateIPv4Address"), Value: aws.String(address)},
		}
	}
	t.setAttachment("ATTACHED", details...)
	t.connect(address)
}

// connect shows the task's address in its containers: as an interface where the
// task has its own network, else as bindings of its ports. Every task has an
// address of its own, so host ports are the container's.
func (t *task) connect(address string) {
	awsvpc := t.definition.api.NetworkMode == types.NetworkModeAwsvpc
	ports := map[string][]types.PortMapping{}
	for _, c := range t.definition.api.ContainerDefinitions {
		ports[*c.Name] = c.PortMappings
	}
	t.setContainers(func(c *types.Container) {
		if awsvpc {
			c.NetworkInterfaces = []types.NetworkInterface{{
				AttachmentId:       t.api.Attachments[0].Id,
				PrivateIpv4Address: aws.String(address),
			}}
			return
		}
		bindings := []types.NetworkBinding{}
		for _, p := range ports[*c.Name] {
			bindings = append(bindings, types.NetworkBinding{
				BindIP:        aws.String(address),
				ContainerPort: p.ContainerPort,
				HostPort:      p.ContainerPort,
				Protocol:      p.Protocol,
			})
		}
		c.NetworkBindings = bindings
	})
}

// attend watches a running task until it has stopped, and stops it when asked.
func (a *API) attend(ctx context.Context, t *task, handle runtime.Task) {
	for !t.stop.Closed() && !ended(handle) && ctx.Err() == nil {
		var look time.Time
		if t.checksHealth() {
			a.noteHealth(ctx, t, handle.Health())
			look = a.nextHealthLook()
		}
		a.cell.Clock.Await(ctx, look, handle.Done(), t.stop)
	}
	switch {
	case ctx.Err() != nil:
	case t.stop.Closed():
		a.stopContainers(ctx, t, handle)
	default:
		code, reason := types.TaskStopCodeEssentialContainerExited, "Essential container in task exited"
		if l, may := handle.(runtime.Losable); may {
			if why := l.Lost(); why != "" {
				code, reason = types.TaskStopCodeTerminationNotice, why
			}
		}
		exits := handle.Exits()
		t.unplaced = a.lackOfContainers(t, exits)
		a.finish(t, code, reason, exits)
	}
}

// ended is whether a task has ended by itself.
func ended(handle runtime.Task) bool {
	select {
	case <-handle.Done():
		return true
	default:
		return false
	}
}

// nextHealthLook is when the health of a task is looked at again; zero is never, for where the runtime
// knows it from the start.
func (a *API) nextHealthLook() time.Time {
	if _, ok := a.cfg.Runtime.(runtime.Effortless); ok {
		return time.Time{}
	}
	return a.now().Add(a.virtual(healthInterval))
}

// stopContainers stops a task that is asked to stop, once load balancers have let go of it.
func (a *API) stopContainers(ctx context.Context, t *task, handle runtime.Task) {
	if t.balancing != nil {
		a.cell.Clock.Await(ctx, time.Time{}, handle.Done(), t.balancing.released)
	}
	if ctx.Err() != nil {
		return // the next life of the server goes on with it
	}
	a.alter(t, func() { t.setStatus(statusStopping) })
	// A task that ended although a crash took back that it should would have
	// failed. If the disk has, the server ends and stops its tasks.
	_ = a.cell.State.Settle(ctx)
	var err error
	a.cell.Clock.Outside(ctx, func() { err = handle.Stop(ctx) })
	if err != nil {
		if ctx.Err() != nil {
			return // the next life of the server finds it
		}
		a.cell.Log.Error("stop a task", "task", t.id, "err", err)
	}
	a.finish(t, "", "", handle.Exits())
}

// noteHealth notes the result of the health checks when it has changed.
func (a *API) noteHealth(ctx context.Context, t *task, h runtime.Health) {
	changed := false
	a.cell.State.View(ctx, func() { changed = t.api.HealthStatus != types.HealthStatus(h) })
	if !changed {
		return
	}
	checked := map[string]bool{}
	for _, c := range t.definition.api.ContainerDefinitions { // which never change
		checked[*c.Name] = c.HealthCheck != nil
	}
	a.alter(t, func() {
		t.api.HealthStatus = types.HealthStatus(h)
		t.setContainers(func(c *types.Container) {
			if checked[*c.Name] {
				c.HealthStatus = types.HealthStatus(h)
			}
		})
	})
}

// finish notes that a task has stopped. A task that was asked to stop keeps the
// reason it was asked with; any other end is a failure of the task.
func (a *API) finish(t *task, code types.TaskStopCode, reason string, exits []runtime.Exit) {
	a.cell.State.Later(func(tx *state.Tx) {
		now := a.now()
		failed := !t.askedToStop() || t.unhealthy
		if !t.askedToStop() {
			t.api.StopCode, t.api.StoppedReason = code, aws.String(reason)
			t.api.DesiredStatus = aws.String(statusStopped)
			t.api.StoppingAt = aws.Time(now)
		}
		if t.api.StartedAt != nil {
			t.api.ExecutionStoppedAt = aws.Time(now)
		}
		t.setStatus(statusDeprovisioning)
		t.showExits(exits)
		a.pass(tx, t)
		a.end(tx, t, now)
		switch s := t.service; {
		case s != nil && failed && s.status() == active:
			a.noteFailure(tx, s, t, now)
			a.tellWhy(tx, s, t, exits)
		case s == nil && failed && t.api.StopCode == types.TaskStopCodeTaskFailedToStart:
			a.logTrouble(t, reason)
		}
	})
}

// tellWhy tells why a task did not start, as for want of its image, and of containers
// that are no programs, could not listen on their ports or had too little memory, in an event and in the
// log, unless an event that the service shows has told it: nor can any later task of the
// service while nobody mends it.
func (a *API) tellWhy(tx *state.Tx, s *service, t *task, exits []runtime.Exit) {
	var why []message
	if t.unplaced != "" {
		if a.warn(tx, s, cannotPlace(t.unplaced)) {
			a.logTrouble(t, *t.api.StoppedReason)
		}
		return
	}
	if t.api.StopCode == types.TaskStopCodeTaskFailedToStart {
		why = append(why, failedToLaunch(*t.api.StoppedReason))
	}
	for _, e := range exits {
		if strings.HasPrefix(e.Reason, runtime.PortInUse) || strings.HasPrefix(e.Reason, runtime.NoProgram) {
			why = append(why, cannotKeepRunning(e, e.Reason))
		}
		if e.Reason == runtime.OutOfMemory {
			why = append(why, cannotKeepRunning(e, e.Reason+". "+t.moreMemory(e.Container)))
		}
	}
	for _, m := range why {
		if !s.shows(m) {
			a.tell(tx, s, m)
			a.logTrouble(t, m.text)
		}
	}
	if d := s.deployment(t.deployment); len(why) == 0 && d != nil && d.Retry.Failures == 1 { // the first in a row
		a.logTrouble(t, *t.api.StoppedReason+endings(exits)+"; flyball logs tells what it has written")
	}
}

// endings are the exit codes of containers that have one which tells of a failure.
func endings(exits []runtime.Exit) (text string) {
	for _, e := range exits {
		if e.Known && e.Code != 0 {
			text += fmt.Sprintf(", container %s with exit code %d", e.Container, e.Code)
		}
	}
	return text
}

// logTrouble logs that a task cannot run, and what mends it.
func (a *API) logTrouble(t *task, why string) {
	of := t.definition.key()
	if t.service != nil {
		of = t.cluster.name + "/" + t.service.name
	}
	a.cell.Log.Warn("a task cannot run", "of", of, "task", t.id, "why", why)
}

// moreMemory says what mends it that a container reached its limit of memory.
func (t *task) moreMemory(container string) string {
	limit := t.size().Memory
	for _, c := range t.definition.api.ContainerDefinitions {
		if *c.Name == container && c.Memory != nil {
			limit = int(*c.Memory)
		}
	}
	return fmt.Sprintf("It may have %d MiB: register the task definition with more memory.", limit)
}

// end makes a task STOPPED, to be forgotten after a while.
func (a *API) end(tx *state.Tx, t *task, now time.Time) {
	t.setStatus(statusStopped)
	t.setAttachment("DELETED")
	t.setContainers(func(c *types.Container) { c.LastStatus = aws.String(statusStopped) })
	t.api.StoppedAt = aws.Time(now)
	t.api.Connectivity, t.api.ConnectivityAt = "", nil
	if t.service != nil {
		drop(tx, t.service.tasks, t.id)
	}
	drop(tx, a.measured, t)
	a.withdraw(t)
	a.releaseRole(tx, t)
	a.retire(tx, t, now)
	a.changed(tx, t)
}

// showExits shows how containers ended: all of the task, or those that others
// have waited for.
func (t *task) showExits(exits []runtime.Exit) {
	byName := map[string]runtime.Exit{}
	for _, e := range exits {
		byName[e.Container] = e
	}
	t.setContainers(func(c *types.Container) {
		e, ok := byName[*c.Name]
		if !ok {
			if t.api.StopCode == types.TaskStopCodeTaskFailedToStart {
				c.Reason = t.api.StoppedReason
			}
			return
		}
		c.LastStatus = aws.String(statusStopped)
		if e.Known {
			c.ExitCode = aws.Int32(int32(e.Code))
		}
		c.Reason = optional.String(e.Reason)
	})
}

// noteFailure counts a task of a service that ended by itself. Tasks that were
// accepted before the last failure are part of it: ten tasks that crash together
// are one reason to wait, not ten. Other deployments than the task's do not wait. One that
// this machine had no room for is no failure of its deployment.
func (a *API) noteFailure(tx *state.Tx, s *service, t *task, now time.Time) {
	if d := s.deployment(t.deployment); d != nil {
		if t.api.StartedAt != nil && now.Sub(*t.api.StartedAt) >= a.virtual(shortLife) {
			d.Retry.Failures = 0
		}
		if t.attempt == d.Retry.attempt {
			d.Retry.Failures++
			d.Retry.attempt++
			d.Retry.RetryAt = now.Add(a.virtual(scheduler.BackOff(d.Retry.Failures)))
		}
	}
	if t.unplaced == "" {
		a.countFailure(tx, s, t)
	}
	s.save(tx)
}

// countFailure counts a task that failed for the circuit breaker.
func (a *API) countFailure(tx *state.Tx, s *service, t *task) {
	d := s.primary()
	if t.deployment == d.ID && d.State == types.DeploymentRolloutStateInProgress {
		d.Failed++
		s.history[0].Failures = d.Failed
		s.history[0].save(tx, s)
	}
}
