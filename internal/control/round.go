package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"flyball/alarm"
	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/cause"
	"flyball/scaling"
)

const (
	// lookedAtOnce is how many resources are looked at in one call of Capacity.
	lookedAtOnce = 100
	// callsAtOnce is how many calls of Capacity are under way at a time.
	callsAtOnce = 16
)

// Round does all that is due at a time, and returns when something is due next. It is for those who
// do not Run the host, such as tests, and not to be called concurrently.
func (h *Host) Round(ctx context.Context, now time.Time) (next time.Time) {
	h.adopt(ctx, now)
	h.ask(ctx, now)
	h.flights.Wait()
	for more := true; more && ctx.Err() == nil; h.flights.Wait() {
		more = h.proceed(ctx, now)
	}
	return h.next(now)
}

// round is a part of Round: it waits for no source, and governs some of the targets. What else is due, and what
// sources answer, comes to the rounds after it: a target waits neither for the sources of others, nor for
// thousands to be looked at.
func (h *Host) round(ctx context.Context, now time.Time) (next time.Time) {
	h.adopt(ctx, now)
	h.ask(ctx, now)
	if h.proceed(ctx, now) {
		return now
	}
	return h.next(now)
}

// governedAtOnce is how many targets a round governs.
const governedAtOnce = 1000

// proceed takes what sources have answered and governs some of the targets that are due. It reports whether there are
// more.
func (h *Host) proceed(ctx context.Context, now time.Time) (more bool) {
	began := time.Now()
	due := h.watch(now)
	if more = len(due) > governedAtOnce; more {
		// Alarms that call come first, and then those that have waited longest.
		slices.SortStableFunc(due, func(a, b *governed) int {
			return cmp.Or(cmp.Compare(min(1, len(b.callings)), min(1, len(a.callings))), a.tried.Compare(b.tried))
		})
		due = due[:governedAtOnce]
	}
	due = h.part(ctx, now, due)
	for len(due) > 0 && ctx.Err() == nil {
		due = h.govern(ctx, now, due)
	}
	h.stats.round.Observe(time.Since(began).Seconds())
	h.stats.last.Store(&now)
	return more
}

// part has the targets that answer at addresses of their own governed beside the round, an address at a time, so that
// one that does not answer holds up nothing but its own; it returns the others.
func (h *Host) part(ctx context.Context, now time.Time, due []*governed) (together []*governed) {
	apart := map[string][]*governed{}
	h.mu.Lock()
	for _, g := range due {
		if at := address(g.target.Resource); at != "" {
			g.apart = true
			apart[at] = append(apart[at], g)
		} else {
			together = append(together, g)
		}
	}
	h.mu.Unlock()
	for _, some := range apart {
		h.flights.Go(func() {
			for left := some; len(left) > 0 && ctx.Err() == nil; {
				left = h.govern(ctx, now, left)
			}
			h.mu.Lock()
			for _, g := range some {
				g.apart = false
			}
			h.mu.Unlock()
			h.wakes()
		})
	}
	return together
}

// address is where a resource answers that is no part of a service; "" for any other.
func address(id scaling.ResourceID) string {
	if id.Kind() != scaling.Custom {
		return ""
	}
	at, err := url.Parse(string(id))
	if err != nil || at.Host == "" {
		return string(id)
	}
	return at.Host
}

// An endpoint is where resources answer that are no part of a service.
type endpoint string

// placeOf is what rests when a resource is asked for too often: its endpoint, or the service that has all of its kind.
func placeOf(id scaling.ResourceID) any {
	if at := address(id); at != "" {
		return endpoint(at)
	}
	return id.Kind()
}

// adopt takes over the targets that were put or removed, but for those that are being governed: a later round does.
func (h *Host) adopt(ctx context.Context, now time.Time) {
	h.mu.Lock()
	changes := h.changes
	h.changes = map[scaling.ResourceID]*Target{}
	var unknown []scaling.ResourceID
	for id, to := range changes {
		g := h.targets[id]
		if g != nil && g.apart {
			h.changes[id] = to
			delete(changes, id)
		} else if to != nil && g == nil {
			unknown = append(unknown, id)
		}
	}
	h.mu.Unlock()
	var remembered map[scaling.ResourceID]*Memory
	var failed map[scaling.ResourceID]error
	if len(unknown) > 0 {
		h.keeping.Lock()
		remembered, failed = h.cfg.State.Load(ctx, unknown)
		h.keeping.Unlock()
	}
	for _, id := range slices.Sorted(maps.Keys(changes)) {
		if to := changes[id]; to == nil {
			h.leave(ctx, now, id)
		} else if err := failed[id]; err == nil {
			h.take(now, *to, remembered[id])
		} else {
			h.cfg.Log.Error("a target cannot be governed", "target", id, "error", err)
			h.tell(Record{At: now, Event: Refused, Target: id, From: to.From, Reason: fmt.Sprintf("what is remembered of it cannot be read, so it is left alone: %v", err)})
			h.mu.Lock()
			delete(h.recalled, id) // that it is taken after all is told
			if _, newer := h.changes[id]; !newer {
				h.changes[id] = to // the next round tries again
			}
			h.mu.Unlock()
		}
	}
}

