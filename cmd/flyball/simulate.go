package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"flyball/internal/outcome"
	"flyball/internal/preset"
	"flyball/internal/simulation"
	"flyball/sim"
)

// A simulating is what the flags of flyball simulate say.
type simulating struct {
	simulationInputs
	simulationOutputs
	whatIf
	against []string
	failIf  failIf
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
terraform show -json of a plan or a state, and CloudFormation templates, as YAML or JSON, among them
what cdk synth prints, and small YAML files, of which flyball schema prints the JSON schema; it can be
given several times. The address of a running Flyball, or aws, reads
them from there. --parameter gives a template's parameters values, where they have no default, and
what the template imports. --service names one of several services.

Autoscalers that are not AWS's are taken, too, by --policies and --against: a HorizontalPodAutoscaler, a
ScaledObject of KEDA or a Service of Knative in YAML or JSON, a job of Nomad in JSON, or a short form
such as ` + strings.Join(preset.Examples(), ", ") + `, with further settings
behind commas. docs/autoscalers.md tells them all.

--traffic is what flyball forecast reads, too: CSV with a row for each step of time,
what CloudWatch or Prometheus answer, or an access log; - is the standard input.

--traffic-from takes the address of a server, or aws: the traffic is then what the target groups of --service
counted in the time of --last, or what was sent to the queue that its tasks take messages from.

` + generates + `
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

--set runs the policies with other values, beside the run as it is: min and max of the target, and
policy.NAME.FIELD with target, scaleOutCooldown, scaleInCooldown, cooldown, scaleIn, steps (such as
0:2,10:4) or threshold. --explain tells what alarms saw at a time, and what was decided and why;
flyball explain --at tells it of a server's own past.

--fail-if ends the command with status 3 if a condition is met. The names that can be compared:
` + simulation.Names().Help(),
		Example: `  flyball simulate --policies http://127.0.0.1:4566 --service shop/web --traffic requests.csv --cpu-per-request 50ms --task-cpu 256
  terraform show -json plan.out > plan.json
  flyball simulate --policies plan.json --traffic requests.csv --cpu-per-request 50ms --agree 'p95 < 300ms'
  flyball simulate --policies plan.json --traffic requests.csv --cpu-per-request 50ms --delays aws --fail-if 'slo < 99.9 or cost > 120'
  flyball simulate --policies template.yaml --parameter Stage=prod --traffic requests.csv --cpu-per-request 50ms
  flyball simulate --generate 'daily(low=300/m, high=3000/m) + bursts(every=6h, for=10m, by=3x)' --for 14d --model model.json --min 2 --max 20
  flyball simulate --policies new.json --against old.json --traffic requests.csv --cpu-per-request 50ms --html new.html --markdown -
  flyball simulate --policies hpa.yaml --against hpa:cpu=60,down-window=60s --against flyball: --traffic requests.csv --cpu-per-request 50ms
  flyball simulate --policies plan.json --traffic requests.csv --cpu-per-request 50ms --set policy.cpu.target=60 --explain 2026-11-26T14:05:00Z
  flyball simulate --traffic requests.csv --cpu-per-request 50ms --task-cpu 256 --min 4 --max 4 --json   # four tasks, always`,
		Args: cobra.NoArgs,
		RunE: toTheEnd(func(cmd *cobra.Command, _ []string) error { return s.run(cmd) }),
	}
	s.simulationInputs.flags(cmd)
	s.simulationOutputs.flags(cmd)
	cmd.Flags().StringArrayVar(&s.against, "against", nil, "other policies, or another autoscaler such as hpa:cpu=60, for the same traffic, as --policies takes them, to compare with; NAME=FILE names them; can be given several times")
	s.whatIf.flags(cmd)
	_ = cmd.MarkFlagFilename("against", "json", "yaml", "yml")
	s.failIf.flag(cmd, simulation.Names())
	return cmd
}

func (s *simulating) run(cmd *cobra.Command) error {
	if err := s.failIf.check(); err != nil {
		return refusal{err}
	}
	if err := s.simulationOutputs.check(s.files()...); err != nil {
		return refusal{err}
	}
	if err := s.whatIf.check(); err != nil {
		return refusal{err}
	}
	var all []column
	var traffic sim.Traffic
	err := unlessInterrupted(cmd.Context(), func() (err error) {
		all, traffic, err = s.columns(cmd)
		return err
	})
	if err != nil {
		return refusal{err}
	}
	keeps := kept{decisions: s.tellsDecisions() || len(all) > 1, activities: s.json}
	traffic = until(cmd.Context(), traffic)
	err = s.withMinutes(func(minute func(sim.Record)) error {
		return errors.Join(refused(all[0].run(traffic, minute, keeps)), cmd.Context().Err())
	})
	for i := 1; i < len(all) && err == nil; i++ {
		err = errors.Join(refused(all[i].run(traffic, nil, keeps)), cmd.Context().Err())
	}
	if err = errors.Join(err, s.read.Err()); err != nil {
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

// files are those that are read.
func (s *simulating) files() []namedFile {
	all := []namedFile{{"traffic", s.past.path}}
	for _, name := range s.policies {
		all = append(all, namedFile{"policies", name})
	}
	for _, name := range s.against {
		if _, file, named := strings.Cut(name, "="); named {
			all = append(all, namedFile{"against", file})
		}
		all = append(all, namedFile{"against", name})
	}
	return all
}
