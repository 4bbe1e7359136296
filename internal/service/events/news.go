package events

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flyball/internal/clock"
	"flyball/internal/delivery"
	"flyball/internal/state"
)

// News are events of services on their way to the default bus. One that a rule wants is a row, which is
// on disk with the change that it tells of, and goes when its deliveries are on disk. So a kill loses none;
// one that was between the two is delivered twice.
//
//	Published -> row in the change -> the change is on disk -> runNews -> deliveries -> row deleted
type news struct {
	rows    *state.Table[newsRow] // by newsKey, so in the order of the changes
	next    uint64                // number of the next row, under the state's lock
	settled atomic.Uint64         // number of the last row that is known to be on disk
	wake    *clock.Signal

	mu       sync.Mutex
	underway map[string]bool // deliveries that were not attempted yet, by the IDs of their invocations
}

// A newsRow is an event that has to be delivered.
type newsRow struct {
	Document json.RawMessage `json:"document"`
	Ingested time.Time       `json:"ingested"`
}

var kindNews = state.Kind{Name: "events.news", Version: 1}

// newsOwner is under whose name deliveries of news are made: one at a time for each target, and no more
// than a lane takes, so that what becomes of a task is told in its order.
const newsOwner = "events.news"

func newsKey(n uint64) string { return fmt.Sprintf("%016x", n) }

// openNews loads the events that an earlier life has left.
func (a *API) openNews() (err error) {
	n := &a.news
	n.wake, n.underway = a.cell.Clock.Signal(), map[string]bool{}
	if n.rows, err = state.NewTable[newsRow](a.cell.State, kindNews); err != nil {
		return err
	}
	n.next = 1
	if keys := n.rows.Keys(""); len(keys) > 0 {
		var last uint64
		if _, err := fmt.Sscanf(keys[len(keys)-1], "%x", &last); err != nil {
			return err
		}
		n.settle(last)
		n.next = last + 1
	}
	a.cfg.Deliveries.Register(newsOwner, delivery.Owner{Done: a.newsAttempted, Most: 1})
	return nil
}

// settle has the loop take rows up to a number.
func (n *news) settle(number uint64) {
	n.settled.Store(number)
	n.tell()
}

// tell wakes the loop.
func (n *news) tell() { n.wake.Set() }

// newsAttempted notes that a delivery was attempted.
func (a *API) newsAttempted(ctx context.Context, r delivery.Report) {
	a.delivered(ctx, r)
	n := &a.news
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.underway, r.Invocation.ID)
	if len(n.underway) == 0 {
		n.tell()
	}
}

// idle tells whether all that was sent was attempted.
func (n *news) idle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.underway) == 0
}

// send brings deliveries on their way.
func (a *API) send(ctx context.Context, all []delivery.Delivery) error {
	n := &a.news
	n.mu.Lock()
	for i := range all {
		all[i].Owner = newsOwner
		n.underway[all[i].Invocation.ID] = true
	}
	n.mu.Unlock()
	err := a.cfg.Deliveries.Deliver(ctx, all...)
	if err != nil {
		n.mu.Lock()
		clear(n.underway)
		n.mu.Unlock()
	}
	return err
}

// Published takes what a service tells, as part of the change that it tells of. It is made only if there
// are rules that might want it.
func (a *API) Published(tx *state.Tx, happened func() (Event, bool)) {
	if !a.listens(defaultBus) {
		return
	}
	h, ok := happened()
	if !ok {
		return
	}
	e, err := a.event(h)
	if err != nil {
		a.cell.Log.Error("an event of a service cannot be read", "source", h.Source, "type", h.DetailType, "error", err)
		return
	}
	if !a.wants(defaultBus, e.parsed) {
		return
	}
	number := a.news.next
	a.news.next++
	a.news.rows.Put(tx, newsKey(number), newsRow{e.document, e.ingested})
	tx.Announce(func() { a.news.settle(number) })
}

// The loop takes rows for mostNews deliveries at a time, and waits for newsPause, in the server's time, when they could
// not be sent.
const (
	mostNews  = 256
	newsPause = time.Second
)

// runNews delivers the events of services until ctx ends.
func (a *API) runNews(ctx context.Context) {
	for ctx.Err() == nil {
		var again time.Time
		if err := a.deliverNews(ctx); err != nil && ctx.Err() == nil {
			a.cell.Log.Error("events of services are not delivered yet", "error", err)
			again = a.cell.Clock.Now().Add(newsPause)
		}
		a.cell.Clock.Wait(ctx, again, a.news.wake)
	}
}

// deliverNews brings the events of the first rows on their way, when those before them were attempted.
func (a *API) deliverNews(ctx context.Context) error {
	for a.news.idle() {
		keys, rows := a.firstNews(ctx)
		if len(keys) == 0 {
			return nil
		}
		var all []delivery.Delivery
		done := 0
		for ; done < len(rows) && len(all) < mostNews; done++ {
			e, err := readEvent(rows[done].Document, rows[done].Ingested)
			if err != nil { // it was read before it was kept
				a.cell.Log.Error("an event of a service cannot be read", "error", err)
				continue
			}
			all = append(all, a.deliveries(defaultBus, e)...)
		}
		if len(all) > 0 {
			if err := a.send(ctx, all); err != nil {
				return err
			}
		}
		a.cell.State.Later(func(tx *state.Tx) {
			for _, key := range keys[:done] {
				a.news.rows.Delete(tx, key)
			}
		})
	}
	return nil
}

// firstNews are the first rows that are on disk.
func (a *API) firstNews(ctx context.Context) (keys []string, rows []newsRow) {
	settled := newsKey(a.news.settled.Load())
	a.cell.State.View(ctx, func() {
		for _, key := range a.news.rows.Keys("") {
			if key > settled || len(keys) == mostNews {
				return
			}
			row, _ := a.news.rows.Get(key)
			keys, rows = append(keys, key), append(rows, row)
		}
	})
	return keys, rows
}