// take begins to govern a target with what is remembered of it, or governs it by what it is now.
func (h *Host) take(now time.Time, t Target, remembered *Memory) {
	h.mu.Lock() // forecasts are made meanwhile
	old := h.targets[t.Resource]
	if old != nil {
		remembered = old.memory()
	} else if remembered != nil && (remembered.Shadow != nil) != h.cfg.DryRun {
		remembered = nil // what a dry run has decided was never done, and the other way round
	}
	g := govern(t, remembered, now)
	recalled := h.recalled[t.Resource]
	delete(h.recalled, t.Resource)
	switch {
	case old != nil:
		g.inherit(old)
	case recalled != nil:
		g.inheritStanding(recalled)
	}
	h.targets[t.Resource], h.order = g, nil
	if !g.looked.IsZero() && len(g.foreseeing) > 0 && h.ahead != nil {
		h.ahead.Set() // a policy may be new
	}
	h.mu.Unlock()
	if recalled != nil && recalled.told() == g.told() {
		return
	}
	h.tell(Record{At: now, Event: Taken, Target: t.Resource, From: t.From, Reason: g.told()})
}

// told says by what a target is governed.
func (g *governed) told() string {
	var names []string
	for _, p := range g.target.Policies {
		names = append(names, "policy "+p.Name)
	}
	for _, s := range g.target.Schedules {
		names = append(names, "scheduled action "+s.Name)
	}
	if len(names) == 0 {
		names = []string{"nothing but its bounds"}
	}
	b := g.governor.Bounds
	return fmt.Sprintf("it is scaled from %d to %d by %s", b.Min(), b.Max(), strings.Join(names, ", "))
}

// leave governs a target no more.
func (h *Host) leave(ctx context.Context, now time.Time, id scaling.ResourceID) {
	h.mu.Lock()
	g := h.targets[id]
	delete(h.targets, id)
	delete(h.recalled, id)
	h.order = nil
	h.mu.Unlock()
	h.keeping.Lock()
	err := h.cfg.State.Forget(ctx, id)
	h.keeping.Unlock()
	if err != nil {
		h.cfg.Log.Error("what is remembered of a target could not be forgotten", "target", id, "error", err)
	}
	if g == nil {
		return
	}
	for _, a := range g.governor.Leave(now, errors.New("nothing describes the target any more")) {
		h.tell(Record{At: now, Event: Followed, Target: id, From: g.target.From, Activity: &a})
	}
	h.tell(Record{At: now, Event: Left, Target: id, From: g.target.From, Reason: "nothing describes it any more; its capacity stays as it is"})
}

// watch has the alarms look at what was read, and returns the targets that are to be looked at,
// in order.
func (h *Host) watch(now time.Time) []*governed {
	paused := ""
	if h.cfg.Paused != nil {
		paused = h.cfg.Paused()
	}
	var due []*governed
	var records []Record
	h.mu.Lock()
	h.takeAnswers()
	for _, id := range h.inOrder() {
		g := h.targets[id]
		if g.apart {
			continue
		}
		g.takeForecasts(now)
		if g.watched {
			records = append(records, g.stepAlarms(now)...)
			g.watched = false
		}
		if g.due(now, h.cfg) {
			due = append(due, g)
		}
		g.halted = cmp.Or(paused, g.target.Paused)
	}
	h.mu.Unlock()
	h.tell(records...)
	return due
}

