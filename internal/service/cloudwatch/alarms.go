package cloudwatch

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"flyball/alarm"
	"flyball/internal/cell"
	"flyball/internal/state"
	"flyball/internal/tsdb"
)

// alarms is the part of the service that alarms are. What a client asks of them is
// in the files named after operations; they stand in a registry, are due by a
// schedule, and their actions are carried out by a dispatcher.
//
// The registry, the classes of the schedule and the status of an alarm are guarded
// by the state's lock: they change with a state.Tx, which takes it back when the
// change fails.
type alarms struct {
	cell       *cell.Cell
	db         *tsdb.DB
	detectors  *detectors
	options    optionSet
	registry   registry
	listeners  map[*tsdb.Series]*listener
	schedule   schedule
	evaluator  evaluator
	dispatcher dispatcher
	history    history
}

// The documents of alarms, by alarm name.
var (
	kindAlarm  = state.Kind{Name: "cloudwatch.alarm", Version: 1}                         // a definition
	kindStatus = state.Kind{Name: "cloudwatch.state", Version: 1, Migrate: migrateStatus} // a statusDocument
)

// open loads the alarms.
func (a *alarms) open(cfg Config) error {
	a.cell, a.db = cfg.Cell, cfg.Metrics
	a.registry.init()
	a.listeners = map[*tsdb.Series]*listener{}
	a.schedule.init()
	a.history.full = func() { a.schedule.queue.Set(task{kind: retire}, a.now()) }
	a.dispatcher = dispatcher{clock: a.cell.Clock, router: cfg.Deliver, done: a.executed}
	if err := state.Load(a.cell.State, kindAlarm, func(_ string, d *definition) error {
		e, err := a.entry(d)
		if err == nil {
			a.add(e)
		}
		return err
	}); err != nil {
		return fmt.Errorf("load alarms: %w", err)
	}
	if err := state.Load(a.cell.State, kindStatus, func(name string, d *statusDocument) error {
		if e := a.registry.get(name); e != nil {
			a.registry.enter(e, d.status(e))
			a.schedule.suppressed(e)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("load the states of alarms: %w", err)
	}
	return nil
}

// Run evaluates alarms and carries out their actions, and trains anomaly detectors,
// until ctx ends.
func (a *alarms) Run(ctx context.Context) error {
	clk := a.cell.Clock
	stop := a.dispatcher.start(ctx)
	var loops sync.WaitGroup
	clk.Go(ctx, &loops, func(ctx context.Context) { a.schedule.queue.Run(ctx, clk, chunk, a.do) })
	clk.Go(ctx, &loops, func(ctx context.Context) { a.detectors.models.queue.Run(ctx, clk, 1, a.detectors.learn) })
	clk.Idle(ctx, func() {
		loops.Wait()
		stop()
	})
	return nil
}

// now is the time as alarms and their history show it: in milliseconds.
func (a *alarms) now() time.Time { return a.cell.Clock.Now().Truncate(time.Millisecond) }

const alarmPrefix = "alarm:"

// arn is the ARN of the alarm with this name.
func (a *alarms) arn(name string) string { return a.cell.ARN("cloudwatch", alarmPrefix+name) }

// nameOf is the name in the ARN of an alarm of this cell.
func (a *alarms) nameOf(arn string) (name string, ok bool) {
	resource, ok := a.cell.Parse("cloudwatch", arn)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(resource, alarmPrefix)
}

// resolve resolves what may be a name or an ARN to a name. A foreign ARN stays
// as it is, and is the name of no alarm.
func (a *alarms) resolve(nameOrARN string) string {
	if name, ok := a.nameOf(nameOrARN); ok {
		return name
	}
	return nameOrARN
}

// stateOf is the state of an alarm by name or ARN; one that does not exist
// counts as INSUFFICIENT_DATA.
func (a *alarms) stateOf(nameOrARN string) alarm.State {
	if e := a.registry.get(a.resolve(nameOrARN)); e != nil {
		return e.State
	}
	return alarm.InsufficientData
}

// insert puts an alarm in the place of the one with its name, or makes it known.
func (a *alarms) insert(tx *state.Tx, e *entry) {
	old := a.registry.get(e.name)
	if old != nil {
		a.remove(tx, old)
	}
	a.add(e)
	tx.Undo(func() { a.drop(e) })
}

// remove makes an alarm unknown.
func (a *alarms) remove(tx *state.Tx, e *entry) {
	a.drop(e)
	tx.Undo(func() { a.add(e) })
}

// add has an alarm found, evaluated when its periods close and told of its metrics'
// datapoints. No other has its name.
func (a *alarms) add(e *entry) {
	a.registry.add(e)
	e.deleted = false
	if e.composite != nil {
		a.schedule.suppressed(e)
		return
	}
	a.schedule.add(e, a.now())
	if b := e.metric.band(); b != nil {
		a.detectors.follow(b.lesson)
	}
	for _, series := range e.metric.sources() {
		l := a.listeners[series]
		if l == nil {
			l = &listener{clock: a.cell.Clock, schedule: &a.schedule}
			a.listeners[series] = l
			series.Watch(l)
		}
		l.add(e)
	}
}

// drop is the reverse of add.
func (a *alarms) drop(e *entry) {
	a.registry.remove(e)
	e.deleted = true
	if e.composite != nil {
		return
	}
	a.schedule.remove(e)
	if b := e.metric.band(); b != nil {
		a.detectors.unfollow(b.lesson)
	}
	for _, series := range e.metric.sources() {
		if left := a.listeners[series].remove(e); left == 0 {
			delete(a.listeners, series)
			series.Watch(nil)
		}
	}
}
