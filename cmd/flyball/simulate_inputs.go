package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/hindsight"
	"flyball/internal/policydoc"
	"flyball/internal/preset"
	"flyball/internal/simulation"
	"flyball/internal/trace"
	"flyball/sim"
)

// The simulationInputs are the flags that say what is simulated: policies, traffic, a model of
// the service and how time passes. flyball tune has them, too.
type simulationInputs struct {
	conn     connection
	policies []string
	given    map[string]string // parameters of templates
	resource string
	past     pastTraffic
	read     trace.Series // of it
	model    serviceModel
	ahead    foresight
	bounds   struct{ min, max, initial int32 }
	delays   string
	agree    string
	prices   string
	arch     string
	warmUp   time.Duration
	seed     uint64
	deploys  []string
	oneByOne bool
}

// flags adds the flags that say what is simulated.
func (s *simulationInputs) flags(cmd *cobra.Command) {
	s.conn.flags(cmd)
	cmd.PreRunE = nil // a server is asked where --policies names one, and only then
	f := cmd.Flags()
	_ = f.MarkHidden("endpoint")
	f.StringArrayVar(&s.policies, "policies", nil, "file, or folder of files, with scaling policies and what belongs to them, the address of a server, aws, or another autoscaler such as hpa:cpu=60; can be given several times")
	f.StringToStringVar(&s.given, "parameter", nil, "value of a CloudFormation template's parameter, NAME=VALUE, or of what it imports; can be given several times")
	f.StringVar(&s.resource, "service", "", "CLUSTER/SERVICE that is simulated, where there are several")
	f.Uint64Var(&s.seed, "seed", 1, "number that chance begins with: of starts and crashes of tasks, and of --generate")
	s.past.flags(cmd, "--service")
	s.model.flags(f)
	s.ahead.flags(cmd)
	f.Int32Var(&s.bounds.min, "min", 0, "tasks at the least; the target's own by default")
	f.Int32Var(&s.bounds.max, "max", 0, "tasks at the most; the target's own by default")
	f.Int32Var(&s.bounds.initial, "initial", 0, "tasks at the start; the desired count of the service, or the least")
	choiceVar(cmd, &s.delays, "delays", "how late alarms see things", "flyball", "aws")
	f.StringVar(&s.agree, "agree", "", "how fast requests are to be answered, such as 'p95 < 300ms'; four times what one takes alone by default")
	f.StringVar(&s.prices, "prices", "", "JSON file of prices, in the place of Flyball's own")
	choiceVar(cmd, &s.arch, "architecture", "of the tasks, for their price", "x86_64", "arm64")
	f.DurationVar(&s.warmUp, "warm-up", 0, "time at the beginning that is simulated and not scored")
	f.BoolVar(&s.oneByOne, "one-by-one", false, "simulate each request by chance, in the place of a fluid; for small loads")
	f.StringArrayVar(&s.deploys, "deploy", nil, "time of a deployment, such as 2026-11-26T14:05:00Z; can be given several times")
	_ = cmd.MarkFlagFilename("policies", "json", "yaml", "yml")
	_ = cmd.MarkFlagFilename("prices", "json")
	cmd.MarkFlagsOneRequired("traffic", "generate", "traffic-from")
}

// scenario is what documents make, with the flags.
func (s *simulationInputs) scenario(cmd *cobra.Command, documents policydoc.Documents, start time.Time) (scenario sim.Scenario, r simulation.Report, err error) {
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
	r.Notes = append(r.Notes, sized(cmd.Flags(), documents)...)
	scenario.Seed, scenario.WarmUp, scenario.OneByOne = s.seed, s.warmUp, s.oneByOne
	if r.Resource = s.resource; r.Resource == "" {
		r.Resource = "service"
	}
	if err = s.complete(&scenario); err != nil {
		return scenario, r, err
	}
	if err = s.ahead.apply(&scenario, s.past.file.zone.location); err != nil {
		return scenario, r, err
	}
	for _, p := range documents.Autoscalers {
		p.Apply(&scenario)
		if s.resource == "" {
			r.Resource = cmp.Or(p.Name, r.Resource)
		}
		if scenario.Bounds.Min() == 0 && !scenario.Service.Workers && !scenario.Service.Buffered {
			r.Notes = append(r.Notes, "requests that find no task are refused, and leave no trace that would bring one back: --workers has tasks take messages from a queue, --min 1 keeps a task")
		}
	}
	var note string
	if scenario.Price, note, err = s.price(cmd); note != "" {
		r.Notes = append(r.Notes, note)
	}
	return scenario, r, err
}

