// Package logs is CloudWatch Logs of one region of an account: log groups, log streams
// and their events, metric filters and what else belongs to them.
//
//	a, err := logs.New(logs.Config{Cell: c, Dir: dir, Metrics: cloudWatch})
//	go a.Run(ctx) // expires events, and publishes the metrics of metric filters
//	defer a.Close()
//
// Groups, streams and filters are rows. Events are in a store of their own, which knows
// groups and streams by numbers that are given out once:
//
//	PutLogEvents ──> checks ──> logstore, on disk ──> metric filters ──> counts
//	each minute: counts ──> Recorder
//
// Package pattern has the filter patterns, and package fault says how it refuses.
package logs

import (
	"context"
	"log/slog"
	"strings"

	"golang.org/x/sync/errgroup"

	"flyball/internal/cell"
	"flyball/internal/logstore"
	"flyball/internal/state"
	"flyball/metric"
)

// Config is what the service needs of its surroundings. Cell and Dir must be set.
type Config struct {
	Cell    *cell.Cell
	Dir     string   // folder of the events
	Metrics Recorder // nil takes none
}

// A Recorder takes datapoints; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// An API serves the operations of CloudWatch Logs in a cell. Its methods may be called
// concurrently.
type API struct {
	cell     *cell.Cell
	log      *slog.Logger
	events   *logstore.Store
	groups   *state.Table[group]        // by name
	streams  *state.Table[stream]       // by group:stream
	filters  *state.Table[metricFilter] // by group:name
	policies *state.Table[resourcePolicy]
	queries  *state.Table[queryDefinition] // by id
	numbers  *state.Table[number]
	metrics  Recorder
	counts   *counts
}

// A number is the last one that was given to a group or a stream.
type number struct{ Last uint32 }

var kindNumber = state.Kind{Name: "logs.number", Version: 1}

// New returns the service with what the cell's state and the folder have of it.
func New(cfg Config) (*API, error) {
	a := &API{cell: cfg.Cell, log: cfg.Cell.Log, metrics: cfg.Metrics}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.counts = &counts{cell: cfg.Cell, log: a.log, sets: map[countKey]*metric.Set{}}
	if err := a.load(); err != nil {
		return nil, err
	}
	var err error
	a.events, err = logstore.Open(cfg.Dir, logstore.Options{Live: a.live(), Disk: cfg.Cell.Disk, Log: a.log})
	return a, err
}

func (a *API) load() (err error) {
	if a.groups, err = state.NewTable[group](a.cell.State, kindGroup); err != nil {
		return err
	}
	if a.streams, err = state.NewTable[stream](a.cell.State, kindStream); err != nil {
		return err
	}
	if a.filters, err = state.NewTable[metricFilter](a.cell.State, kindMetricFilter); err != nil {
		return err
	}
	if a.policies, err = state.NewTable[resourcePolicy](a.cell.State, kindPolicy); err != nil {
		return err
	}
	if a.queries, err = state.NewTable[queryDefinition](a.cell.State, kindQuery); err != nil {
		return err
	}
	a.numbers, err = state.NewTable[number](a.cell.State, kindNumber)
	return err
}

// live tells which numbers the rows have.
func (a *API) live() func(group, stream uint32) bool {
	owner := make(map[uint32]uint32, a.streams.Len())
	for _, key := range a.streams.Keys("") {
		s, _ := a.streams.Get(key)
		name, _, _ := strings.Cut(key, ":")
		g, _ := a.groups.Get(name)
		owner[s.Number] = g.Number
	}
	return func(group, stream uint32) bool { return group != 0 && owner[stream] == group }
}

// newNumber gives out a number.
func (a *API) newNumber(tx *state.Tx) uint32 {
	n, _ := a.numbers.Get("")
	n.Last++
	a.numbers.Put(tx, "", n)
	return n.Last
}

// Run compacts and expires events, and publishes metrics, until ctx ends.
func (a *API) Run(ctx context.Context) error {
	var loops errgroup.Group
	loops.Go(func() error { return a.events.Run(ctx) })
	loops.Go(a.cell.Clock.Counted(ctx, func(ctx context.Context) error { a.counts.run(ctx, a.metrics); return nil }))
	loops.Go(func() error { a.expire(ctx); return nil })
	var err error
	a.cell.Clock.Idle(ctx, func() { err = loops.Wait() })
	return err
}

// Close closes the files of the events. Nobody calls the API any more.
func (a *API) Close() error { return a.events.Close() }

// now is the cell's time in milliseconds since 1970.
func (a *API) now() int64 { return a.cell.Clock.Now().UnixMilli() }
