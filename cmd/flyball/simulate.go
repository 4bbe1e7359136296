package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/outcome"
	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/internal/trace"
	"flyball/sim"
)

// A simulating is what the flags of flyball simulate say.
type simulating struct {
	conn     connection
	policies []string
	resource string
	traffic  string
	file     reading
	model    serviceModel
	bounds   struct{ min, max, initial int32 }
	delays   string
	agree    string
	prices   string
	arch     string
	warmUp   time.Duration
	seed     uint64
	deploys  []string
	oneByOne bool
	json     bool
	minutes  string
	against  []string
	pictures struct{ html, svg, markdown string }
	failIf   failIf
}

func simulateCommand() *cobra.Command {
	var s simulating
	cmd := &cobra.Command{
		Use:   "simulate --traffic FILE",
		Short: "Run scaling policies against past traffic and a model of the service, in virtual time",
		Long: `Simulate runs the scaling policies of a service through traffic of the past, in virtual time, and
tells how it would have gone: how many requests were answered as agreed, how many tasks it took and
what they cost, and how often and why the capacity was set. What decides is what decides in
flyball serve: target tracking, steps, scheduled actions and predictive scaling, with their alarms
and cooldowns. The same files, flags and seed give the same result.

--policies takes what aws application-autoscaling describe-scaling-policies, describe-scalable-targets
and describe-scheduled-actions print, aws cloudwatch describe-alarms for the alarms of step policies,
and terraform show -json of a plan or a state; it can be given several times. The address of a
running Flyball, or aws, reads them from there. --service names one of several services.

--traffic is what flyball forecast reads, too: CSV with a row for each step of time,
what CloudWatch or Prometheus answer, or an access log; - is the standard input.

The service is a queue in front of its tasks. --cpu-per-request is the processor time of a request and
--wait-per-request what it waits for others; a task has --task-cpu units (1024 are one vCPU) and
--concurrency requests in hand at a time. --workers are tasks that take messages from a queue, where
nothing is given up.

--delays aws lets alarms see things as late as AWS measured that they do: about three minutes, or half
a minute with metrics of 20 seconds.

--html writes one page that needs nothing else: load, needed, desired and running tasks, utilization,
latency and alarms over one time axis, with every decision and its reason; --svg the picture alone,
--markdown a short summary. --against runs other policies through the same traffic, and tells where
the two differ most, and why.

--fail-if ends the command with status 3 if a condition is met. The names that can be compared:
` + simulation.Names().Help(),
		Example: `  flyball simulate --policies http://127.0.0.1:4566 --service shop/web --traffic requests.csv --cpu-per-request 50ms --task-cpu 256
  terraform show -json plan.out > plan.json
  flyball simulate --policies plan.json --traffic requests.csv --cpu-per-request 50ms --agree 'p95 < 300ms'
  flyball simulate --policies plan.json --traffic requests.csv --cpu-per-request 50ms --delays aws --fail-if 'slo < 99.9 or cost > 120'
  flyball simulate --policies new.json --against old.json --traffic requests.csv --cpu-per-request 50ms --html new.html --markdown -
  flyball simulate --traffic requests.csv --cpu-per-request 50ms --task-cpu 256 --min 4 --max 4 --json   # four tasks, always`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	s.flags(cmd)
	return cmd
}

func (s *simulating) flags(cmd *cobra.Command) {
	s.inputs(cmd)
	f := cmd.Flags()
	f.BoolVar(&s.json, "json", false, "print JSON, with all activities")
	f.StringVar(&s.minutes, "minutes", "", "CSV file to write every minute to")
	f.StringArrayVar(&s.against, "against", nil, "other policies for the same traffic, as --policies takes them, to compare with; NAME=FILE names them; can be given several times")
	f.StringVar(&s.pictures.html, "html", "", "file to write a page to, with picture, differences and decisions")
	f.StringVar(&s.pictures.svg, "svg", "", "file to write the picture to")
	f.StringVar(&s.pictures.markdown, "markdown", "", "file to write a short summary to, for a comment on a pull request; - prints it instead of the text")
	s.failIf.flag(cmd, simulation.Names())
	_ = cmd.MarkFlagFilename("against", "json")
	_ = cmd.MarkFlagFilename("minutes", "csv")
	_ = cmd.MarkFlagFilename("html", "html")
	_ = cmd.MarkFlagFilename("svg", "svg")
	_ = cmd.MarkFlagFilename("markdown", "md")
}

// inputs adds the flags that say what is simulated.
func (s *simulating) inputs(cmd *cobra.Command) {
	s.conn.flags(cmd)
	cmd.PreRunE = nil // a server is asked where --policies names one, and only then
	f := cmd.Flags()
	_ = f.MarkHidden("endpoint")
	f.StringArrayVar(&s.policies, "policies", nil, "file with scaling policies and what belongs to them, the address of a server, or aws; can be given several times")
	f.StringVar(&s.resource, "service", "", "CLUSTER/SERVICE that is simulated, where there are several")
	f.StringVar(&s.traffic, "traffic", "", "file of traffic: the requests, or messages, of each step of time")
	s.file.add(cmd)
	s.model.flags(f)
	f.Int32Var(&s.bounds.min, "min", 0, "tasks at the least; the target's own by default")
	f.Int32Var(&s.bounds.max, "max", 0, "tasks at the most; the target's own by default")
	f.Int32Var(&s.bounds.initial, "initial", 0, "tasks at the start; the desired count of the service, or the least")
	choiceVar(cmd, &s.delays, "delays", "how late alarms see things", "flyball", "aws")
	f.StringVar(&s.agree, "agree", "", "how fast requests are to be answered, such as 'p95 < 300ms'; four times what one takes alone by default")
	f.StringVar(&s.prices, "prices", "", "JSON file of prices, in the place of Flyball's own")
	choiceVar(cmd, &s.arch, "architecture", "of the tasks, for their price", "x86_64", "arm64")
	f.DurationVar(&s.warmUp, "warm-up", 0, "time at the beginning that is simulated and not scored")
	f.Uint64Var(&s.seed, "seed", 1, "number that chance begins with: of starts and crashes of tasks")
	f.BoolVar(&s.oneByOne, "one-by-one", false, "simulate each request by chance, in the place of a fluid; for small loads")
	f.StringArrayVar(&s.deploys, "deploy", nil, "time of a deployment, such as 2026-11-26T14:05:00Z; can be given several times")
	for _, name := range []string{"policies", "prices"} {
		_ = cmd.MarkFlagFilename(name, "json")
	}
	_ = cmd.MarkFlagFilename("traffic")
	_ = cmd.MarkFlagRequired("traffic")
}

func (s *simulating) run(cmd *cobra.Command) error {
	if err := s.failIf.check(); err != nil {
		return refusal{err}
	}
	if s.json && s.pictures.markdown == "-" {
		return refuse("--json and --markdown - would both be printed: give --markdown a file")
	}
	all, traffic, err := s.columns(cmd)
	if err != nil {
		return refusal{err}
	}
	minute, finish, err := s.writesMinutes()
	if err != nil {
		return refusal{err}
	}
	for i := range all {
		if i > 0 {
			minute = nil
		}
		if err := all[i].run(traffic, minute, s.json); err != nil {
			return refusal{err}
		}
	}
	if err := finish(); err != nil {
		return err
	}
	shown := outcome.Outcome{Run: all[0].Run}
	for _, c := range all[1:] {
		shown.Against = append(shown.Against, c.Run)
	}
	if err := s.write(cmd.OutOrStdout(), shown); err != nil {
		return err
	}
	_, err = s.failIf.judge(shown.Measured())
	return err
}

// scenario is what documents make, with the flags.
func (s *simulating) scenario(cmd *cobra.Command, documents policydoc.Documents, start time.Time) (scenario sim.Scenario, r simulation.Report, err error) {
	setup := simulation.Setup{Start: start, AWS: s.delays == "aws"}
	if setup.Service, err = s.model.service(cmd.Flags(), documents); err != nil {
		return scenario, r, err
	}
	for _, one := range []struct {
		flag  string
		value *int32
		to    **int32
	}{{"min", &s.bounds.min, &setup.Min}, {"max", &s.bounds.max, &setup.Max}, {"initial", &s.bounds.initial, &setup.Initial}} {
		if cmd.Flags().Changed(one.flag) {
			*one.to = one.value
		}
	}
	if scenario, r.Notes, err = simulation.New(documents, setup); err != nil {
		return scenario, r, err
	}
	scenario.Seed, scenario.WarmUp, scenario.OneByOne = s.seed, s.warmUp, s.oneByOne
	if r.Resource = s.resource; r.Resource == "" {
		r.Resource = "service"
	}
	if err = s.complete(&scenario); err != nil {
		return scenario, r, err
	}
	var note string
	if scenario.Price, note, err = s.price(cmd); note != "" {
		r.Notes = append(r.Notes, note)
	}
	return scenario, r, err
}

// price is that of the tasks. Where it is not known of the environment's region, which nobody
// asked for, a note says so.
func (s *simulating) price(cmd *cobra.Command) (price sim.Price, note string, err error) {
	prices, err := s.readPrices()
	if err != nil {
		return price, "", err
	}
	price, err = prices.Of(s.conn.Region, s.arch)
	if err != nil && !cmd.Flags().Changed("region") {
		return price, err.Error(), nil
	}
	return price, "", err
}

// complete adds what the flags say of the agreement and deployments.
func (s *simulating) complete(scenario *sim.Scenario) (err error) {
	if s.agree != "" {
		if scenario.Agreement, err = simulation.ParseAgreement(s.agree); err != nil {
			return fmt.Errorf("--agree: %w", err)
		}
	}
	for _, text := range s.deploys {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fmt.Errorf("--deploy %q is no time: write one such as 2026-11-26T14:05:00Z", text)
		}
		if at.Before(scenario.Start) {
			return fmt.Errorf("--deploy %s is before the traffic begins, at %s", text, scenario.Start.Format(time.RFC3339))
		}
		scenario.Changes = append(scenario.Changes, sim.Change{At: at, Deploy: true})
	}
	slices.SortStableFunc(scenario.Changes, func(a, b sim.Change) int { return a.At.Compare(b.At) })
	return nil
}