// stepAlarms has the alarms that have read look, and notes those that call.
func (g *governed) stepAlarms(now time.Time) (records []Record) {
	var blind error
	for i, watches := range g.watching {
		for _, w := range watches {
			if w.blind != nil {
				blind = w.blind
				continue
			}
			if w.stepped.Equal(w.looked) {
				continue
			}
			w.stepped = w.looked
			g.callings = slices.DeleteFunc(g.callings, func(c calling) bool { return c.watching == w })
			if w.step(now) {
				g.callings = append(g.callings, calling{i, w})
			} else if w.watch.State != alarm.Alarm {
				delete(g.stale, w.alarm.Name)
			}
		}
	}
	switch {
	case blind != nil && g.blind == nil:
		records = append(records, g.record(now, Blind, fmt.Sprintf("its alarms stay as they are until it can be read: %v", cause.Of(blind))))
	case blind == nil && g.blind != nil:
		records = append(records, g.record(now, Sighted, "all its metrics can be read again"))
	}
	g.blind = blind
	return records
}

// record is one about the target.
func (g *governed) record(now time.Time, e Event, reason string) Record {
	return Record{At: now, Event: e, Target: g.target.Resource, From: g.target.From, Reason: reason}
}

// due reports whether the target is to be looked at.
func (g *governed) due(now time.Time, cfg Config) bool {
	return len(g.callings) > 0 || !g.at(cfg).After(now)
}

// at is when the target is to be looked at whatever its alarms say.
func (g *governed) at(cfg Config) time.Time {
	if g.looked.IsZero() && g.tried.IsZero() {
		return time.Time{}
	}
	at := g.tried.Add(cfg.Look)
	if g.reads() {
		at = at.Add(cfg.Follow) // what it reads may have it looked at in any case
	}
	if !g.next.IsZero() && g.next.Before(at) {
		at = g.next
	}
	if follow := g.tried.Add(cfg.Follow); g.governor.Activity != nil && follow.Before(at) {
		at = follow
	}
	if retry := g.tried.Add(cfg.Follow); at.Before(retry) && (g.unseen != nil || g.unkept != nil || g.halted != "") {
		at = retry // what cannot be done now is not tried without end
	}
	return at
}

// next is when something is due.
func (h *Host) next(now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := now.Add(h.cfg.Look)
	for _, g := range h.targets {
		if at := g.at(h.cfg); !g.apart && at.Before(next) {
			next = at
		}
		for _, watches := range g.watching {
			for _, w := range watches {
				if at := w.due(h.cfg.Settle); at.Before(next) && !h.waits(w) {
					next = at
				}
			}
		}
	}
	return next
}

// govern looks at targets and has each make a step; it returns those that have another to make.
func (h *Host) govern(ctx context.Context, now time.Time, due []*governed) (again []*governed) {
	looks := h.look(ctx, now, due)
	if ctx.Err() != nil {
		return nil
	}
	var steps []*stepping
	var records []Record
	h.mu.Lock()
	for i, g := range due {
		if first := g.looked.IsZero(); first && len(g.foreseeing) > 0 && h.ahead != nil {
			defer h.ahead.Set()
		}
		records = append(records, g.noteLook(now, looks[i])...)
		if looks[i].err != nil || looks[i].seen.Gone || g.paused != "" {
			g.callings = nil
			continue
		}
		s := g.step(now, h.cfg)
		records = append(records, s.before...)
		steps = append(steps, s)
	}
	h.mu.Unlock()
	h.tell(records...)
	steps = h.keep(ctx, now, steps)
	h.set(ctx, now, steps)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range steps {
		if g := s.g; len(g.callings) > 0 || !g.next.IsZero() && !g.next.After(now) {
			again = append(again, g)
		}
	}
	return again
}

// A looked is what was seen of a resource.
type looked struct {
	seen governor.Capacity
	hold string // why somebody wants nothing done, as the resource is marked
	err  error
}

// look looks at the resources of targets. One that cannot be looked at is no reason not to see the
// others.
func (h *Host) look(ctx context.Context, now time.Time, due []*governed) []looked {
	looks := make([]looked, len(due))
	places := map[any][]int{}
	for i, g := range due {
		place := placeOf(g.target.Resource)
		if err := h.rests.of(place, now); err != nil {
			looks[i] = looked{err: err}
			continue
		}
		if err := h.rests.of(g.target.Resource, now); err != nil {
			looks[i] = looked{err: err}
			continue
		}
		places[place] = append(places[place], i)
	}
	var all errgroup.Group
	all.SetLimit(callsAtOnce)
	for _, of := range places {
		for some := range slices.Chunk(of, lookedAtOnce) {
			all.Go(func() error {
				h.lookAt(ctx, due, some, looks)
				return nil
			})
		}
	}
	_ = all.Wait()
	if ctx.Err() != nil {
		return looks
	}
	for place, of := range places {
		var slow error
		for _, i := range of {
			switch err := looks[i].err; {
			case err == nil:
				h.rests.works(due[i].target.Resource)
			case throttled(err):
				slow = err
			default:
				h.rests.failed(due[i].target.Resource, now, err)
			}
		}
		if slow != nil {
			h.rests.failed(place, now, slow)
		} else {
			h.rests.works(place)
		}
	}
	return looks
}

