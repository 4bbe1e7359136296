// Package ecs is Amazon ECS on one machine, in one region of one account:
// clusters, task definitions and services whose tasks are real, started and
// stopped through a task runtime.
//
// An API call changes what is wanted, reconciles the service once, so that the
// next call finds the tasks that it starts or stops, and returns. Loops go on:
//
//	UpdateService(desiredCount 5) ──> reconcile the service
//	        reconcile: scheduler.Decide(view, now) ──> actions
//	        actions: tasks to start, tasks to stop, when to reconcile again
//	        each task has a goroutine that drives it through its life
//	        a task that starts, stops or turns unhealthy has its service reconciled
//	        target groups are balanced: tasks that run are registered, tasks that
//	        stop are deregistered and wait for their connections to drain
//	        a deployment with two revisions moves on: lifecycle.Position.Next;
//	        listeners are given the weights that it wants, alarms are looked at
//	        metrics loop: measure the tasks, publish, once a period
//
// Package scheduler holds every rule of the service scheduler as pure functions, package
// lifecycle the stages of deployments, package rules what ECS accepts. This package keeps state, speaks ECS's words and
// publishes metrics and events.
package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/awslogs"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/due"
	"flyball/internal/state"
	runtime "flyball/internal/task"
	"flyball/metric"
)

// Config is what the service needs from the rest of the server.
type Config struct {
	Cell          *cell.Cell
	Runtime       runtime.Runtime // starts the tasks
	Metrics       Recorder        // takes the tasks' metrics; nil keeps none
	Endpoint      string          // AWS_ENDPOINT_URL of the tasks; "" sets none
	Metadata      string          // URL of the server that Metadata is mounted on, for the tasks; "" serves none
	LoadBalancing LoadBalancing   // nil knows no target group
	Network       Network         // nil knows no subnet
	Roles         TaskRoles       // nil gives tasks no credentials of their roles
	Logs          *awslogs.Driver // takes what containers with the log driver awslogs write; nil leaves it with the runtime
	ListenerRoles ListenerRoles   // nil lets deployments change listeners in any role
	Alarms        Alarms          // nil knows no alarm
	Functions     Functions       // asked by the hooks of deployments; nil knows no function
	// StrictNetwork refuses subnets and security groups that Network does not know.
	StrictNetwork bool
	// KnownKeys says that the server lets in known access keys only, so that a task
	// without a role gets none.
	KnownKeys bool
	// Deleted, if set, is told of each service that is being deleted, as part of
	// that change. Its error keeps the service as it is.
	Deleted func(ctx context.Context, cluster, service string) error
	// Ended, if set, is told of each service that has been deleted and has no task
	// left, once that is on its way to the disk.
	Ended func(cluster, service string)
	// Deployed, if set, is told of each new revision of a service that ECS manages, with
	// the target groups of its tasks, as part of the change that makes it.
	Deployed func(ctx context.Context, service string, groups []string) error
	// Managed, if set, are the resources that ECS itself manages for the service of an
	// ARN, or nil.
	Managed func(ctx context.Context, service string) *types.ECSManagedResources
	// KeepTasks leaves the tasks running when Run ends, for the next life of the
	// server to adopt.
	KeepTasks bool
}

// A Recorder takes measurements; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// samplesAtOnce is how many tasks are measured at the same time.
const samplesAtOnce = 16

// startsAtOnce is how many tasks are started at the same time.
func startsAtOnce(r runtime.Runtime) int {
	if r, ok := r.(interface{ StartsAtOnce() int }); ok { // one that is Effortless, or has other machines
		return r.StartsAtOnce()
	}
	return 8
}

// stopGrace bounds a clean shutdown in real time: the longest stop timeout that
// Fargate allows and a little more. Nobody else stops the tasks.
const stopGrace = 125 * time.Second

// logGrace is how long the last lines of tasks may take to be put, in real time.
const logGrace = 10 * time.Second

// An API serves the operations of Amazon ECS in one cell. Its methods may be
// called from several goroutines. What they return is shared with the API's own
// rows: it must not be changed.
//
// The rows, and all that hangs on them, are read in a View of the cell's state and
// changed in a Change of it. A change that can fail keeps what it is about to
// change, so that its failure restores it.
type API struct {
	Express // New leaves it without any

	cfg  Config
	cell *cell.Cell

	clusters    map[string]*cluster
	families    map[string]*family
	providers   map[string]*provider // those that users created, by name
	settings    map[settingKey]string
	byPeriod    servicesByPeriod
	periods     map[string]time.Duration // metric periods that were set, by CLUSTER/SERVICE
	measured    map[*task]struct{}
	unconfirmed []*task // loaded from the store; Adopt learns whether they still run
	// targets are those of tasks that run, and of others that no group has let go of
	// yet, by the ARNs of their groups.
	targets map[string]map[*target]struct{}

	reconciling due.Queue[*service] // services to be reconciled
	undriven    due.Queue[*task]    // accepted or adopted, not yet given the goroutine that drives them
	unbalanced  due.Queue[string]   // ARNs of target groups to be balanced
	unrouted    due.Queue[*service] // services whose listeners are to send other traffic
	watched     due.Queue[*service] // services whose deployments are failed by alarms
	retired     due.Queue[retiree]  // what has ended, to be forgotten
	questions   due.Queue[question] // to functions of hooks
	asked       map[question]bool   // in the queue or under way
	newPeriod   *clock.Signal       // a metric period has changed
	starts      chan struct{}       // holds a token for each task being started
	drivers     sync.WaitGroup
}

