// Package simulated runs tasks that are records: they start and stop after given delays of the
// server's time, and use what they are said to use. So what a scaling policy does with them depends on
// nothing but what is given, and takes no longer than the decisions do.
//
//	r := simulated.New(simulated.Options{Clock: clk, Start: 20 * time.Second, Stop: 5 * time.Second})
//	r.SetLoad("demo/web", simulated.Load{TotalCPU: 240}) // 4 running tasks: 60 % each
package simulated

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"sync"
	"time"

	"flyball/internal/clock"
	"flyball/internal/task"
)

// Options say how tasks behave.
type Options struct {
	Clock *clock.Clock
	Start time.Duration // from the call to start a task until it runs
	Stop  time.Duration // from the call to stop a task until it has stopped
}

// A Runtime keeps the tasks. Its methods may be called from several goroutines.
type Runtime struct {
	options Options
	ending  *clock.Signal // closed when nobody waits for delays any more

	mu       sync.Mutex
	services map[string]*service // by CLUSTER/SERVICE; tasks of no service: CLUSTER
	address  netip.Addr          // the last that was given out
}

var (
	_ task.Runtime    = (*Runtime)(nil)
	_ task.Effortless = (*Runtime)(nil)
)

// New returns a runtime without tasks.
func New(o Options) *Runtime {
	return &Runtime{options: o, ending: o.Clock.Signal(), services: map[string]*service{}, address: addresses().Addr()}
}

// addresses are those of tasks. Load balancers take them (RFC 6598), and nobody listens there:
// the networks of processes are of the other half of 100.64.0.0/10.
func addresses() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 96, 0, 0}), 11) }

// IsAddress is whether an address can be that of a simulated task, at which nothing answers.
func IsAddress(a netip.Addr) bool { return addresses().Contains(a) }

// Name implements task.Runtime.
func (r *Runtime) Name() string { return "simulated" }

// StartsAtOnce implements task.Effortless.
func (r *Runtime) StartsAtOnce() int { return 10_000 }

// Now implements task.Effortless: tasks live in the server's time.
func (r *Runtime) Now() time.Time { return r.options.Clock.Now() }

// Recover implements task.Runtime. Records do not outlive their server.
func (r *Runtime) Recover(context.Context) ([]task.Task, error) { return nil, nil }

// Close implements task.Runtime.
func (r *Runtime) Close() error { return nil }

// End has tasks start and stop without delay from now on: the server ends.
func (r *Runtime) End() { r.ending.Close() }

// Start implements task.Runtime.
func (r *Runtime) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	if err := r.delay(ctx, r.options.Start); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.service(nameOf(spec))
	s.advance(r.Now())
	s.running++
	if r.address = r.address.Next(); !addresses().Contains(r.address) {
		r.address = addresses().Addr().Next()
	}
	return &record{
		id: spec.ID, runtime: r, service: s, address: r.address.String(), began: s.used,
		cpu: spec.CPU, memory: spec.Memory, checked: checked(spec), done: make(chan struct{}),
	}, nil
}

// delay waits for a span of the server's time.
func (r *Runtime) delay(ctx context.Context, d time.Duration) error {
	for at := r.Now().Add(d); !r.ending.Closed() && ctx.Err() == nil; {
		if r.options.Clock.Wait(ctx, at, r.ending) {
			break
		}
	}
	return ctx.Err()
}

// service is the service of a name.
func (r *Runtime) service(name string) *service {
	s := r.services[name]
	if s == nil {
		s = &service{since: r.Now()}
		r.services[name] = s
	}
	return s
}

// nameOf is the service of a task, or its cluster.
func nameOf(spec task.Spec) string {
	if s := spec.Labels["service"]; s != "" {
		return spec.Labels["cluster"] + "/" + s
	}
	return spec.Labels["cluster"]
}

// SetLoad sets what the tasks of a service use from now on: CLUSTER/SERVICE, or CLUSTER for the tasks
// there that are of no service. Tasks that it has later use that, too.
func (r *Runtime) SetLoad(name string, l Load) error {
	if err := l.check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.service(name)
	s.advance(r.Now())
	s.load = l
	return nil
}

