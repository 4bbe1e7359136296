package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flyball/internal/discovery"
	"flyball/internal/load"
	"flyball/internal/resource"
)

func loadCommand() *cobra.Command {
	var l loading
	cmd := &cobra.Command{
		Use:   "load [--service CLUSTER/SERVICE | --target-group NAME | --lb NAME | --queue QUEUE | URL...]",
		Short: "Put HTTP load on a service or on addresses, or messages into a queue, and judge how they bear it",
		Long: `Load sends requests and prints a line a second, or draws them in a terminal.

With --service it finds the service where it is: behind its load balancer, or else at its tasks, which
it follows as they come and go. --target-group goes to the healthy targets of one, --lb to a load
balancer, past none of its rules. Otherwise requests go to the URLs in turn. They go to loopback
addresses and to tasks of the server at --endpoint; to others only with --allow-remote.

With --users it is a closed loop: each virtual user waits for its answer, thinks, and asks again.
A slow service is asked less often then: the requests that its users would have made while they
waited are neither sent nor counted, so the percentiles look better than what people would meet who
come whatever the answers (coordinated omission). With --rate it is an open loop: requests go out at
that rate, whatever the answers, and latency counts from when a request was due.

The load is one of these:
  --ramp, --hold, --ramp-down   up to --users or --rate, there for a time, and down; --duration is the whole
  --stages '2m:50,steady 5m,spike 30s:400,1m:0'
                                to 50 users in 2 minutes, 5 minutes there, 400 for 30 s, and down; with
                                50/s in place of 50 they are requests per second. @FILE has one a line
  --traffic FILE                requests that were counted, in a table, an access log or what CloudWatch or
                                Prometheus answered; --scale 0.1 is a tenth of them
  --traffic-from aws            what the load balancer, or the queue, of a service has counted on AWS or on a
                                Flyball at that address, in the time of --last; the service is --traffic-service,
                                or one of the name of --service
  --generate 'daily(low=1/s, high=20/s) + spike(at=2h, for=10m, by=3x)' --for 4h
                                traffic that is made up, as flyball simulate --help tells

With --speed N these times run N times faster; with --speed server, the default but for URLs, they
follow the clock of the server at --endpoint, and the record has its times, so that it fits the
server's metrics. Requests, rates of them, and users who think, are in real time at any speed.

With --queue, a URL or a name, load sends messages instead, in batches of ten: --rate a second, or
--messages, at once or over the time of --duration. Rate and times follow the clock of the server,
and of a line, requests are messages, latency is that of the calls, and behind are the messages that
are due and not taken yet; waiting are those in the queue. --body is a template with the fields {{.N}}, {{.ID}} and
{{.Time}} of a message, or a request, and the function {{random 1 100}}; so is --group, the message group.

--fail-if ends the command with status ` + strconv.Itoa(statusFailed) + ` if its condition is met at the end. Its names, of the whole load:
` + loadNames.Help() + `
--report writes what became of it: a page (.html), a picture (.svg) or figures (.json), with throughput,
latency, errors, tasks and scaling activities over one time axis. --out writes a line of JSON for each
second, from which flyball report makes the same later.`,
		Example: `  flyball load --service demo/web --users 50 --ramp 5m --duration 20m --path /computation
  flyball load --service demo/web --stages '1m:20/s,steady 5m,spike 30s:200/s,1m:0/s' --report web.html
  flyball load --lb web --rate 50 --hold 1m --fail-if 'p95 > 300ms or errors > 1%'
  flyball load --target-group web --traffic requests.csv --scale 0.1 --duration 10m
  flyball load --service demo/web --traffic-from aws --traffic-service prod/web --last 2h --scale 0.05
  flyball load --rate 20 --hold 1m http://127.64.0.1:8080/ http://127.64.0.2:8080/
  flyball load --users 5 -X PUT -H 'Content-Type: application/json' -d '{"id": "{{.ID}}"}' http://127.64.0.1:8080/
  flyball load --queue vouchers --messages 1500
  flyball load --queue vouchers --rate 50 --ramp 2m --duration 20m --body '{"voucher": "{{.ID}}"}'`,
		Args: func(cmd *cobra.Command, args []string) error { return l.check(cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.queue != "" {
				return l.feed(cmd.Context(), cmd.OutOrStdout())
			}
			return l.run(cmd.Context(), args, cmd.OutOrStdout())
		},
	}
	l.flags(cmd)
	return cmd
}

// flags adds those of the command.
func (l *loading) flags(cmd *cobra.Command) {
	l.server.flags(cmd)
	cmd.PreRunE = nil // a load of addresses needs a server only to follow its clock
	l.subjectFlags(cmd)
	l.shapeFlags(cmd)
	l.requestFlags(cmd)
	f := cmd.Flags()
	f.IntVar(&l.messages, "messages", 0, "how many messages to send to the queue in all")
	f.StringVar(&l.group, "group", "", "template of a message's group; a FIFO queue needs one")
	f.BoolVar(&l.json, "json", false, "print what came of it as JSON, and nothing else")
	f.BoolVar(&l.plain, "plain", false, "print a line a second, also in a terminal")
	f.StringVar(&l.out, "out", "", "file to record each second in, a line of JSON each")
	f.StringSliceVar(&l.reports, "report", nil, "files to write a report to: .html, .svg or .json")
	l.failIf.flag(cmd, loadNames)
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name { // those that they had once
		case "ramp-up":
			name = "ramp"
		case "trace":
			name = "traffic"
		}
		return pflag.NormalizedName(name)
	})
	_ = cmd.RegisterFlagCompletionFunc("service", l.server.completeNames(1, resource.Service))
	_ = cmd.RegisterFlagCompletionFunc("queue", l.server.completeNames(1, resource.Queue))
	_ = cmd.MarkFlagFilename("out", "jsonl")
	_ = cmd.MarkFlagFilename("report", "html", "svg", "json")
}

