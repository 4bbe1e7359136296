package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"flyball/internal/generator"
	"flyball/internal/policydoc"
	"flyball/internal/preset"
	"flyball/internal/simulation"
	"flyball/internal/trace"
	"flyball/internal/tune"
	"flyball/sim"
)

// What tune is measured with: a service whose busiest minutes need so many tasks, and what is agreed on.
const (
	tunedTasks     = 60
	tunedAgreement = "p95 < 800ms"
	tunedLength    = 21 * 24 * time.Hour // of traffic that is made up
)

var tunedService = sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Memory: 512, Start: 30 * time.Second}

// families are traffic of many kinds that is made up. Each has noise, as real traffic has.
var families = []struct{ name, of, noise string }{
	{"daily", "daily(low=300/m, high=3000/m)", "noise(5%)"},
	{"weekly", "daily(low=300/m, high=3000/m) + weekly(weekend=0.5x)", "noise(5%)"},
	{"bursts", "daily(low=300/m, high=2000/m) + bursts(every=6h, for=20m, by=2x)", "noise(5%)"},
	{"ramp", "daily(low=300/m, high=2000/m) + ramp(from=1x, to=2x)", "noise(5%)"},
	{"spike", "daily(low=300/m, high=2000/m) + spike(at=9h, for=1h, by=2x, every=1d)", "noise(5%)"},
	{"rough", "daily(low=300/m, high=3000/m)", "noise(25%)"},
}

// A workload is traffic that policies are looked for.
type workload struct {
	name     string
	start    time.Time
	requests []float64 // of each minute
	means    []float64 // the same without noise; nil: not known
}

