// Package autoscaling is Application Auto Scaling for ECS services: scalable
// targets, scaling policies, and the scaling itself.
//
//	as, err := autoscaling.New(autoscaling.Config{
//		Cell: c, Alarms: cloudWatch, Capacity: capacity.Services{ECS: ecs},
//	})
//	go as.Run(ctx)
//
// Package governor holds the whole life of a target; this one is its host. It
// keeps the targets as documents, brings what a step has to see, stores what comes
// of it, and sets capacities:
//
//	an alarm calls      ──> AlarmAction ─┐
//	a schedule's time   ──> Run ─────────┼─> govern: see, step, store, set
//	an activity, demand ──> Run ─────────┘
//
// The rest are the operations of the API over the same rows.
package autoscaling

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/internal/capacity"
	"flyball/internal/cell"
	"flyball/internal/due"
	"flyball/internal/state"
	"flyball/scaling"
)

// Alarms is what the service needs of CloudWatch.
type Alarms interface {
	PutMetricAlarm(context.Context, *cloudwatch.PutMetricAlarmInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error)
	DeleteAlarms(context.Context, *cloudwatch.DeleteAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error)
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

var _ Alarms = (*cloudwatch.Client)(nil)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell     *cell.Cell
	Alarms   Alarms
	Capacity capacity.Capacity

	// MaxTargets bounds the scalable targets; 0 is no bound. AWS starts with
	// 3,000 and raises it on request.
	MaxTargets int
	// MetricPeriod, if set, is told how often a service's CPU and memory metrics
	// are wanted: one minute, unless a policy or a tag asks for more. It is part of
	// the change that the context comes from.
	MetricPeriod func(ctx context.Context, id scaling.ResourceID, period time.Duration) error
}

// API is the Application Auto Scaling service of a cell. It has the SDK client's
// methods for the operations that it serves, and they may be called concurrently.
type API struct {
	cfg   Config
	cell  *cell.Cell
	state *state.State
	log   *slog.Logger

	rows  *registry // under the state's lock
	zones zones     // of scheduled actions
	busy  keyed     // held while one target is governed

	timed       due.Queue[scaling.ResourceID] // when time alone makes a step
	renewals    due.Queue[policyID]           // of forecasts
	forecasting sync.Mutex                    // held while a forecast is made
	wake        chan struct{}                 // holds a token when there is an activity to follow
}

// New returns the service with what the cell remembers. Nothing is governed until
// Run is called.
func New(cfg Config) (*API, error) {
	a := &API{
		cfg: cfg, cell: cfg.Cell, state: cfg.Cell.State, log: cfg.Cell.Log,
		wake: make(chan struct{}, 1),
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if a.rows, err = loadRegistry(a.state, &a.zones, a.log); err != nil {
		return nil, fmt.Errorf("load scalable targets: %w", err)
	}
	for _, t := range a.rows.targets {
		a.plan(t)
		for _, p := range t.policies {
			a.planRenewal(p)
		}
		if err := a.setMetricPeriod(context.Background(), t); err != nil {
			return nil, fmt.Errorf("set the period of the metrics of %s: %w", t.ResourceID, err)
		}
	}
	return a, nil
}

func (a *API) now() time.Time { return a.cell.Clock.Now() }

// Run governs targets as time passes, makes forecasts, and forgets old activities,
// until ctx ends. Then it returns nil.
func (a *API) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { a.timed.Run(ctx, a.cell.Clock, targetsAtOnce, a.governDue) })
	loops.Go(func() { a.renewals.Run(ctx, a.cell.Clock, 1, a.renewDue) })
	loops.Go(func() { a.followLoop(ctx) })
	loops.Go(func() { a.every(ctx, time.Minute, a.findEmpty) })
	loops.Go(func() { a.every(ctx, time.Hour, a.purgeActivities) })
	loops.Wait()
	return nil
}
