// Package events is Amazon EventBridge in one region of one account: event buses, their
// rules, and what becomes of events.
//
//	PutEvents -> envelope -> the rules of the bus whose patterns match -> a delivery for
//	each of their targets -> on disk -> answered
//
// From there on package delivery has them. A rule with a schedule makes an event of its
// own when it is due, which goes to its targets alone.
package events

import (
	"context"
	"sync"
	"time"

	"flyball/internal/cell"
	"flyball/internal/delivery"
	"flyball/internal/due"
	"flyball/internal/state"
	"flyball/internal/tally"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
	// Deliveries brings events to targets.
	Deliveries *delivery.Queue
	// Metrics takes what rules count; nil keeps none.
	Metrics tally.Recorder
	// Account finds the service of another account in the region, whose buses may be sent
	// events by their ARNs. Nil finds none.
	Account func(account string) (*API, bool)
}

// An API serves the operations of EventBridge. Its methods may be called concurrently.
type API struct {
	cfg   Config
	cell  *cell.Cell
	buses *state.Table[bus]  // by name
	rules *state.Table[rule] // by ruleKey
	fired *state.Table[time.Time]
	news  news

	index  index
	due    due.Queue[string] // rules with schedules, by ruleKey
	counts counts
}

var (
	kindBus   = state.Kind{Name: "events.bus", Version: 1}   // by name
	kindRule  = state.Kind{Name: "events.rule", Version: 1}  // by ruleKey
	kindFired = state.Kind{Name: "events.fired", Version: 1} // one row
)

// owner is the name under which deliveries are told of.
const owner = "events"

// New returns the service with what the cell remembers.
func New(cfg Config) (a *API, err error) {
	a = &API{cfg: cfg, cell: cfg.Cell, counts: newCounts(cfg.Cell.Clock, cfg.Metrics)}
	if a.buses, err = state.NewTable[bus](a.cell.State, kindBus); err != nil {
		return nil, err
	}
	if a.rules, err = state.NewTable[rule](a.cell.State, kindRule); err != nil {
		return nil, err
	}
	if a.fired, err = state.NewTable[time.Time](a.cell.State, kindFired); err != nil {
		return nil, err
	}
	from := a.resume()
	for _, key := range a.rules.Keys("") {
		if r, _ := a.rules.Get(key); r.enabled() {
			a.enter(key, r, from)
		}
	}
	a.cfg.Deliveries.Register(owner, delivery.Owner{Done: a.delivered})
	return a, a.openNews()
}

// Run fires schedules, delivers the events of services and publishes metrics until ctx ends.
func (a *API) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	clk := a.cell.Clock
	clk.Go(ctx, &loops, a.counts.Run)
	clk.Go(ctx, &loops, func(ctx context.Context) { a.due.Run(ctx, clk, mostDue, a.fire) })
	clk.Go(ctx, &loops, a.runNews)
	clk.Idle(ctx, loops.Wait)
	return nil
}

// changeRule changes the row of a rule that exists. What the rule is in memory follows.
func (a *API) changeRule(ctx context.Context, busName, name string, change func(*rule) error) error {
	key := ruleKey(busName, name)
	return a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		r, err := a.rule(busName, name)
		if err != nil {
			return err
		}
		if err := change(&r); err != nil {
			return err
		}
		a.rules.Put(tx, key, r)
		tx.After(func() { a.follow(ctx, key) })
		return nil
	})
}