// tuned measures what flyball tune saves on each of the files of a folder and on traffic that is made up:
// a row a workload, of which all is told of the part that the search did not see.
func tuned(ctx context.Context, dir string, candidates int) error {
	all, err := workloads(dir)
	if err != nil {
		return err
	}
	fmt.Printf("# %d tasks at the busiest, %s, %d candidates; task-hours of the last third, %% kept; * breaks the agreement\n", tunedTasks, tunedAgreement, candidates)
	fmt.Printf("%-26s %15s %15s %22s %22s %15s %15s %9s %7s %7s\n", "workload", "target 70", "target 60", "best target", "best seen after", "tune", "lookahead", "needed", "tune/70", "tune/best")
	for _, w := range all {
		if err := w.tune(ctx, candidates); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

// workloads are those of a folder, and those that are made up.
func workloads(dir string) (all []workload, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.csv*"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		w, err := readWorkload(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, w)
	}
	begin := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, f := range families {
		w := workload{name: f.name, start: begin}
		for of, to := range map[string]*[]float64{f.of: &w.means, f.of + " + " + f.noise: &w.requests} {
			g, err := generator.Parse(of)
			if err != nil {
				return nil, err
			}
			*to = g.Minutes(begin, tunedLength, 7)
		}
		all = append(all, w)
	}
	return all, nil
}

// readWorkload reads a file of requests. Where it does not tell how long a row is, it is a minute.
func readWorkload(name string) (workload, error) {
	t, err := readTrace(name, trace.Options{Assume: trace.Counts})
	if err == nil && t.Step == 0 {
		t, err = readTrace(name, trace.Options{Assume: trace.Counts, Step: time.Minute})
	}
	if err == nil {
		t, err = t.Counted()
	}
	if err == nil {
		t, err = t.At(time.Minute)
	}
	if err != nil {
		return workload{}, err
	}
	start, traffic, err := simulation.Minutes(t.Start, slices.Values(t.Values))
	w := workload{name: strings.TrimSuffix(strings.TrimSuffix(filepath.Base(name), ".gz"), ".csv"), start: start}
	if err == nil {
		for m := range traffic {
			w.requests = append(w.requests, m.Requests)
		}
	}
	return w, err
}

func readTrace(name string, o trace.Options) (trace.Trace, error) {
	in, err := trace.Open(name, nil)
	if err != nil {
		return trace.Trace{}, err
	}
	defer in.Close()
	return trace.Read(in, o)
}

// scaled is the traffic with so many requests that all but one minute of a thousand need tunedTasks at most, at
// four fifths of what they can do.
func (w workload) scaled() []float64 {
	sorted := slices.Sorted(slices.Values(w.requests))
	usual := sorted[len(sorted)*999/1000]
	factor := tunedTasks * 0.8 * 60 * tunedService.VCPU / tunedService.CPU.Seconds() / usual
	out := make([]float64, len(w.requests))
	for i, v := range w.requests {
		out[i] = math.Round(v * factor)
	}
	return out
}

// problem is what tune is asked.
func (w workload) problem(candidates int) (tune.Problem, error) {
	goal, err := tune.ParseGoal(tunedAgreement)
	if err != nil {
		return tune.Problem{}, err
	}
	requests := w.scaled()
	p := tune.Problem{
		Subject: tune.NewSubject("service/bench/web", policydoc.Documents{}), Service: tunedService, Goal: goal,
		Build: func(d policydoc.Documents) (sim.Scenario, error) {
			s, _, err := simulation.New(d, simulation.Setup{Start: w.start, Service: tunedService})
			return s, err
		},
		Start: w.start, Requests: requests, Train: len(requests) * 2 / 3, WarmUp: 60,
		Min: 1, Candidates: candidates, Seed: 1, Workers: runtime.GOMAXPROCS(0),
	}
	p.Max = 2 * p.Peak()
	return p, nil
}

// tune searches, and prints a row.
func (w workload) tune(ctx context.Context, candidates int) error {
	p, err := w.problem(candidates)
	if err != nil {
		return err
	}
	out, err := tune.Search(ctx, p)
	if err != nil {
		return err
	}
	check := func(c tune.Candidate) (tune.Score, error) {
		c.Min, c.Max = max(c.Min, p.Min), max(c.Max, 1)
		return p.Check(ctx, p.Subject.Documents(c))
	}
	at := func(target float64) (tune.Score, error) {
		c := out.Usual.Candidate
		c.Target = target
		return check(c)
	}
	var row []tune.Score
	for _, target := range []float64{tune.Defaults().Target, 60, out.Usual.Candidate.Target} {
		s, err := at(target)
		if err != nil {
			return err
		}
		row = append(row, s)
	}
	// The cheapest target value that keeps the agreement on the part that nobody has seen: who could have known.
	hindsight, after := tune.Score{Hours: math.Inf(1)}, 0.0
	for target := 20.0; target <= 95; target += 2.5 {
		s, err := at(target)
		if err != nil {
			return err
		}
		if s.Kept() >= 100*p.Goal.Share && s.Hours < hindsight.Hours {
			hindsight, after = s, target
		}
	}
	best, err := check(out.Best.Candidate)
	if err != nil {
		return err
	}
	ahead, err := lookAhead(ctx, p)
	if err != nil {
		return err
	}
	needed, err := needed(p)
	if err != nil {
		return err
	}
	cell := func(s tune.Score) string {
		mark := " "
		if s.Kept() < 100*p.Goal.Share {
			mark = "*"
		}
		return fmt.Sprintf("%.0f %5.1f%s", s.Hours, s.Kept(), mark)
	}
	fmt.Printf("%-26s %15s %15s %22s %22s %15s %15s %9.0f %7.3f %7.3f\n", w.name, cell(row[0]), cell(row[1]),
		fmt.Sprintf("%.3g: %s", out.Usual.Candidate.Target, cell(row[2])), fmt.Sprintf("%.3g: %s", after, cell(hindsight)), cell(best), cell(ahead), needed,
		best.Hours/row[0].Hours, best.Hours/row[2].Hours)
	fmt.Fprintf(os.Stderr, "%s: %s\n", w.name, out.Best.Candidate)
	return nil
}

// lookAhead is what Flyball's own controller does on the part that was not seen, at the lowest of its
// quantiles that keeps the agreement on the part before.
func lookAhead(ctx context.Context, p tune.Problem) (tune.Score, error) {
	before := p
	before.Requests, before.Train = p.Requests[:p.Train], p.WarmUp
	var d policydoc.Documents
	for _, quantile := range []float64{0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995} {
		own, err := preset.ParseShort(fmt.Sprintf("flyball:quantile=%v", quantile))
		if err != nil {
			return tune.Score{}, err
		}
		d = policydoc.Documents{Targets: p.Subject.Documents(tune.Candidate{Min: p.Min, Max: p.Max}).Targets, Autoscalers: []preset.Preset{own}}
		s, err := before.Check(ctx, d)
		if err != nil || 1-s.Kept()/100 <= 0.85*(1-p.Goal.Share) {
			if err != nil {
				return s, err
			}
			break
		}
	}
	return p.Check(ctx, d)
}

// needed is how many task-hours a fleet has on the part that was not seen which has in each minute as many
// tasks as that minute needs. No policy can know that before.
func needed(p tune.Problem) (float64, error) {
	s, err := p.Build(p.Subject.Documents(tune.Candidate{Target: 50, OutCooldown: 60, InCooldown: 60, Min: p.Min, Max: p.Max}))
	if err != nil {
		return 0, err
	}
	minute, hours := 0, 0.0
	s.Agreement = p.Goal.Latency()
	s.Observer.Minute = func(r sim.Record) {
		if minute++; minute > p.Train {
			hours += float64(max(r.Needed, 1)) / 60
		}
	}
	_, err = sim.Run(s, func(yield func(sim.Minute) bool) {
		for _, v := range p.Requests {
			if !yield(sim.Minute{Requests: v}) {
				return
			}
		}
	})
	return hours, err
}