// price is that of the tasks. Where it is not known of the environment's region, which nobody
// asked for, a note says so.
func (s *simulationInputs) price(cmd *cobra.Command) (price sim.Price, note string, err error) {
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
func (s *simulationInputs) complete(scenario *sim.Scenario) (err error) {
	if s.agree != "" {
		if scenario.Agreement, err = simulation.ParseAgreement(s.agree); err != nil {
			return fmt.Errorf("--agree: %w", err)
		}
	}
	for _, text := range s.deploys {
		at, err := hindsight.ParseTime(text)
		if err != nil {
			return fmt.Errorf("--deploy %w", err)
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
func (s *simulationInputs) readPrices() (simulation.Prices, error) {
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
func (s *simulationInputs) documents(ctx context.Context, flag string, files []string, stdin io.Reader) (policydoc.Documents, error) {
	var all policydoc.Documents
	for _, name := range inFolders(files) {
		one, err := s.readPolicies(ctx, flag, name, stdin)
		if err != nil {
			if here := fmt.Sprintf("--%s %s: ", flag, name); !strings.HasPrefix(err.Error(), here) {
				err = fmt.Errorf("%s%w", here, err)
			}
			return all, err
		}
		all.Add(one)
	}
	for name := range s.given {
		if !slices.Contains(all.Parameters, name) {
			return all, fmt.Errorf("--parameter %s: no template has a parameter of that name; %s", name, parametersOf(all))
		}
	}
	all, err := all.Choose(path.Base(s.resource))
	if err != nil {
		return all, fmt.Errorf("--%s: %w", flag, err)
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
		return all, fmt.Errorf("--service %s: the policies are of %s; name one of them, or leave --service out", s.resource, names(resources))
	}
	return all.Of(id), nil
}

// inFolders are the names of files, with those in folders in the place of the folders.
func inFolders(names []string) (files []string) {
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if some, err := policydoc.Files(name); err == nil {
				files = append(files, some...)
				continue
			}
		}
		files = append(files, name)
	}
	return files
}

// parametersOf tells which parameters documents have.
func parametersOf(d policydoc.Documents) string {
	if len(d.Parameters) == 0 {
		return "the policies are of no template with parameters"
	}
	return "there are " + strings.Join(d.Parameters, ", ")
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
func (s *simulationInputs) readPolicies(ctx context.Context, flag, name string, stdin io.Reader) (policydoc.Documents, error) {
	if preset.IsShort(name) {
		p, err := preset.ParseShort(name)
		return policydoc.Documents{Autoscalers: []preset.Preset{p}}, err
	}
	if name == "aws" || strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		s.conn.Endpoint, s.conn.Flag = name, "--"+flag
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
	if word, _, colon := strings.Cut(name, ":"); colon && len(word) > 1 && errors.Is(err, fs.ErrNotExist) {
		_, err = preset.ParseShort(name)
		return policydoc.Documents{}, fmt.Errorf("there is no such file, and %w", err)
	}
	if err != nil {
		return policydoc.Documents{}, err
	}
	defer in.Close()
	return policydoc.Options{Parameters: s.given, Region: s.conn.Region, Account: s.conn.Account}.Read(in)
}

// longestGap is how many minutes in a row may be unknown and are taken for like the one before.
const longestGap = 60

// readTraffic reads the traffic, which is in memory only as far as it is looked at.
func (s *simulationInputs) readTraffic(cmd *cobra.Command) (start time.Time, traffic sim.Traffic, err error) {
	past, err := s.past.read(cmd, &s.conn, s.resource)
	if err != nil {
		return start, nil, err
	}
	if past, err = past.At(time.Minute); err == nil {
		told := len(past.Notes)
		past = past.Carried(longestGap)
		for _, note := range past.Notes[told:] {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", s.past.source(), note)
		}
		s.read = past
		start, traffic, err = simulation.Minutes(past.Start, past.Values())
	}
	if err = errors.Join(err, past.Err()); err != nil {
		err = fmt.Errorf("%s: %w", s.past.source(), err)
	}
	return start, traffic, err
}
