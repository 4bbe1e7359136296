package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/internal/tune"
	"flyball/sim"
)

// A tuning is what the flags of flyball tune say.
type tuning struct {
	simulationInputs
	json       bool
	candidates int
	train      float64
	terraform  string
	commands   string
	against    []string
}

func tuneCommand() *cobra.Command {
	var t tuning
	cmd := &cobra.Command{
		Use:   "tune --traffic FILE --agree AGREEMENT",
		Short: "Find the scaling policies that keep an agreement at the least cost",
		Long: `Tune looks for the target value, cooldowns, minimum and maximum that keep an agreement at the
least cost, with and without a step policy, a schedule or predictive scaling beside target tracking. It
simulates candidates, as flyball simulate does, on the first part of the traffic (--train), and checks
what it found on the rest, which the search does not see, beside the policies that are given, or AWS's
defaults: a target of 70 % and cooldowns of 300 s. --against names others to compare with, other
autoscalers among them, as flyball simulate takes them.

--generate makes traffic up, as flyball simulate --help tells.

The agreement is of requests, 'p95 < 300ms', or of minutes, 'p95 utilization < 80%' and
'p95 backlog < 10' (messages for each task).

--policies, --traffic and what describes the service are those of flyball simulate. Given policies say
which metric is tracked. --min and --max bound the search. Ctrl-C ends it, and tells the best so far.
The same files, flags and seed give the same result, on any number of processors.`,
		Example: `  flyball tune --traffic requests.csv --cpu-per-request 50ms --agree 'p95 < 300ms'
  flyball tune --policies plan.json --traffic requests.csv --cpu-per-request 50ms --agree 'p99 < 1s' --delays aws --candidates 1000
  flyball tune --traffic requests.csv --cpu-per-request 50ms --agree 'p95 < 800ms' --against hpa:cpu=60 --against flyball:
  flyball tune --traffic requests.csv --cpu-per-request 50ms --agree 'p95 < 300ms' --service shop/web --terraform policy.tf --cli apply.sh`,
		Args: cobra.NoArgs,
		RunE: toTheEnd(func(cmd *cobra.Command, _ []string) error { return t.run(cmd) }),
	}
	t.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&t.candidates, "candidates", 1000, "candidates to try")
	f.Float64Var(&t.train, "train", 2.0/3, "share of the traffic, from its beginning, that the search sees")
	f.StringVar(&t.terraform, "terraform", "", "file to write Terraform resources to, for the best candidate")
	f.StringVar(&t.commands, "cli", "", "file to write the lines of the AWS CLI to that put the best candidate in place")
	f.BoolVar(&t.json, "json", false, "print JSON")
	f.StringArrayVar(&t.against, "against", nil, "other policies, or another autoscaler such as hpa:cpu=60, that what is found is compared with; NAME=FILE names them; can be given several times")
	_ = cmd.MarkFlagFilename("against", "json", "yaml", "yml")
	_ = cmd.MarkFlagFilename("terraform", "tf")
	_ = cmd.MarkFlagFilename("cli", "sh")
	_ = cmd.MarkFlagRequired("agree")
	return cmd
}

func (t *tuning) run(cmd *cobra.Command) error {
	var problem tune.Problem
	var report tune.Report
	err := unlessInterrupted(cmd.Context(), func() (err error) {
		problem, report, err = t.problem(cmd)
		return err
	})
	if err != nil {
		return refusal{err}
	}
	files, err := t.create()
	defer func() {
		for _, file := range files {
			_ = file.finish(errNothingFound) // nothing is left to do for those that were written
		}
	}()
	if err != nil {
		return refusal{err}
	}
	problem.Progress = tuneProgress(cmd.ErrOrStderr(), problem)
	out, err := tune.Search(cmd.Context(), problem)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr())
	// What was found by Ctrl-C is checked all the same: a second one ends the program.
	if err := report.Complete(context.WithoutCancel(cmd.Context()), problem, out); err != nil {
		return err
	}
	for _, file := range files {
		if err := file.write(problem.Subject, out.Best.Candidate); err != nil {
			return err
		}
	}
	if t.json {
		return report.WriteJSON(cmd.OutOrStdout())
	}
	return report.WriteText(cmd.OutOrStdout())
}

// check refuses what no search could be made of.
func (t *tuning) check() error {
	if t.candidates < 1 || t.candidates > 1e6 {
		return fmt.Errorf("--candidates %d: give a number from 1 to 1000000, such as 1000", t.candidates)
	}
	if !(t.train >= 0.1 && t.train <= 0.9) {
		return fmt.Errorf("--train %v: give a share from 0.1 to 0.9, such as 0.67", t.train)
	}
	return nil
}

