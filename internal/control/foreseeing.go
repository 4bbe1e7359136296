package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"flyball/governor"
	"flyball/internal/clock"
	"flyball/internal/source"
	"flyball/scaling"
)

const (
	// measured is how long after an hour its last datapoints are there: load balancers publish theirs
	// two minutes late.
	measured = 5 * time.Minute
	// forecastsAtOnce is how many policies read their past together.
	forecastsAtOnce = 50
	// unreadAgain is how long after the past could not be read it is read again.
	unreadAgain = 5 * time.Minute
	// budgetAgain is how long after the budget of calls has run out some of it is there again.
	budgetAgain = time.Minute
)

// A foreseeing is a predictive policy with its newest forecast, and what has been read for the next one.
type foreseeing struct {
	policy string
	*Predictive
	forecast *Forecast // the newest; nil: there is none yet
	lacks    error     // why there is none, or none that is newer
	fresh    bool      // the governor does not know of it yet

	due  time.Time // when the next one is made
	end  time.Time // up to when the past is read for it
	read map[queryKey][]float64
}

// foresee begins to forecast for a policy with what is remembered of it. What was forecast of other metrics, or
// for another target value, is forgotten.
func foresee(p Policy, known PolicyMemory) *foreseeing {
	f := &foreseeing{policy: p.Name, Predictive: p.Predictive}
	if known.Forecast != nil && known.Forecast.Of == p.Predictive.Of {
		f.forecast = known.Forecast
		f.due = f.forecast.Made.Add(governor.RenewedAfter(f.forecast.Step))
	}
	return f
}

// begin begins to read the past for a forecast. What was read of the same past counts: a budget may not be
// enough for all of it at once.
func (f *foreseeing) begin(now time.Time) {
	if end := now.Add(-measured).Truncate(time.Hour); !end.Equal(f.end) {
		f.end, f.read = end, map[queryKey][]float64{}
	}
}

// pasts are the metrics that the policy forecasts from.
func (f *foreseeing) pasts() []Past {
	all := []Past{f.Load, f.Metric}
	if f.Tasks.is() {
		all = append(all, f.Tasks)
	}
	if f.Fine != nil {
		all = append(all, *f.Fine)
	}
	return all
}

// wants are the queries that have not been answered yet, with their sources.
func (f *foreseeing) wants(want func(source.Source, source.Query)) {
	for _, p := range f.pasts() {
		for _, in := range p.Inputs {
			q := p.query(in, f.end, f.How.Hours)
			if f.read[keyOf(q)] == nil {
				want(in.Source, q)
			}
		}
	}
}

// values are those of a metric, of what was read.
func (f *foreseeing) values(p Past) ([]float64, error) {
	inputs := make([][]float64, len(p.Inputs))
	for i, in := range p.Inputs {
		all := f.read[keyOf(p.query(in, f.end, f.How.Hours))]
		inputs[i] = all[len(all)-p.length(f.How.Hours):]
	}
	return p.values(inputs, f.end)
}

// predict forecasts by what was read, with the tasks that run now.
func (f *foreseeing) predict(now time.Time, running scaling.Capacity) (made *Forecast, before *Outcome, err error) {
	load, err := f.values(f.Load)
	if err != nil {
		return nil, nil, err
	}
	metric, err := f.values(f.Metric)
	if err != nil {
		return nil, nil, err
	}
	hours := make([]scaling.Hour, len(load))
	for i := range hours {
		hours[i] = scaling.Hour{Load: load[i], Metric: metric[i]}
	}
	if f.Tasks.is() {
		tasks, err := f.values(f.Tasks)
		if err != nil {
			return nil, nil, err
		}
		for i := range hours {
			hours[i].Tasks = tasks[i]
		}
	}
	assumeTasks(hours, running)
	aim := governor.Aim{Target: f.Target, Calendar: f.How.Calendar, Next: f.end, Step: f.How.Step}
	if f.Fine != nil {
		if aim.Fine, err = f.values(*f.Fine); err != nil {
			return nil, nil, err
		}
	}
	p, err := governor.Predict(hours, aim)
	if err != nil {
		return nil, nil, err
	}
	made = &Forecast{Made: now, Start: f.end, Load: p.Load, Capacity: p.Capacity, Step: aim.Step, Of: f.Of}
	return made, f.forecast.outcome(load, f.end), nil
}

// assumeTasks gives the newest hour the tasks that run now, where nobody counted them in any hour.
func assumeTasks(hours []scaling.Hour, running scaling.Capacity) {
	newest := -1
	for i, h := range hours {
		loaded := h.Load > 0 && h.Metric >= 0
		if loaded && h.Tasks > 0 {
			return
		}
		if loaded {
			newest = i
		}
	}
	if newest >= 0 {
		hours[newest].Tasks = float64(running)
	}
}

// A forecasting is a policy whose forecast is due, with its target.
type forecasting struct {
	*foreseeing
	g       *governed
	running scaling.Capacity
	failed  error
}

// Forecast makes the forecasts that are due at a time, and returns when it is to be called next, unless
// targets are put before. It is for those who do not Run the host, such as tests; beside Round, but not
// to be called concurrently with itself.
func (h *Host) Forecast(ctx context.Context, now time.Time) (next time.Time) {
	due := h.forecastsDue(now)
	h.readPast(ctx, now, due)
	if ctx.Err() != nil {
		return now
	}
	var records []Record
	for _, f := range due {
		records = append(records, h.forecast(now, f)...)
	}
	h.tell(records...)
	h.mu.Lock()
	defer h.mu.Unlock()
	next = now.Add(time.Hour)
	for _, g := range h.targets {
		for _, f := range g.foreseeing {
			if f.due.Before(next) && !g.looked.IsZero() {
				next = f.due
			}
		}
	}
	return next
}

