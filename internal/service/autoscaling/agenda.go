package autoscaling

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"flyball/internal/store"
	"flyball/scaling"
)

// An agenda holds the scheduled actions that have a next run, the earliest
// first.
type agenda []*action

// Len, Less, Swap, Push and Pop are for package heap.
func (g agenda) Len() int           { return len(g) }
func (g agenda) Less(i, j int) bool { return g[i].next.Before(g[j].next) }

func (g agenda) Swap(i, j int) {
	g[i], g[j] = g[j], g[i]
	g[i].place, g[j].place = i, j
}

func (g *agenda) Push(x any) {
	c := x.(*action)
	c.place = len(*g)
	*g = append(*g, c)
}

func (g *agenda) Pop() any {
	last := len(*g) - 1
	c := (*g)[last]
	(*g)[last] = nil
	*g = (*g)[:last]
	c.place = unplanned
	return c
}

// plan puts an action where its next run belongs, or nowhere if it has none.
func (g *agenda) plan(c *action) {
	next, ok := c.schedule.Next(c.Done)
	c.next = next
	switch {
	case !ok:
		g.drop(c)
	case c.place == unplanned:
		heap.Push(g, c)
	default:
		heap.Fix(g, c.place)
	}
}

// drop takes an action out.
func (g *agenda) drop(c *action) {
	if c.place != unplanned {
		heap.Remove(g, c.place)
	}
}

// take removes the actions whose run has come.
func (g *agenda) take(now time.Time) []*action {
	var due []*action
	for len(*g) > 0 && !(*g)[0].next.After(now) {
		due = append(due, heap.Pop(g).(*action))
	}
	return due
}

// runsAtOnce is how many targets are changed at the same time. Their writes
// share the store's disk syncs.
const runsAtOnce = 16

// runAgenda runs scheduled actions when their time comes, until ctx ends. There
// is one timer for all.
func (a *API) runAgenda(ctx context.Context) {
	for ctx.Err() == nil {
		a.mu.Lock()
		due := a.agenda.take(a.now())
		var next time.Time
		if len(a.agenda) > 0 {
			next = a.agenda[0].next
		}
		a.mu.Unlock()
		if len(due) > 0 {
			a.runDue(ctx, due)
			continue
		}
		a.awaitChange(ctx, a.replanned, next)
	}
}

// awaitChange returns at a time, or earlier if something tells of a change. The
// zero time never comes.
func (a *API) awaitChange(ctx context.Context, changed <-chan struct{}, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(max(a.cfg.Clock.Real(next.Sub(a.now())), time.Microsecond))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-due:
	}
}

// replan tells the loop that the agenda has changed.
func (a *API) replan() {
	select {
	case a.replanned <- struct{}{}:
	default: // it is told already
	}
}

// runDue runs actions that are due: those of one target in order, those of
// different targets side by side.
func (a *API) runDue(ctx context.Context, due []*action) {
	byTarget := map[string][]*action{}
	for _, c := range due {
		byTarget[c.ResourceID] = append(byTarget[c.ResourceID], c)
	}
	var runs sync.WaitGroup
	free := make(chan struct{}, runsAtOnce)
	for resourceID, actions := range byTarget {
		free <- struct{}{}
		runs.Go(func() {
			defer func() { <-free }()
			a.runTarget(ctx, resourceID, actions)
		})
	}
	runs.Wait()
}

// runTarget runs one target's due actions, and plans their next runs.
func (a *API) runTarget(ctx context.Context, resourceID string, due []*action) {
	t := a.lookup(resourceID)
	if t == nil {
		return
	}
	t.work.Lock()
	var err error
	for _, r := range a.runs(t, due) {
		err = errors.Join(err, a.run(ctx, t, r))
	}
	t.work.Unlock()
	if errors.As(err, new(goneError)) {
		err = errors.Join(err, a.ServiceDeleted(ctx, resourceID))
	}
	if err != nil {
		a.cfg.Log.Warn("a scheduled action could not change the capacity", "target", resourceID, "error", err)
	}
}

// A run is a scheduled action with the time that it is to run for.
type run struct {
	*action
	at time.Time
}

// runs are what the due actions of a target have to do, in order. Of the runs
// that an action has missed, while the server was down or because a fast clock
// has passed several, only the last counts: in the order of these last runs the
// bounds become what they would be if none had been missed.
//
// An action that was deleted or rescheduled meanwhile has nothing to do. One
// whose target is suspended is skipped: "When you resume scheduled scaling, only
// actions whose execution time has not yet passed are evaluated."
func (a *API) runs(t *target, due []*action) []run {
	a.mu.Lock()
	defer a.mu.Unlock()
	var runs []run
	for _, c := range due {
		if a.targets[c.ResourceID] != t || t.action(c.Name) != c {
			continue
		}
		at, ok := c.schedule.Last(c.Done, a.now())
		switch {
		case !ok:
			a.agenda.plan(c)
		case t.Suspended.Scheduled:
			a.cfg.Log.Debug("scheduled scaling is suspended", "target", t.ResourceID, "action", c.Name)
			a.cfg.Store.Write(a.done(c, at))
		default:
			runs = append(runs, run{c, at})
		}
	}
	slices.SortFunc(runs, func(x, y run) int {
		return cmp.Or(x.at.Compare(y.at), x.Created.Compare(y.Created), strings.Compare(x.Name, y.Name))
	})
	return runs
}

// done notes that an action has run, and plans its next run.
func (a *API) done(c *action, at time.Time) *store.Batch {
	c.Done = at
	a.agenda.plan(c)
	return c.put(new(store.Batch))
}

// run sets the bounds of a target and brings its capacity inside them. That the
// action has run is written last: one that a kill cuts short runs again. The
// caller holds t.work.
func (a *API) run(ctx context.Context, t *target, r run) error {
	a.setBounds(t, r)
	err := a.bringInside(ctx, t)
	if ctx.Err() != nil {
		return err // so does one that the server's end cuts short
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.action(r.Name) == r.action {
		a.cfg.Store.Write(a.done(r.action, r.at))
	}
	return err
}

// setBounds changes a target's bounds, if the change fits, and records it.
func (a *API) setBounds(t *target, r run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bounds := t.engine().Bounds
	changed, err := r.change().Apply(bounds)
	if err == nil {
		bounds = changed
		t.Min, t.Max = int32(bounds.Min()), int32(bounds.Max())
	}
	activity := scaling.ScheduledActivity(uuid.NewString(), a.now(), r.Name, r.change(), bounds.Min(), err)
	b := t.put(new(store.Batch))
	putActivity(b, t.ResourceID, activity)
	a.cfg.Store.Write(b)
	a.cfg.Log.Info("scheduled action", "target", t.ResourceID, "action", r.Name, "for", r.at, "result", activity.Message)
}