// readPrices reads the prices of tasks.
func (s *simulating) readPrices() (simulation.Prices, error) {
	if s.prices == "" {
		return simulation.ReadPrices(nil)
	}
	text, err := os.ReadFile(s.prices)
	if err != nil {
		return simulation.Prices{}, fmt.Errorf("--prices: %w", err)
	}
	prices, err := simulation.ReadPrices(text)
	if err != nil {
		err = fmt.Errorf("--prices %s: %w", s.prices, err)
	}
	return prices, err
}

// documents reads the policies, and keeps those of the service that is simulated.
func (s *simulating) documents(ctx context.Context, flag string, files []string, stdin io.Reader) (policydoc.Documents, error) {
	var all policydoc.Documents
	for _, name := range files {
		one, err := s.readPolicies(ctx, name, stdin)
		if err != nil {
			return all, fmt.Errorf("--%s %s: %w", flag, name, err)
		}
		all.Add(one)
	}
	resources := all.Resources()
	if s.resource == "" && len(resources) == 1 {
		s.resource = strings.TrimPrefix(resources[0], "service/")
	}
	if s.resource == "" && len(resources) > 1 {
		return all, fmt.Errorf("the policies are of several services: name one of them with --service: %s", names(resources))
	}
	if len(resources) == 0 {
		return all, nil
	}
	id := "service/" + strings.TrimPrefix(s.resource, "service/")
	if !slices.Contains(resources, id) {
		return all, fmt.Errorf("--service %s: the policies are of %s", s.resource, names(resources))
	}
	return all.Of(id), nil
}

