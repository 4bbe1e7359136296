package control

import (
	"context"
	"errors"
	"time"

	"flyball/internal/source"
)

// A reading is an alarm that waits for what sources answer about its inputs.
type reading struct {
	g       *governed
	w       *watching
	settled time.Time // for which it reads
	answers []source.Answer
	missing int // answers that have not come yet
}

// A seat is where the answer to a query is wanted.
type seat struct {
	of    *reading
	input int
}

// readAtOnce is how many queries a source that makes a call for each is asked together: alarms go on with the
// first answers while it is asked the others.
const readAtOnce = 500

// ask asks each source for what the alarms that are due watch, and does not wait for the answers. A source that has
// not answered yet is asked nothing more.
func (h *Host) ask(ctx context.Context, now time.Time) {
	settled := now.Add(-h.cfg.Settle)
	wanted := readers{of: map[source.Source]int{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.targets {
		for _, watches := range g.watching {
			for _, w := range watches {
				if !w.due(h.cfg.Settle).After(now) && !h.waits(w) {
					h.want(&wanted, &reading{g: g, w: w, settled: settled, answers: make([]source.Answer, len(w.alarm.Inputs))})
				}
			}
		}
	}
	for _, a := range wanted.asked {
		h.out[a.source] = true
		h.flights.Go(func() { h.read(ctx, now, a) })
	}
}

// waits reports whether an alarm cannot read now: it does already, or a source of it has not answered others yet.
func (h *Host) waits(w *watching) bool {
	if w.reads {
		return true
	}
	for _, in := range w.alarm.Inputs {
		if h.out[in.Source] {
			return true
		}
	}
	return false
}

// want has sources asked for the inputs of an alarm.
func (h *Host) want(from *readers, r *reading) {
	r.w.reads = true
	for i, in := range r.w.alarm.Inputs {
		if in.Running {
			continue // the host knows it
		}
		of, at := from.want(in.Source, r.w.query(in, r.settled))
		if of.seats == nil {
			of.seats = map[int][]seat{}
		}
		of.seats[at] = append(of.seats[at], seat{r, i})
		r.missing++
	}
	if r.missing == 0 {
		h.answers = append(h.answers, r)
	}
}

// read asks a source, and has the rounds go on with what it answers.
func (h *Host) read(ctx context.Context, now time.Time, a *asked) {
	began := time.Now()
	some := len(a.queries)
	if _, each := a.source.(source.Each); each {
		some = min(some, readAtOnce)
	}
	for from := 0; from < len(a.queries); from += some {
		to := min(from+some, len(a.queries))
		answers := source.Failed(to-from, ctx.Err())
		if err := h.rests.of(a.source, now); err != nil {
			answers = source.Failed(to-from, err)
		} else if ctx.Err() == nil {
			answers = a.source.Read(ctx, a.queries[from:to])
			if ctx.Err() == nil {
				h.noteSource(a.source, answers, now)
			}
		}
		h.answer(ctx, a, from, answers)
	}
	h.stats.read.Observe(time.Since(began).Seconds())
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.out, a.source)
	h.wakes()
}

// answer has the next round take over answers, as far as alarms have all theirs. What came of calls that were broken off is
// none.
func (h *Host) answer(ctx context.Context, a *asked, from int, answers []source.Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, one := range answers {
		for _, s := range a.seats[from+i] {
			s.of.answers[s.input] = one
			s.of.missing--
			switch {
			case ctx.Err() != nil:
				s.of.w.reads = false
			case s.of.missing == 0:
				h.answers = append(h.answers, s.of)
			}
		}
	}
	h.wakes()
}

// takeAnswers has alarms take over what sources have answered, under the lock.
func (h *Host) takeAnswers() {
	for _, r := range h.answers {
		w := r.w
		w.reads = false
		for i, in := range w.alarm.Inputs {
			if in.Running {
				r.answers[i].Values = r.g.course.running(w.query(in, r.settled))
			} else if v := r.answers[i].Values; r.answers[i].Err == nil {
				r.answers[i].Values = v[len(v)-w.periods():]
			}
		}
		w.take(r.settled, r.answers)
		if h.cfg.DryRun && r.g.tracking(w) {
			w.shade(r.g.course.share)
		}
		r.g.watched = true
	}
	h.answers = nil
}

// noteSource notes whether a source has failed as a whole.
func (h *Host) noteSource(s source.Source, answers []source.Answer, now time.Time) {
	if h.rests.of(s, now) != nil {
		return
	}
	var why error
	for _, answer := range answers {
		if answer.Err == nil && !throttled(why) {
			h.rests.works(s)
			return
		}
		if answer.Err != nil {
			why = answer.Err
		}
	}
	if why != nil && !errors.Is(why, source.ErrQuery) && !errors.Is(why, source.ErrBudget) {
		h.rests.failed(s, now, why)
	}
}