// forecastsDue are the policies whose forecasts are due: those that are waited for longest first, and as
// many as read their past together.
func (h *Host) forecastsDue(now time.Time) []forecasting {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []forecasting
	for _, id := range slices.Sorted(maps.Keys(h.targets)) {
		g := h.targets[id]
		if g.looked.IsZero() || g.missing {
			continue // a target that was looked at for the first time has its forecasts made
		}
		for _, f := range g.foreseeing {
			if !f.due.After(now) {
				due = append(due, forecasting{foreseeing: f, g: g, running: g.real.Running})
			}
		}
	}
	slices.SortStableFunc(due, func(a, b forecasting) int { return a.due.Compare(b.due) })
	due = due[:min(len(due), forecastsAtOnce)]
	for _, f := range due {
		f.begin(now)
	}
	return due
}

// readPast reads what forecasts are made from, of each source at once.
func (h *Host) readPast(ctx context.Context, now time.Time, due []forecasting) {
	wanted := readers{of: map[source.Source]int{}}
	for _, f := range due {
		f.wants(func(s source.Source, q source.Query) { wanted.want(s, q) })
	}
	var all sync.WaitGroup
	for _, a := range wanted.asked {
		if err := h.rests.of(a.source, now); err != nil {
			a.answers = source.Failed(len(a.queries), err)
			continue
		}
		all.Go(func() { a.answers = a.source.Read(ctx, a.queries) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	for _, a := range wanted.asked {
		h.noteSource(a.source, a.answers, now)
	}
	for i := range due {
		f := &due[i]
		f.wants(func(s source.Source, q source.Query) {
			of, at := wanted.want(s, q)
			switch answer := of.answers[at]; {
			case answer.Err == nil:
				f.read[keyOf(q)] = answer.Values
			case f.failed == nil || errors.Is(f.failed, source.ErrBudget):
				f.failed = fmt.Errorf("read the past of %s: %w", q, answer.Err)
			}
		})
	}
}

// forecast makes a forecast of what was read, and has the next round know of it.
func (h *Host) forecast(now time.Time, f forecasting) []Record {
	made, before, err := (*Forecast)(nil), (*Outcome)(nil), f.failed
	if err == nil {
		made, before, err = f.predict(now, f.running)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case errors.Is(err, source.ErrBudget):
		f.due = now.Add(budgetAgain)
		return nil
	case early(err), errors.Is(err, source.ErrQuery):
		f.due = now.Truncate(time.Hour).Add(time.Hour + measured) // the next hour has more data
	case err != nil:
		f.due = now.Add(unreadAgain)
	}
	if err != nil {
		told := f.lacks != nil && early(f.lacks) == early(err)
		f.lacks, f.fresh = err, true
		h.wakes()
		if told {
			return nil
		}
		r := f.g.record(now, NoForecast, fmt.Sprintf("policy %s has no new forecast: %v", f.policy, err))
		r.Forecast = &Foretold{Policy: f.policy, Lacks: err.Error(), Short: early(err)}
		return []Record{r}
	}
	f.forecast, f.lacks, f.fresh = made, nil, true
	f.end, f.read = time.Time{}, nil
	f.due = now.Add(governor.RenewedAfter(made.Step))
	h.wakes()
	r := f.g.record(now, Forecasts, "")
	told, text := made.told(f.policy, f.Rule.Scales, before)
	r.Forecast, r.Reason = &told, text
	return []Record{r}
}

// early reports whether there is too little data, and nothing is wrong.
func early(err error) bool {
	return errors.As(err, new(governor.ShortHistory)) || errors.Is(err, scaling.ErrNoRelation)
}

// takeForecasts has the governor know of what was forecast since the last round.
func (g *governed) takeForecasts(now time.Time) {
	for _, f := range g.foreseeing {
		if !f.fresh {
			continue
		}
		f.fresh = false
		g.governor.Policies = slices.Clone(g.governor.Policies)
		for i, p := range g.governor.Policies {
			if p.Name == f.policy {
				g.governor.Policies[i].Predictive = f.known(p.Predictive.Acted)
			}
		}
		g.next = now
	}
}

// known is what the governor knows of the policy, which has acted for all hours up to one.
func (f *foreseeing) known(acted time.Time) *governor.Predictive {
	to := f.Rule
	to.Acted, to.Plan = acted, f.forecast.plan()
	if f.lacks != nil {
		to.Lacks = f.lacks.Error()
	}
	return &to
}

// keyOf tells queries apart, whatever they look back.
func keyOf(q source.Query) queryKey { return queryKey{q.Key(), q.End.UnixNano()} }

// foreseen is what is to be remembered of a predictive policy.
func (g *governed) foreseen(p governor.Policy) (m PolicyMemory) {
	for _, f := range g.foreseeing {
		if f.policy == p.Name {
			m.Acted, m.Forecast = p.Predictive.Acted, f.forecast
		}
	}
	return m
}

// foretell makes forecasts as their time comes, until ctx ends.
func (h *Host) foretell(ctx context.Context, c *clock.Clock) {
	for ctx.Err() == nil {
		c.Wait(ctx, h.Forecast(ctx, c.Now()), h.ahead)
	}
}