// Loads are the loads that were set, by service.
func (r *Runtime) Loads() map[string]Load {
	r.mu.Lock()
	defer r.mu.Unlock()
	loads := map[string]Load{}
	for name, s := range maps.All(r.services) {
		if s.load != (Load{}) {
			loads[name] = s.load
		}
	}
	return loads
}

// checked is whether a task has a health check.
func checked(spec task.Spec) bool {
	for _, c := range spec.Containers {
		if c.Essential && c.HealthCheck != nil {
			return true
		}
	}
	return false
}

// A Load is what tasks use, in percent of what one task of the service has.
type Load struct {
	TotalCPU    float64 `json:"totalCpu,omitempty"`    // is divided among the running tasks: 240 are 60 % of each of 4
	TaskCPU     float64 `json:"taskCpu,omitempty"`     // in each task, however many there are
	TotalMemory float64 `json:"totalMemory,omitempty"` // as TotalCPU
	TaskMemory  float64 `json:"taskMemory,omitempty"`  // as TaskCPU
}

func (l Load) check() error {
	for _, part := range []struct {
		name  string
		value float64
	}{{"totalCpu", l.TotalCPU}, {"taskCpu", l.TaskCPU}, {"totalMemory", l.TotalMemory}, {"taskMemory", l.TaskMemory}} {
		if !(part.value >= 0 && part.value <= 1e9) {
			return fmt.Errorf("%s %v: give a number from 0 to 1000000000, in percent of one task", part.name, part.value)
		}
	}
	return nil
}

// A service is the tasks that share a load.
type service struct {
	load    Load
	running int
	since   time.Time
	used    float64 // percent of a task's CPU, times seconds, that a task which always ran has used until since
}

// advance adds up what a task has used until a time.
func (s *service) advance(now time.Time) {
	s.used += s.share(s.load.TotalCPU, s.load.TaskCPU) * now.Sub(s.since).Seconds()
	s.since = now
}

// share is what each running task uses. More than it has no task can.
func (s *service) share(total, each float64) float64 {
	return min(each+total/float64(max(s.running, 1)), 100)
}

// A record is one task.
type record struct {
	id          string
	runtime     *Runtime
	service     *service
	address     string
	began       float64 // what the service's tasks had used then
	cpu, memory int     // what the task has
	checked     bool
	stop        sync.Once
	done        chan struct{}
}

// ID implements task.Task.
func (t *record) ID() string { return t.id }

// Address implements task.Task. Nobody listens there.
func (t *record) Address() string { return t.address }

// Done implements task.Task.
func (t *record) Done() <-chan struct{} { return t.done }

// Exits implements task.Task.
func (t *record) Exits() []task.Exit { return nil }

// Remove implements task.Task.
func (t *record) Remove() error { return nil }

// Health implements task.Task.
func (t *record) Health() task.Health {
	if t.checked {
		return task.Healthy
	}
	return task.HealthUnknown
}

// Stop implements task.Task.
func (t *record) Stop(ctx context.Context) error {
	t.stop.Do(func() {
		r := t.runtime
		r.mu.Lock()
		t.service.advance(r.Now())
		t.service.running-- // what is left to do the others do
		r.mu.Unlock()
		_ = r.delay(ctx, r.options.Stop)
		close(t.done)
	})
	return nil
}

// Usage implements task.Task.
func (t *record) Usage(context.Context) (task.Usage, error) {
	r, s := t.runtime, t.service
	r.mu.Lock()
	defer r.mu.Unlock()
	s.advance(r.Now())
	const percentSecond = float64(time.Second) / 100 / 1024 // of a CPU unit
	return task.Usage{
		At:     s.since,
		CPU:    time.Duration(math.Round((s.used - t.began) * float64(t.cpu) * percentSecond)),
		Memory: int64(math.Round(s.share(s.load.TotalMemory, s.load.TaskMemory) / 100 * float64(t.memory) * (1 << 20))),
	}, nil
}

// Logs implements task.Task: it writes nothing.
func (t *record) Logs(_ context.Context, _ string, opts task.LogOptions) (task.Log, error) {
	return silence{t, opts.Follow}, nil
}
