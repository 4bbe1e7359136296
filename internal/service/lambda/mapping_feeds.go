package lambda

import (
	"context"
	"sync"

	"flyball/internal/state"
)

// feeds are the loops that carry out event source mappings, one each.
type feeds struct {
	mu      sync.Mutex
	run     func(id string, changed <-chan struct{}) // nil: they do not run
	changes map[string]chan struct{}                 // hold a token when the mapping was changed
	loops   sync.WaitGroup
}

// changed tells the loop of a mapping that it was changed, or starts it.
func (f *feeds) changed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.run // what the loop starts with: it may be nil by then
	if run == nil {
		return
	}
	change := f.changes[id]
	if change == nil {
		change = make(chan struct{}, 1)
		f.changes[id] = change
		f.loops.Go(func() { run(id, change) })
	}
	select {
	case change <- struct{}{}:
	default: // it is told already
	}
}

// gone forgets the loop of a mapping that is no more.
func (f *feeds) gone(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.changes, id)
}

// start lets loops run.
func (f *feeds) start(run func(id string, changed <-chan struct{})) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.run, f.changes = run, map[string]chan struct{}{}
}

// stop starts no more loops, and waits for those that run.
func (f *feeds) stop() {
	f.mu.Lock()
	f.run = nil
	f.mu.Unlock()
	f.loops.Wait()
}

// runMappings carries out all mappings until ctx ends, and what is under way then.
func (a *API) runMappings(ctx context.Context) {
	a.feeds.start(func(id string, changed <-chan struct{}) { a.follow(ctx, id, changed) })
	defer a.feeds.stop()
	var ids []string
	a.cell.State.View(ctx, func() { ids = append(ids, a.mappings.Keys("")...) })
	for _, id := range ids {
		a.feeds.changed(id)
	}
	<-ctx.Done()
}

// follow carries out a mapping, each time anew when it was changed, until it is deleted
// or ctx ends. What is under way of the mapping as it was is over before it is in the
// state that was asked for.
func (a *API) follow(ctx context.Context, id string, changed <-chan struct{}) {
	defer a.feeds.gone(id)
	for ctx.Err() == nil {
		select {
		case <-changed:
		default:
		}
		m, exists := a.settle(id)
		if !exists {
			return
		}
		until, stop := context.WithCancel(ctx)
		polled := make(chan struct{})
		go func() {
			defer close(polled)
			if m.Enabled {
				a.poll(until, m)
			}
		}()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		stop()
		<-polled
	}
}

// settle has a mapping be in the state that it is on its way to. One that is being
// deleted is no more then.
func (a *API) settle(id string) (m mapping, exists bool) {
	a.cell.State.Later(func(tx *state.Tx) {
		if m, exists = a.mappings.Get(id); !exists || !m.inUse() {
			return
		}
		if exists = m.State != deleting; !exists {
			a.mappings.Delete(tx, id)
			return
		}
		m.State = m.settled()
		a.mappings.Put(tx, id, m)
	})
	return m, exists
}
