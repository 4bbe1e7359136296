package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/source"
	"flyball/scaling"
)

// Config is what a Host needs of its surroundings. Capacity, State and Log must be set.
type Config struct {
	Capacity capacity.Capacity
	State    State
	Elector  Elector // nil: there is no other controller
	// Tell is told of each record, one after the other. nil: nobody is.
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

// A Host governs targets. Its methods but Run and Round may be called at any time, from
// several goroutines.
type Host struct {
	cfg   Config
	rests rests // from those that fail
	stats stats

	flights sync.WaitGroup // sources that are being read for alarms, and targets that are governed apart
	keeping sync.Mutex     // held while State does something
	telling sync.Mutex     // held while Tell is told

	mu      sync.Mutex
	changes map[scaling.ResourceID]*Target   // that the next round takes over; nil: is removed
	targets map[scaling.ResourceID]*governed // that are governed; not changed while a round waits
	order   []scaling.ResourceID             // of the targets; nil: not known
	out     map[source.Source]bool           // those that are being read
	answers []*reading                       // that have come, for the next round
	// recalled are those that were governed in the term before, and are not told to be taken again.
	recalled map[scaling.ResourceID]*governed
	wake     *clock.Signal // of the clock that the host runs by
	ahead    *clock.Signal // for forecasts
}

// New returns a host without targets.
func New(cfg Config) *Host {
	cfg.Look = cmp.Or(cfg.Look, time.Minute)
	cfg.Follow = cmp.Or(cfg.Follow, 10*time.Second)
	cfg.Settle = cmp.Or(cfg.Settle, 5*time.Second)
	return &Host{cfg: cfg, stats: newStats(), changes: map[scaling.ResourceID]*Target{}, targets: map[scaling.ResourceID]*governed{}, out: map[source.Source]bool{}, recalled: map[scaling.ResourceID]*governed{}}
}

// Put has a target governed from the next round on, in the place of one of the same resource.
func (h *Host) Put(t Target) {
	t = t.inOrder()
	h.change(t.Resource, &t)
}

// Remove has a target governed no more. What is remembered of it is forgotten.
func (h *Host) Remove(id scaling.ResourceID) { h.change(id, nil) }

func (h *Host) change(id scaling.ResourceID, to *Target) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes[id] = to
	h.wakes()
}

// wakes has the next round come now.
func (h *Host) wakes() {
	if h.wake != nil {
		h.wake.Set()
	}
}

// Targets are the resources that are governed, in order.
func (h *Host) Targets() []scaling.ResourceID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.inOrder())
}

// inOrder are the targets in order, under the lock.
func (h *Host) inOrder() []scaling.ResourceID {
	if h.order == nil {
		h.order = slices.Sorted(maps.Keys(h.targets))
	}
	return h.order
}

// Run makes rounds as their time comes, as long as this controller is elected; then it waits to be
// elected again, which it tries a while after it has lost its place. It returns when ctx ends, or
// when the elector fails.
func (h *Host) Run(ctx context.Context, c *clock.Clock) error {
	h.mu.Lock()
	h.wake, h.ahead = c.Signal(), c.Signal()
	h.mu.Unlock()
	for pause := h.cfg.Follow; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		began := c.Now()
		if err := h.term(ctx, c); err != nil && ctx.Err() == nil {
			return err
		}
		// What has ended the term, such as a full disk, may end the next one as soon: calls of others
		// are not made in vain, one after the other.
		if c.Now().Sub(began) > 2*longestPause {
			pause = h.cfg.Follow
		}
		c.Wait(ctx, c.Now().Add(pause), nil)
	}
	return nil
}

// breath is how long is waited after a round, so that what comes meanwhile comes to one round and not to many.
const breath = 50 * time.Millisecond

// longestPause is how long a host waits at most to be elected again.
const longestPause = time.Minute

// term is the time for which this controller is elected.
func (h *Host) term(ctx context.Context, c *clock.Clock) error {
	leading, resign := ctx, func() {}
	if h.cfg.Elector != nil {
		var err error
		if leading, resign, err = h.cfg.Elector.Elect(ctx); err != nil {
			return err
		}
	}
	defer resign()
	h.recall()
	h.stats.leads.Store(true)
	h.tell(Record{At: c.Now(), Event: Elected, Reason: "this controller acts from now on"})
	var forecasts sync.WaitGroup
	defer forecasts.Wait()
	c.Go(leading, &forecasts, func(ctx context.Context) { h.foretell(ctx, c) })
	for leading.Err() == nil {
		next := h.round(leading, c.Now())
		c.Pause(leading, breath)
		c.Wait(leading, next, h.wake)
	}
	h.flights.Wait()
	h.stats.leads.Store(false)
	why := "this controller does nothing until it is elected again"
	if cause := context.Cause(leading); ctx.Err() == nil && !errors.Is(cause, context.Canceled) {
		why += fmt.Sprintf(": %v", cause)
	}
	h.tell(Record{At: c.Now(), Event: Unelected, Reason: why})
	return nil
}

// recall has what is remembered of all targets read again: another controller may have changed it.
func (h *Host) recall() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, g := range h.targets {
		if _, changes := h.changes[id]; !changes {
			h.changes[id] = &g.target
			h.recalled[id] = g
		}
		delete(h.targets, id)
	}
	h.order, h.answers = nil, nil
}

// Explain tells how a target stands, from what was seen in the last rounds; false: it is not
// governed, or was not looked at yet.
func (h *Host) Explain(id scaling.ResourceID, now time.Time) (governor.Explanation, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.targets[id]
	if g == nil || g.looked.IsZero() {
		return governor.Explanation{}, false
	}
	e := g.governor.Explain(now, governor.Seen{Capacity: g.seen, Alarms: g.see(nil, g.seen)})
	e.Resource, e.Last, e.Kept = id, g.last, "since it is governed here"
	return e, true
}

func (h *Host) tell(records ...Record) {
	h.telling.Lock()
	defer h.telling.Unlock()
	for _, r := range records {
		r.DryRun = h.cfg.DryRun
		h.stats.count(r)
		if h.cfg.Tell != nil {
			h.cfg.Tell(r)
		}
	}
}

// readers are the sources of queries, in an order that does not change within a round.
type readers struct {
	of    map[source.Source]int
	asked []*asked
}

// asked is what one source is asked in a round: each query once, whoever wants it.
type asked struct {
	source  source.Source
	queries []source.Query
	places  map[queryKey]int
	answers []source.Answer
	seats   map[int][]seat // by the place of a query: whose alarms wait for its answer
}

// A queryKey tells queries apart. Those that differ only in how far they look back are one.
type queryKey struct {
	source.Key
	end int64
}

// want is where the answer to a query will be.
func (r *readers) want(s source.Source, q source.Query) (of *asked, place int) {
	i, ok := r.of[s]
	if !ok {
		i = len(r.asked)
		r.of[s] = i
		r.asked = append(r.asked, &asked{source: s, places: map[queryKey]int{}})
	}
	of = r.asked[i]
	key := keyOf(q)
	place, ok = of.places[key]
	if !ok {
		place = len(of.queries)
		of.places[key] = place
		of.queries = append(of.queries, q)
	}
	longest := &of.queries[place]
	longest.Periods = max(longest.Periods, q.Periods)
	return of, place
}
