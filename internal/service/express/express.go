// Package express is Amazon ECS Express Mode: services that come with all they need,
// from one call. A service has its tasks in ECS, a load balancer that it shares with the
// other Express services of its VPC, target groups, security groups, a scalable target
// with a policy, an alarm and a log group.
//
//	CreateExpressGatewayService ──> plan.New(request) ──> settings, or what is wrong
//	        place: the VPC and the subnets
//	        gateway: the load balancer that is shared, or a new one
//	        parts: what is the service's own, asked of each service in turn
//
// Package plan says what is wanted, in values. What one call changes in all services is
// one change: an error anywhere takes back all of it. When a service has been deleted and
// its last task has stopped, a loop removes what was made for it.
package express

import (
	"context"
	"log/slog"
	"time"

	"flyball/internal/cell"
	"flyball/internal/due"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
)

// Config is what Express Mode needs of its surroundings.
type Config struct {
	Cell          *cell.Cell
	ECS           ECS
	LoadBalancing LoadBalancing
	Scaling       Scaling
	Alarms        Alarms
	Logs          Logs // nil makes no log groups
	// Network opens EC2. In a change, what it changes is part of that.
	Network func(context.Context) (Network, error)
	// Roles, if set, finds the account's roles. It comes before a change: to find them
	// first may be to load them.
	Roles func() (Roles, error)
}

// Services are the Express services of a cell. They have the methods of the SDK's ECS
// client for the operations of Express Mode, and may be called concurrently.
type Services struct {
	cfg   Config
	cell  *cell.Cell
	log   *slog.Logger
	rows  *state.Table[service] // by CLUSTER/NAME
	ended due.Queue[string]     // keys of services whose parts are to be removed
}

// New returns the Express services with what the cell remembers.
func New(cfg Config) (*Services, error) {
	s := &Services{cfg: cfg, cell: cfg.Cell, log: cfg.Cell.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	s.rows, err = state.NewTable[service](s.cell.State, kindService)
	return s, err
}

// Run removes the parts of services that have ended, until ctx ends. Then it returns
// nil.
func (s *Services) Run(ctx context.Context) error {
	s.cell.State.View(ctx, func() {
		for _, key := range s.rows.Keys("") {
			s.ended.Sooner(key, s.now()) // it is looked at, and left alone if it runs
		}
	})
	s.ended.Run(ctx, s.cell.Clock, 1, s.removeDue)
	return nil
}

// Ended tells that the last task of a service has stopped after the service was deleted.
// It returns at once.
func (s *Services) Ended(cluster, name string) {
	s.ended.Sooner(key(cluster, name), s.now())
}

func (s *Services) now() time.Time { return s.cell.Clock.Now() }

// change runs a function whose changes in all services are one.
func (s *Services) change(ctx context.Context, f func(context.Context, *state.Tx) error) error {
	return s.cell.State.Change(ctx, f)
}

// roles are the account's, or nil.
func (s *Services) roles() (Roles, error) {
	if s.cfg.Roles == nil {
		return nil, nil
	}
	return s.cfg.Roles()
}

// find is the row of a service that a call names by its ARN.
func (s *Services) find(arn string) (service, bool) {
	resource, ok := s.cell.Parse("ecs", arn)
	if !ok {
		return service{}, false
	}
	return s.rows.Get(keyOf(resource))
}

// notFound answers the ARN of no Express service.
func notFound(arn string) error { return fault.InvalidParameter("Resource not found: %s", arn) }
