// Package autoscaling is Application Auto Scaling for ECS services and the provisioned
// concurrency of Lambda functions: scalable targets, scaling policies, and the scaling
// itself.
//
//	as, err := autoscaling.New(autoscaling.Config{
//		Cell: c, Alarms: cloudWatch, Capacity: capacity.Services{ECS: ecs},
//	})
//	go as.Run(ctx)
//
// Package governor holds the whole life of a target; a host keeps the targets as
// documents, brings what a step has to see, stores what comes of it, and sets
// capacities:
//
//	an alarm calls      ──> AlarmAction ─┐
//	a schedule's time   ──> Run ─────────┼─> govern: see, step, store, set
//	an activity, demand ──> Run ─────────┘
//
// The operations of the API change what the host governs by. Each kind of them is
// a type on the host: scalable targets, scaling policies, scheduled actions, tags,
// and the forecasts of predictive policies, which are renewed here, too. Package
// rules says what they accept, and package fault how they refuse.
package autoscaling

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"flyball/internal/capacity"
	"flyball/internal/cell"
	"flyball/scaling"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell     *cell.Cell
	Alarms   CloudWatch
	Capacity capacity.Capacity

	// MaxTargets bounds the scalable targets; 0 is no bound. AWS starts with
	// 3,000 and raises it on request.
	MaxTargets int
	// MetricPeriod, if set, is told how often a service's CPU and memory metrics
	// are wanted: one minute, unless a policy or a tag asks for more. It is part of
	// the change that the context comes from.
	MetricPeriod func(ctx context.Context, id scaling.ResourceID, period time.Duration) error
	// TargetGroups, if set, are the ARNs of the load balancer target groups that a
	// service registers its tasks in. A policy can follow the requests of no other.
	TargetGroups func(ctx context.Context, id scaling.ResourceID) ([]string, error)
	// Backlogs, if set, measure what waits in queues for the tasks of services. Without
	// them no policy can follow a queue's backlog per task.
	Backlogs Backlogs
	// Roles, if set, finds the account's roles when they are needed. In the change
	// that registers a target without a role of its own, the role that stands for the
	// service is made if it is not there; one of its own is judged, then, when a policy
	// is put, and whenever the capacity is to be set.
	Roles func() (Roles, error)
	// Decided, if set, is told of each decision that an alarm or waiting work has asked for.
	Decided func(scaling.Decision)
}

// Backlogs know queues, and publish the backlogs per task that policies follow.
type Backlogs interface {
	// Waiting is how many messages of a queue are visible. Its error is SQS's.
	Waiting(ctx context.Context, queue string) (int64, error)
	// Watch says which queues a service's policies follow from now on, and how often.
	Watch(service scaling.ResourceID, queues map[string]time.Duration)
}

// API is the Application Auto Scaling service of a cell. It has the SDK client's
// methods for the operations that it serves, and they may be called concurrently.
type API struct {
	*host
	*activities
	scalableTargets
	targetTags
	scalingPolicies
	scheduledActions
	forecaster
}

// New returns the service with what the cell remembers. Nothing is governed until
// Run is called.
func New(cfg Config) (*API, error) {
	log := cfg.Cell.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h := &host{
		cell: cfg.Cell, state: cfg.Cell.State, log: log,
		capacity: cfg.Capacity, alarms: policyAlarms{cfg.Alarms}, metricPeriod: cfg.MetricPeriod, backlogs: cfg.Backlogs,
		roles:      targetRoles{cfg.Cell, cfg.Roles},
		decided:    cfg.Decided,
		activities: &activities{cfg.Cell, log},
		times:      timetable{clock: cfg.Cell.Clock},
		wake:       cfg.Cell.Clock.Signal(),
	}
	if err := h.open(); err != nil {
		return nil, err
	}
	return &API{
		host: h, activities: h.activities,
		scalableTargets: scalableTargets{h, cfg.MaxTargets}, targetTags: targetTags{h},
		scalingPolicies: scalingPolicies{h, cfg.TargetGroups, cfg.Backlogs}, scheduledActions: scheduledActions{h}, forecaster: forecaster{host: h},
	}, nil
}

// Run governs targets as time passes, makes forecasts, and forgets old activities,
// until ctx ends. Then it returns nil.
func (a *API) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	clk := a.host.cell.Clock
	clk.Go(ctx, &loops, a.host.run)
	clk.Go(ctx, &loops, a.forecaster.run)
	clk.Idle(ctx, loops.Wait)
	return nil
}