// patience is how many resources are looked at one by one, after a call for several has failed, until
// it is taken for granted that the others fail, too.
const patience = 3

// lookAt looks at some resources: together, and if that fails, one by one.
func (h *Host) lookAt(ctx context.Context, due []*governed, some []int, looks []looked) {
	ids := make([]scaling.ResourceID, len(some))
	for i, place := range some {
		ids[i] = due[place].target.Resource
	}
	seen, marks, err := capacity.LookMarked(ctx, h.cfg.Capacity, ids)
	var each capacity.Failures
	apart := errors.As(err, &each) && len(each) == len(some)
	failures := 0
	for i, place := range some {
		switch {
		case err == nil || apart && each[i] == nil:
			looks[place].seen, looks[place].hold = seen[i], marks[i]
		case apart:
			looks[place].err = each[i]
		case len(some) == 1 || throttled(err) || ctx.Err() != nil || failures == patience:
			looks[place].err = err
		default:
			h.lookAt(ctx, due, some[i:i+1], looks)
			if failures++; looks[place].err == nil {
				failures = 0
			}
		}
	}
}

// noteLook takes over what was seen.
func (g *governed) noteLook(now time.Time, l looked) (records []Record) {
	g.tried = now
	switch {
	case l.err != nil && g.unseen == nil:
		records = append(records, g.record(now, Unseen, fmt.Sprintf("its capacity cannot be looked at, so it stays as it is: %v", cause.Of(l.err))))
	case l.err == nil && l.seen.Gone && !g.missing:
		records = append(records, g.record(now, Missing, "there is no such resource: create it, or take its target and policies away"))
	case l.err == nil && !l.seen.Gone && (g.unseen != nil || g.missing):
		records = append(records, g.record(now, Found, "it can be looked at again"))
	}
	g.unseen = l.err
	if l.err != nil {
		return records
	}
	g.looked, g.missing = now, l.seen.Gone
	g.real = l.seen
	g.seen = l.seen
	switch why := cmp.Or(g.halted, l.hold); {
	case why != "" && why != g.paused:
		records = append(records, g.record(now, Paused, why))
		g.paused = why
	case why == "" && g.paused != "":
		records = append(records, g.record(now, Resumed, "it is scaled again"))
		g.paused = ""
	}
	return records
}

// A stepping is a step that a target makes.
type stepping struct {
	g      *governed
	old    governor.Governor // comes back if the step cannot be kept
	last   *scaling.Activity // likewise
	out    governor.Outcome
	before []Record // that nothing has to be kept for
	memory *Memory  // nil: nothing has changed
	text   string
	err    error // of setting the capacity

	records []Record // that are told when memory is kept
}

// step makes the target's next step.
func (g *governed) step(now time.Time, cfg Config) *stepping {
	s := &stepping{g: g, old: g.governor}
	if cfg.DryRun {
		s.before = append(s.before, g.cast(now)...)
	} else {
		g.course.notes(moment{now, g.real.Running, g.real.Running, g.real.Desired})
	}
	seen := governor.Seen{Capacity: g.seen, NewID: uuid.NewString}
	var call *calling
	if len(g.callings) > 0 {
		call, g.callings = &g.callings[0], g.callings[1:]
		seen.Call = &governor.Call{Policy: g.governor.Policies[call.policy].Name, Alarm: call.alarm.Name, Since: call.watch.Since.Time()}
	}
	if governor.Needs(seen.Capacity, seen.Call, g.tracks()) {
		seen.Alarms = g.see(call, seen.Capacity)
	}
	next, out := g.governor.Step(now, seen)
	if w := g.unfit(out); w != nil {
		if !g.stale[w.alarm.Name] {
			g.stale[w.alarm.Name] = true
			r := g.record(now, Held, fmt.Sprintf("alarm %s asks for less, but its newest datapoints are missing: nothing is taken away until they come", w.alarm.Name))
			r.Decision, r.Seen = out.Decision, &g.seen
			s.before = append(s.before, r)
		}
		seen.Call, seen.Alarms = nil, nil
		next, out = g.governor.Step(now, seen)
	}
	g.governor, s.out, s.last = next, out, g.last
	g.recall(out.Records)
	s.memory, s.text = g.changed()
	if s.memory == nil && g.unkept != nil {
		s.memory = g.memory() // that it can be kept again is found out by keeping it
	}
	return s
}

