// Package scheduler is Amazon EventBridge Scheduler in one region of one account.
//
// A schedule is a row. When it is due, what its run sends to its target is handed to
// package delivery, which has it on disk and brings it there; then the time of the run is
// noted in a row of its own. A kill between the two has the run made again, with the same
// execution ID: "at least once", as AWS does.
package scheduler

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/cell"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/due"
	"flyball/internal/service/scheduler/rules"
	"flyball/internal/state"
	"flyball/internal/tally"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
	// Deliveries brings runs to their targets.
	Deliveries Deliveries
	// Router takes what the service sends.
	Router *deliver.Router
	// Roles finds the roles of the account. Nil takes any role as it is.
	Roles func() (Roles, error)
	// Metrics takes what runs come to; nil keeps none.
	Metrics tally.Recorder
}

// Deliveries brings invocations to their targets; delivery.Queue does.
type Deliveries interface {
	Register(name string, o delivery.Owner)
	Deliver(context.Context, ...delivery.Delivery) error
}

var _ Deliveries = (*delivery.Queue)(nil)

// Roles are the roles of an account.
type Roles interface {
	// Trusts reports whether a role can be taken by the service on behalf of a group of
	// schedules.
	Trusts(ctx context.Context, role, group string) (bool, error)
}

// principal is the name of the service, as roles trust it.
const principal = "scheduler.amazonaws.com"

// An API serves the operations of EventBridge Scheduler. Its methods may be called
// concurrently.
type API struct {
	cfg       Config
	cell      *cell.Cell
	opened    time.Time
	zones     rules.Zones
	schedules *state.Table[schedule]
	runs      *state.Table[time.Time] // the last run of each schedule that had one
	groups    *state.Table[group]
	agenda    due.Queue[string] // keys of schedules
	counts    counts
}

// A schedule is a row, by key.
type schedule struct {
	Group, Name       string
	Token             string // of the call that made it
	Created, Modified time.Time
	Timing            rules.Timing
	State             types.ScheduleState
	After             types.ActionAfterCompletion
	Description       *string
	KmsKeyArn         *string
	Target            types.Target
}

// key is by which a schedule is kept: names have no slashes.
func key(group, name string) string { return group + "/" + name }

func (s *schedule) key() string { return key(s.Group, s.Name) }

// A group is a row, by name.
type group struct {
	Name              string
	Token             string // of the call that made it
	Created, Modified time.Time
	Tags              map[string]string
}

var (
	kindSchedule = state.Kind{Name: "scheduler.schedule", Version: 1}
	kindRun      = state.Kind{Name: "scheduler.run", Version: 1}
	kindGroup    = state.Kind{Name: "scheduler.group", Version: 1}
)

// New returns the service with what the cell remembers.
func New(cfg Config) (a *API, err error) {
	a = &API{cfg: cfg, cell: cfg.Cell, opened: cfg.Cell.Clock.Now(), counts: newCounts(cfg.Cell.Clock, cfg.Metrics)}
	if a.schedules, err = state.NewTable[schedule](a.cell.State, kindSchedule); err != nil {
		return nil, err
	}
	if a.runs, err = state.NewTable[time.Time](a.cell.State, kindRun); err != nil {
		return nil, err
	}
	if a.groups, err = state.NewTable[group](a.cell.State, kindGroup); err != nil {
		return nil, err
	}
	for _, k := range a.schedules.Keys("") {
		s, _ := a.schedules.Get(k)
		last, _ := a.runs.Get(k)
		a.expect(&s, last)
	}
	cfg.Deliveries.Register(owner, delivery.Owner{Take: a.take, Done: a.done})
	return a, nil
}

func (a *API) arn(group, name string) string {
	return a.cell.ARN("scheduler", "schedule/"+group+"/"+name)
}

func (a *API) groupARN(name string) string { return a.cell.ARN("scheduler", "schedule-group/"+name) }