// problem is what the flags and files make.
func (t *tuning) problem(cmd *cobra.Command) (p tune.Problem, r tune.Report, err error) {
	if err = t.check(); err != nil {
		return p, r, err
	}
	if p.Goal, err = tune.ParseGoal(t.agree); err != nil {
		return p, r, fmt.Errorf("--agree: %w", err)
	}
	t.agree = ""
	documents, err := t.documents(cmd.Context(), "policies", t.policies, cmd.InOrStdin())
	if err != nil {
		return p, r, err
	}
	if p.Against, err = t.rivals(cmd); err != nil {
		return p, r, err
	}
	if err = t.split(cmd, &p); err != nil {
		return p, r, err
	}
	if p.Service, err = t.model.service(cmd.Flags(), documents); err != nil {
		return p, r, err
	}
	r.Notes = append(r.Notes, sized(cmd.Flags(), documents)...)
	p.Candidates, p.Seed, p.Workers = t.candidates, t.seed, runtime.GOMAXPROCS(0)
	if t.resource == "" {
		t.resource = "default/service"
		r.Notes = append(r.Notes, "the target has no name: --service CLUSTER/SERVICE names it in what --cli and --terraform write")
	}
	p.Subject = tune.NewSubject("service/"+t.resource, documents)
	if len(documents.Policies)+len(documents.Autoscalers) > 0 {
		p.Today = &documents
	}
	t.bound(cmd, &p, documents)
	if p.Min < 0 || p.Max < p.Min || p.Max < 1 {
		return p, r, fmt.Errorf("--min %d --max %d: give a minimum of 0 or more, and a maximum that is not below it", p.Min, p.Max)
	}
	price, note, err := t.price(cmd)
	if err != nil {
		return p, r, err
	}
	if note != "" {
		r.Notes = append(r.Notes, note)
	}
	if p.Build, err = t.builder(cmd, p, price); err != nil {
		return p, r, err
	}
	r.Resource = t.resource
	err = settle(&p)
	return p, r, err
}

// split reads the traffic, and divides it into what the search sees and what it is checked on.
func (t *tuning) split(cmd *cobra.Command, p *tune.Problem) error {
	start, traffic, err := t.readTraffic(cmd)
	if err != nil {
		return err
	}
	p.Start = start
	for m := range traffic {
		p.Requests = append(p.Requests, m.Requests)
	}
	if err := t.read.Err(); err != nil {
		return fmt.Errorf("%s: %w", t.past.source(), err)
	}
	if len(p.Requests) < 180 {
		return fmt.Errorf("%s: %d minutes are too few to learn from and to check on; give some days, or three hours at least", t.past.source(), len(p.Requests))
	}
	p.Train = int(math.Round(t.train * float64(len(p.Requests))))
	p.WarmUp = int(t.warmUp / time.Minute)
	if !cmd.Flags().Changed("warm-up") {
		p.WarmUp = min(60, p.Train/10)
	}
	if p.WarmUp >= p.Train {
		return fmt.Errorf("--warm-up %v: nothing is left of the %d minutes that the search sees", t.warmUp, p.Train)
	}
	return nil
}

// bound sets between what minimum and maximum is searched: what the flags say, the maximum of
// the target that there is, or twice what the busiest minute of the training part needs.
func (t *tuning) bound(cmd *cobra.Command, p *tune.Problem, d policydoc.Documents) {
	p.Min, p.Max = 1, 2*p.Peak()
	for _, target := range d.Targets {
		if target.MaxCapacity != nil {
			p.Max = *target.MaxCapacity
		}
	}
	if cmd.Flags().Changed("min") {
		p.Min = t.bounds.min
	}
	if cmd.Flags().Changed("max") {
		p.Max = t.bounds.max
	}
}

// builder makes scenarios of documents.
func (t *tuning) builder(cmd *cobra.Command, p tune.Problem, price sim.Price) (func(policydoc.Documents) (sim.Scenario, error), error) {
	setup := simulation.Setup{Start: p.Start, Service: p.Service, AWS: t.delays == "aws"}
	if cmd.Flags().Changed("initial") {
		setup.Initial = &t.bounds.initial
	}
	rest := sim.Scenario{Start: p.Start}
	if err := t.complete(&rest); err != nil {
		return nil, err
	}
	build := func(d policydoc.Documents) (sim.Scenario, error) {
		s, _, err := simulation.New(d, setup)
		s.Seed, s.Price, s.Changes = t.seed, price, slices.Clone(rest.Changes)
		if err != nil {
			return s, err
		}
		return s, t.ahead.apply(&s, t.past.file.zone.location)
	}
	first, err := build(p.Subject.Documents(tune.Candidate{Target: max(1, tune.Defaults().Target), Min: p.Min, Max: p.Max}))
	if err == nil {
		_, err = sim.Run(first, func(func(sim.Minute) bool) {})
	}
	return build, err
}

// An applied is a file of what puts a candidate in place.
type applied struct {
	wholeFile
	form func(tune.Subject, io.Writer, tune.Candidate) error
}

// create checks that the files can be written before anything is searched for them.
func (t *tuning) create() (files []applied, err error) {
	for _, one := range []struct {
		name string
		form func(tune.Subject, io.Writer, tune.Candidate) error
	}{{t.terraform, tune.Subject.WriteTerraform}, {t.commands, tune.Subject.WriteCommands}} {
		if one.name == "" {
			continue
		}
		file, err := createWhole(one.name)
		if err != nil {
			return files, err
		}
		files = append(files, applied{file, one.form})
	}
	return files, nil
}

// errNothingFound is why a file is left unwritten.
var errNothingFound = errors.New("nothing was found")

// write writes the file.
func (a applied) write(s tune.Subject, c tune.Candidate) error {
	if err := a.finish(a.form(s, a.File, c)); err != nil {
		return fmt.Errorf("write %s: %w", a.target, err)
	}
	return nil
}

// tuneProgress tells how far a search is, and how long it still takes.
func tuneProgress(w io.Writer, p tune.Problem) func(int, *tune.Trial) {
	begun := time.Now()
	return func(done int, best *tune.Trial) {
		left := time.Duration(float64(time.Since(begun)) / float64(done) * float64(p.Candidates-done))
		fmt.Fprintf(w, "\r%d of %d candidates, %v left; best so far $%.2f in 30 days, %.2f %% kept   ",
			done, p.Candidates, left.Round(time.Second), best.Score.Monthly(), best.Score.Kept())
	}
}