// A loading is what the flags of flyball load say.
type loading struct {
	server      connection
	subject     discovery.Subject
	service     string // as it was typed
	queue       string
	path        string
	allowRemote bool

	users, rate                           float64
	ramp, hold, rampDown, duration, think time.Duration
	stages                                string
	past                                  pastTraffic
	pastOf                                string // service whose traffic it is
	scale                                 float64
	speed                                 string
	shape                                 load.Schedule // of --stages or of the past
	open, timed                           bool          // timed: --hold or --duration is given

	method, body   string
	headers        []string
	timeout, drain time.Duration
	wait           time.Duration // for the first answer; 0 is the usual
	connections    int
	group          string
	messages       int

	json, plain bool
	out         string
	reports     []string
	failIf      failIf
}

// Flags that only requests have, those that only messages have, and those of traces.
var (
	ofRequests = []string{"users", "think", "timeout", "path", "port", "method", "header", "graceful-stop", "wait-timeout", "max-connections", "allow-remote"}
	ofMessages = []string{"messages", "group"}
	ofTraces   = []string{"column", "where", "step", "zone", "decimal-comma", "values", "missing", "date-order"}
)

// check finds arguments and flags that do not go together, and what they do not say well:
// before anything is sent.
func (l *loading) check(cmd *cobra.Command, args []string) error {
	if err := l.checkSubject(cmd, args); err != nil {
		return err
	}
	l.timed = cmd.Flags().Changed("hold") || cmd.Flags().Changed("duration")
	if l.speed == "" && len(args) == 0 {
		l.speed = "server"
	}
	for _, check := range []func() error{l.checkRequest, func() error { return l.checkShape(cmd) }, l.checkReports, l.failIf.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkPast finds flags that say how traffic is read which is not.
func (l *loading) checkPast(cmd *cobra.Command) error {
	if l.past.path == "" {
		for _, name := range ofTraces {
			if cmd.Flags().Changed(name) && (name != "zone" || l.past.file.made.description == "") {
				return fmt.Errorf("--%s says how a file of traffic is read: name one with --traffic", name)
			}
		}
	}
	if l.pastOf != "" && l.past.measured.from == "" {
		return errors.New("--traffic-service says whose traffic is read of a server: give --traffic-from, too")
	}
	return l.past.check(cmd)
}

// checkSubject finds that there is exactly one thing to put load on, with flags of its own.
func (l *loading) checkSubject(cmd *cobra.Command, args []string) error {
	others := ofMessages
	if l.queue != "" {
		others = ofRequests
	}
	if err := l.checkPast(cmd); err != nil {
		return err
	}
	for _, name := range others {
		switch changed := cmd.Flags().Changed(name); {
		case changed && l.queue != "":
			return refuse("--%s is for requests: a queue has --rate or --messages", name)
		case changed:
			return refuse("--%s is for messages: name their queue with --queue", name)
		}
	}
	switch named := l.named(); {
	case len(named) > 1:
		return fmt.Errorf("%s and %s cannot go together: give one of them", named[0], named[1])
	case len(named) == 1 && len(args) > 0:
		return fmt.Errorf("%s takes the place of addresses: leave out %s", named[0], args[0])
	case len(named) == 0 && len(args) == 0:
		return errors.New("say what to put load on: --service CLUSTER/SERVICE, --target-group, --lb, --queue, or URLs")
	}
	if err := checkURLs(args); err != nil {
		return err
	}
	return l.checkPlace()
}