// names are resources as --service takes them.
func names(resources []string) string {
	var short []string
	for _, id := range resources {
		short = append(short, strings.TrimPrefix(id, "service/"))
	}
	return strings.Join(short, ", ")
}

// readPolicies reads a file, or asks a server.
func (s *simulating) readPolicies(ctx context.Context, name string, stdin io.Reader) (policydoc.Documents, error) {
	if name == "aws" || strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		s.conn.Endpoint = name
		if err := s.conn.complete(); err != nil {
			return policydoc.Documents{}, err
		}
		c := s.conn.client()
		d, err := policydoc.Fetch(ctx, c.AutoScaling, c.CloudWatch)
		if err != nil {
			err = c.Plain(err)
		}
		return d, err
	}
	in, err := trace.Open(name, stdin)
	if err != nil {
		return policydoc.Documents{}, err
	}
	defer in.Close()
	return policydoc.Read(in)
}

// readTraffic reads the traffic.
func (s *simulating) readTraffic(cmd *cobra.Command) (start time.Time, traffic sim.Traffic, err error) {
	past, err := s.file.traffic(cmd, s.traffic)
	if err != nil {
		return start, nil, fmt.Errorf("--traffic %w", err)
	}
	if past, err = past.At(time.Minute); err == nil {
		start, traffic, err = simulation.Minutes(past.Start, past.Values)
	}
	if err != nil {
		err = fmt.Errorf("--traffic %s: %w", s.traffic, err)
	}
	return start, traffic, err
}
