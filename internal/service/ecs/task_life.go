package ecs

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/scheduler"
	"flyball/internal/store"
	runtime "flyball/internal/task"
)

// healthInterval is how often, in real time, the health of a task that has
// health checks is looked at.
const healthInterval = time.Second

// errStopped ends the start of a task that is not wanted any more.
var errStopped = errors.New("stopped before it was running")

// drive takes a task through its life: start, watch, stop. An adopted task has
// been started. It returns when the task has stopped, or when ctx ends and the
// task is left running.
func (a *API) drive(ctx context.Context, t *task) {
	handle := t.handle
	if handle == nil {
		var err error
		if handle, err = a.start(ctx, t); err != nil {
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := sync.OnceFunc(func() { <-a.starts })
	select {
	case a.starts <- struct{}{}:
		defer done()
	case <-t.stop:
		return nil, errStopped
	case <-ctx.Done():
		return nil, errStopped
	}
	select {
	case <-t.stop:
		return nil, errStopped
	default:
	}
	pending := a.alter(t, func() {
		t.setStatus(statusPending)
		t.setAttachment("ATTACHING", "")
		t.api.PullStartedAt = aws.Time(a.now())
	})
	// A process whose record a crash takes back would belong to nobody.
	if err := pending.Wait(); err != nil {
		return nil, err
	}
	spec, err := a.spec(t)
	if err != nil {
		return nil, err
	}
	go func() {
		select {
		case <-t.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if t.definition.ordered() {
		done() // its containers may wait for each other for minutes
	}
	return a.cfg.Runtime.Start(ctx, spec)
}

// alter changes a task and has its service looked at. What it returns tells when
// the change is on disk.
func (a *API) alter(t *task, f func()) store.Commit {
	var b store.Batch
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	t.save(&b)
	if t.service != nil {
		a.markDirty(t.service)
	}
	return a.cfg.Store.Write(&b)
}

// started records that the containers run.
func (a *API) started(t *task, handle runtime.Task) {
	a.alter(t, func() {
		now := a.now()
		t.handle = handle
		t.api.PullStoppedAt = aws.Time(now)
		t.setStatus(statusActivating)
		t.setAttachment("ATTACHED", handle.Address())
		t.setContainers(func(c *types.Container) {
			c.LastStatus = aws.String(statusRunning)
			c.RuntimeId = aws.String(t.runtimeID(*c.Name))
		})
		t.connect(handle.Address())
		t.showExits(handle.Exits())
		t.api.StartedAt = aws.Time(now)
		t.api.Connectivity = types.ConnectivityConnected
		t.api.ConnectivityAt = aws.Time(now)
		t.setStatus(statusRunning)
		if t.askedToStop() { // while it was starting
			t.setStatus(statusDeactivating)
		}
		a.measure(t)
	})
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
	var health <-chan time.Time
	if t.checksHealth() {
		ticker := time.NewTicker(healthInterval)
		defer ticker.Stop()
		health = ticker.C
	}
	for {
		select {
		case <-health:
			a.noteHealth(t, handle.Health())
		case <-t.stop:
			a.alter(t, func() { t.setStatus(statusStopping) })
			if err := handle.Stop(ctx); err != nil {
				if ctx.Err() != nil {
					return // the next life of the server finds it
				}
				a.cfg.Log.Error("stop a task", "task", t.id, "err", err)
			}
			a.finish(t, "", "", handle.Exits())
			return
		case <-handle.Done():
			a.finish(t, types.TaskStopCodeEssentialContainerExited, "Essential container in task exited", handle.Exits())
			return
		case <-ctx.Done():
			return
		}
	}
}

// noteHealth records the result of the health checks when it has changed.
func (a *API) noteHealth(t *task, h runtime.Health) {
	a.mu.RLock()
	changed := t.api.HealthStatus != types.HealthStatus(h)
	a.mu.RUnlock()
	if !changed {
		return
	}
	checked := map[string]bool{}
	for _, c := range t.definition.api.ContainerDefinitions {
		checked[*c.Name] = c.HealthCheck != nil
	}
	a.alter(t, func() {
		t.api.HealthStatus = types.HealthStatus(h)
		t.api.Version++
		t.setContainers(func(c *types.Container) {
			if checked[*c.Name] {
				c.HealthStatus = types.HealthStatus(h)
			}
		})
	})
}

// finish records that a task has stopped. A task that was asked to stop keeps
// the reason it was asked with; any other end is a failure of the task.
func (a *API) finish(t *task, code types.TaskStopCode, reason string, exits []runtime.Exit) {
	var b store.Batch
	a.mu.Lock()
	defer a.mu.Unlock()
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
	a.retire(t, now)
	t.save(&b)
	if s := t.service; s != nil {
		if failed && s.status() == active {
			a.noteFailure(s, t, now)
		}
		a.markDirty(s)
	}
	a.writeLater(&b)
}

// retire makes a task STOPPED, to be forgotten after a while. The lock is held.
func (a *API) retire(t *task, now time.Time) {
	t.setStatus(statusStopped)
	t.setAttachment("DELETED", "")
	t.setContainers(func(c *types.Container) { c.LastStatus = aws.String(statusStopped) })
	t.api.StoppedAt = aws.Time(now)
	t.api.Connectivity, t.api.ConnectivityAt = "", nil
	if t.service != nil {
		delete(t.service.tasks, t.id)
	}
	delete(a.running, t)
	a.retired = append(a.retired, retirement{now.Add(forgetAfter), t, nil})
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
		c.Reason = nonEmpty(e.Reason)
	})
}

// noteFailure counts a task of a service that ended by itself. Tasks that were
// started before the last failure are part of it: ten tasks that crash together
// are one reason to wait, not ten. The lock is held.
func (a *API) noteFailure(s *service, t *task, now time.Time) {
	if t.api.StartedAt != nil && now.Sub(*t.api.StartedAt) >= a.virtual(shortLife) {
		s.failures = 0
	}
	if t.wave == s.wave {
		s.failures++
		s.wave++
		s.retryAt = now.Add(a.virtual(scheduler.BackOff(s.failures)))
	}
	d := s.primary()
	if t.deployment == d.ID && d.State == types.DeploymentRolloutStateInProgress {
		d.Failed++
		s.history[0].Failures = d.Failed
	}
}

// A retirement is something that has ended and is forgotten at a time.
type retirement struct {
	at      time.Time
	task    *task
	service *service
}

// forget drops what ended long enough ago.
func (a *API) forget(now time.Time) {
	var b store.Batch
	var tasks []runtime.Task
	a.mu.Lock()
	for len(a.retired) > 0 && !a.retired[0].at.After(now) {
		r := a.retired[0]
		a.retired[0] = retirement{}
		a.retired = a.retired[1:]
		if r.service != nil {
			a.remove(r.service, &b)
			continue
		}
		delete(r.task.cluster.tasks, r.task.id)
		b.Delete(kindTask, r.task.key())
		if r.task.handle != nil {
			tasks = append(tasks, r.task.handle)
		}
	}
	a.writeLater(&b)
	a.mu.Unlock()
	for _, t := range tasks {
		if err := t.Remove(); err != nil {
			a.cfg.Log.Warn("remove a stopped task", "task", t.ID(), "err", err)
		}
	}
}
