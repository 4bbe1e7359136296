package control

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/scaling"
)

// Config is what a Host needs of its surroundings. Capacity, State and Log must be set.
type Config struct {
	Capacity capacity.Capacity
	State    State
	Elector  Elector // nil: there is no other controller
	// Tell is told of each record, one after the other; it may not call the host. nil: nobody is.
	Tell func(Record)
	Log  *slog.Logger
	// DryRun sets nothing. What would have been set is kept beside what there is.
	DryRun bool
	// Paused says why nothing at all is to be done for now, in a sentence's words; "": go on. It
	// is asked in each round. nil: never.
	Paused func() string
	// Look is how often the capacity of each target is looked at, whatever its alarms say; 0: each
	// minute. Follow is how often that of one which is under way; 0: each ten seconds.
	Look, Follow time.Duration
	// Settle is how long after the end of a period its datapoints are asked for; 0: five seconds.
	Settle time.Duration
}

// A Host governs targets. Put, Remove, Explain and Targets may be called at any time, from
// several goroutines.
type Host struct {
	cfg  Config
	wake *clock.Signal

	mu      sync.Mutex
	changes map[scaling.ResourceID]*Target // that the next round takes over; nil: is removed
	targets map[scaling.ResourceID]*governed
}

// New returns a host without targets.
func New(cfg Config) *Host { panic("TODO") }

// Put has a target governed from the next round on, in the place of one of the same resource.
func (h *Host) Put(t Target) { panic("TODO") }

// Remove has a target governed no more. What is remembered of it is forgotten.
func (h *Host) Remove(id scaling.ResourceID) { panic("TODO") }

// Run makes rounds as their time comes, as long as this controller is elected; then it waits to be
// elected again. It returns when ctx ends, or when the elector fails.
func (h *Host) Run(ctx context.Context, c *clock.Clock) error { panic("TODO") }

// Round does what is due at a time, and returns when something is due next. It is for those who
// do not Run the host, such as tests.
func (h *Host) Round(ctx context.Context, now time.Time) (next time.Time) { panic("TODO") }

// Explain tells how a target stands, from what was seen in its last round; false: it is not governed.
func (h *Host) Explain(id scaling.ResourceID, now time.Time) (governor.Explanation, bool) {
	panic("TODO")
}