// unfit is the alarm for which capacity would be taken away without enough datapoints; nil: none is.
func (g *governed) unfit(out governor.Outcome) *watching {
	d := out.Decision
	if d == nil || d.Direction != scaling.In {
		return nil
	}
	if w := g.alarm(d.Alarm); w != nil && !w.fresh() {
		return w
	}
	return nil
}

// keep keeps what steps have made of targets, and tells of it. It returns the steps that stand.
func (h *Host) keep(ctx context.Context, now time.Time, steps []*stepping) []*stepping {
	for _, s := range steps {
		s.records = s.g.records(now, Decided, s.out)
	}
	failed := h.save(ctx, steps)
	var kept []*stepping
	var records []Record
	h.mu.Lock()
	for _, s := range steps {
		if err := failed[s.g.target.Resource]; err != nil {
			s.g.governor, s.g.last, s.g.callings = s.old, s.last, nil
			if s.g.unkept == nil {
				records = append(records, s.g.record(now, Unkept, fmt.Sprintf("what is decided cannot be kept, so nothing is set until it can: %v", err)))
			}
			s.g.unkept = err
			continue
		}
		if s.memory != nil && s.g.unkept != nil {
			records = append(records, s.g.record(now, Kept, "what is decided can be kept again"))
			s.g.unkept = nil
		}
		kept = append(kept, s)
		records = append(records, s.records...)
		if s.out.Set == nil {
			s.g.next = s.g.governor.Next(now)
		}
	}
	h.mu.Unlock()
	h.tell(records...)
	return kept
}

// save keeps the memories of steps.
func (h *Host) save(ctx context.Context, steps []*stepping) map[scaling.ResourceID]error {
	changed := map[scaling.ResourceID]Change{}
	for _, s := range steps {
		if s.memory != nil {
			changed[s.g.target.Resource] = Change{s.memory, s.records}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	h.keeping.Lock()
	failed := h.cfg.State.Save(ctx, changed)
	h.keeping.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range steps {
		if id := s.g.target.Resource; s.memory != nil && failed[id] == nil {
			s.g.saved = s.text
		} else if s.memory != nil {
			h.cfg.Log.Error("what has become of a target could not be kept", "target", id, "error", failed[id])
		}
	}
	return failed
}

// records are those of an outcome.
func (g *governed) records(now time.Time, first Event, out governor.Outcome) (records []Record) {
	for _, a := range out.Records {
		r := g.record(now, first, "")
		if a.Status.Ended() && len(a.NotScaled) == 0 && out.Set == nil {
			r.Event = Followed
		}
		r.Activity, r.Seen = &a, &g.seen
		if first == Decided && len(a.NotScaled) > 0 || a.Status == scaling.Pending {
			r.Decision = out.Decision
		}
		if g.shadow.cast {
			r.Shadow = &g.shadow.capacity
		}
		records = append(records, r)
	}
	return records
}

// set sets the capacities that steps ask for, and keeps what has come of it.
func (h *Host) set(ctx context.Context, now time.Time, steps []*stepping) {
	steps = slices.DeleteFunc(slices.Clone(steps), func(s *stepping) bool { return s.out.Set == nil })
	if len(steps) == 0 {
		return
	}
	var all errgroup.Group
	all.SetLimit(callsAtOnce)
	for _, s := range steps {
		all.Go(func() error {
			if !h.cfg.DryRun {
				s.err = h.cfg.Capacity.Set(ctx, s.g.target.Resource, s.out.Set.To)
			}
			return nil
		})
	}
	_ = all.Wait()
	if ctx.Err() != nil {
		return // whoever acts next sees what has come of it
	}
	var records []Record
	h.mu.Lock()
	for _, s := range steps {
		g := s.g
		if s.err == nil && h.cfg.DryRun {
			g.shadow.capacity = s.out.Set.To
			g.seen.Desired, g.seen.Running = s.out.Set.To, s.out.Set.To
			records = append(records, g.compare(now)...)
		}
		if throttled(s.err) {
			h.rests.failed(placeOf(g.target.Resource), now, s.err)
		}
		next, out := g.governor.Done(now, s.err)
		g.governor = next
		g.recall(out.Records)
		s.records = g.records(now, Followed, out)
		records = append(records, s.records...)
		g.next = g.governor.Next(now)
		s.memory, s.text = g.changed()
	}
	h.mu.Unlock()
	h.tell(records...)
	h.save(ctx, steps)
}