// New returns the service with its state loaded. Adopt must be called before any
// other method. Nothing runs until Run is called.
func New(cfg Config) (*API, error) {
	a := &API{
		Express:   noExpress{},
		cfg:       cfg,
		cell:      cfg.Cell,
		clusters:  map[string]*cluster{},
		families:  map[string]*family{},
		providers: map[string]*provider{},
		settings:  map[settingKey]string{},
		byPeriod:  servicesByPeriod{},
		periods:   map[string]time.Duration{},
		measured:  map[*task]struct{}{},
		targets:   map[string]map[*target]struct{}{},
		asked:     map[question]bool{},
		newPeriod: cfg.Cell.Clock.Signal(),
		starts:    make(chan struct{}, startsAtOnce(cfg.Runtime)),
	}
	if cfg.LoadBalancing == nil {
		a.cfg.LoadBalancing = noTargetGroups{}
	}
	if cfg.Alarms == nil {
		a.cfg.Alarms = noAlarms{}
	}
	if cfg.Functions == nil {
		a.cfg.Functions = noFunctions{}
	}
	if cfg.Network == nil {
		a.cfg.Network = noNetwork{}
	}
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("load ECS state: %w", err)
	}
	return a, nil
}

// Run drives the tasks, keeps services at their desired count and publishes
// metrics until ctx ends. Then it stops all tasks, unless they are to be kept,
// and returns nil.
func (a *API) Run(ctx context.Context) error {
	// Tasks outlive ctx: they are stopped in order after it has ended.
	lives, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()

	stopBalancing := a.startBalancing(lives)
	a.reconcileAll(ctx)
	var loops sync.WaitGroup
	clk := a.cell.Clock
	for _, loop := range []func(context.Context){
		a.metricsLoop,
		func(ctx context.Context) { a.reconciling.Run(ctx, clk, 1, a.reconcileDue) },
		func(ctx context.Context) { a.unrouted.Run(ctx, clk, 1, a.routeDue) },
		func(ctx context.Context) { a.watched.Run(ctx, clk, 1, a.watchDue) },
		func(ctx context.Context) { a.questions.Run(ctx, clk, questionsAtOnce, a.askAll) },
		func(ctx context.Context) { a.retired.Run(ctx, clk, forgottenAtOnce, a.forget) },
		func(ctx context.Context) {
			a.undriven.Run(ctx, clk, drivenAtOnce, func(_ context.Context, tasks []*task) { a.driveAll(lives, tasks) })
		},
	} {
		clk.Go(ctx, &loops, loop)
	}
	clk.Idle(ctx, loops.Wait)

	if !a.cfg.KeepTasks {
		clk.Idle(ctx, func() { a.stopAll(lives, stopGrace) })
	}
	end()
	clk.Idle(ctx, a.drivers.Wait)
	clk.Idle(ctx, stopBalancing)
	a.closeLogs()
	return nil
}

// stopAll stops every task at the same time and waits for them, but not longer
// than the grace period. Tasks that nobody drives yet are driven to their end:
// an adopted one has processes. A task that a call adds from here on is never
// driven, so nothing is started for it.
func (a *API) stopAll(lives context.Context, grace time.Duration) {
	a.cell.State.Later(func(tx *state.Tx) {
		for _, c := range a.clusters {
			for _, t := range c.tasks {
				a.stopTask(tx, t, stopShutdown, "The server was shut down.")
				a.release(tx, t) // the load balancers end with the server
				// A change whose write has failed has marked the task and closed nothing.
				tx.After(t.stop.Close)
				if t.balancing != nil {
					tx.After(t.balancing.released.Close)
				}
			}
		}
	})
	undriven, _ := a.undriven.Take(a.now(), a.undriven.Len())
	a.driveAll(lives, undriven)
	stopped := make(chan struct{})
	go func() {
		a.drivers.Wait()
		close(stopped)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-stopped:
	case <-timer.C:
	}
}

func (a *API) now() time.Time { return a.cell.Clock.Now() }

// virtual is how much virtual time passes in a span of real time. Tasks live in
// real time; what is said of their lives is turned into the clock's.
func (a *API) virtual(real time.Duration) time.Duration {
	return time.Duration(float64(real) * a.cell.Clock.Speed())
}

// read returns what a function finds that only reads rows.
func read[T any](ctx context.Context, a *API, f func() (T, error)) (found T, err error) {
	a.cell.State.View(ctx, func() { found, err = f() })
	return found, err
}

// answer is what a call returns after a change: its output, or only the error.
func answer[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// marshal is for our own structs and the SDK's, which JSON can always express.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ecs: marshal %T: %v", v, err))
	}
	return b
}
