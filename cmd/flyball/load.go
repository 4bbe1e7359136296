package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flyball/internal/client"
	"flyball/internal/load"
)

func loadCommand() *cobra.Command {
	var l loading
	cmd := &cobra.Command{
		Use:   "load URL... | --queue QUEUE",
		Short: "Put HTTP load on addresses, or messages into a queue, and record how they bear it",
		Long: `Load sends requests to the addresses in turn and prints a line a second.

With --users it is a closed loop: each virtual user waits for its answer, thinks, and asks again.
A slow service is asked less often then: the requests that its users would have made while they
waited are neither sent nor counted, so the percentiles look better than what people would meet who
come whatever the answers (coordinated omission). With --rate it is an open loop: requests go out at
that rate, whatever the answers, and latency counts from when a request was due.

--ramp is the time to reach the full load, and is part of --duration. With --speed N these times
run N times faster; with --speed server they follow the clock of the server at --endpoint, and the
record has its times, so that it fits the server's metrics. Requests, and users who think, take real
time at any speed.

With --queue, a URL or a name, load sends messages instead, in batches of ten: --rate a second, or
--messages, at once or over the time of --duration. Rate and times follow the clock of the server,
and of a line, requests are messages, latency is that of the calls, and behind are the messages that
are due and not taken yet; waiting are those in the queue. --body is a template with the fields {{.N}}, {{.ID}} and
{{.Time}} of a message and the function {{random 1 100}}; so is --group, the message group.

--out writes a line of JSON for each second: users or rate, requests, failures by kind, percentiles,
and how many answers took how long, from which the percentiles of any stretch can be made again.
flyball report draws it.`,
		Example: `  flyball load --users 50 --ramp 5m --duration 20m http://127.35.4.71/computation
  flyball load --users 50 --ramp 5m --duration 20m --speed server --out load.jsonl http://127.35.4.71/computation
  flyball load --rate 20 --hold 1m http://127.64.0.1:8080/ http://127.64.0.2:8080/
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
	l.server.flags(cmd)
	cmd.PreRunE = nil // a load needs a server, and a key for it, only to follow its clock
	f := cmd.Flags()
	f.Float64Var(&l.users, "users", 10, "virtual users")
	f.Float64Var(&l.rate, "rate", 0, "requests or messages a second, in place of users")
	f.StringVar(&l.queue, "queue", "", "URL or name of a queue to send messages to, in place of addresses")
	f.IntVar(&l.messages, "messages", 0, "how many messages to send in all")
	f.StringVar(&l.body, "body", "message {{.N}}", "template of a message's body")
	f.StringVar(&l.group, "group", "", "template of a message's group; a FIFO queue needs one")
	f.BoolVar(&l.json, "json", false, "print what was sent to the queue as JSON, and nothing else")
	f.DurationVar(&l.ramp, "ramp", 0, "time to reach the full load")
	f.DurationVar(&l.hold, "hold", 30*time.Second, "time at the full load")
	f.DurationVar(&l.rampDown, "ramp-down", 0, "time to come back to nothing")
	f.DurationVar(&l.duration, "duration", 0, "time of the whole, ramps included, in place of --hold")
	f.DurationVar(&l.think, "think", 0, "how long a user waits between an answer and the next request, on average")
	f.DurationVar(&l.timeout, "timeout", 30*time.Second, "how long to wait for an answer")
	f.StringVar(&l.speed, "speed", "1", `how many times faster the load's times run, or "server": as the server's clock, which is how messages are sent`)
	f.StringVar(&l.out, "out", "", "file to record each second in, a line of JSON each")
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "ramp-up" { // its name when there was no --duration
			name = "ramp"
		}
		return pflag.NormalizedName(name)
	})
	cmd.MarkFlagsMutuallyExclusive("users", "rate")
	cmd.MarkFlagsMutuallyExclusive("hold", "duration")
	_ = cmd.MarkFlagFilename("out", "jsonl")
	_ = cmd.RegisterFlagCompletionFunc("speed", cobra.FixedCompletions([]string{"server", "1", "10", "60"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// A loading is what the flags of flyball load say.
type loading struct {
	server                                         connection
	users, rate                                    float64
	ramp, hold, rampDown, duration, think, timeout time.Duration
	speed, out                                     string

	queue, body, group string
	messages           int
	json, timed        bool // timed: --hold or --duration is given
}

// Flags that only requests have, and those that only messages have.
var (
	ofRequests = []string{"users", "think", "timeout"}
	ofMessages = []string{"messages", "body", "group", "json"}
)

// check finds arguments and flags that do not go together.
func (l *loading) check(cmd *cobra.Command, args []string) error {
	if l.queue == "" {
		for _, name := range ofMessages {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is for messages: name their queue with --queue", name)
			}
		}
		return cobra.MinimumNArgs(1)(cmd, args)
	}
	for _, name := range ofRequests {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for requests: a queue has --rate or --messages", name)
		}
	}
	if len(args) > 0 {
		return fmt.Errorf("--queue takes the place of addresses: leave out %s", args[0])
	}
	if !cmd.Flags().Changed("speed") {
		l.speed = "server"
	}
	l.timed = cmd.Flags().Changed("hold") || cmd.Flags().Changed("duration")
	return nil
}

func (l loading) run(ctx context.Context, targets []string, out io.Writer) error {
	for _, target := range targets {
		if u, err := url.Parse(target); err != nil || u.Host == "" {
			return refuse("%q is not a URL such as http://127.64.0.1:8080/computation", target)
		}
	}
	schedule, err := l.schedule()
	if err != nil {
		return err
	}
	var summary load.Summary
	err = l.recorded(ctx, func(ctx context.Context, clock client.Clock, record func(load.Second)) error {
		fmt.Fprintln(out, "elapsed  level  requests  errors  p50       p95       p99")
		summary, err = load.Plan{
			Targets:  func() []string { return targets },
			Schedule: schedule.Faster(clock.Speed),
			Open:     l.rate > 0, Think: l.think, Timeout: l.timeout,
			Report: func(s load.Second) {
				printSecond(out, s, clock.Speed)
				record(s)
			},
		}.Run(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return printSummary(out, summary)
}

// recorded runs a load on the clock that it follows, and keeps its record. A record that
// cannot be kept ends the load: it is what the load is for.
func (l loading) recorded(ctx context.Context, run func(ctx context.Context, clock client.Clock, record func(load.Second)) error) error {
	var file *os.File
	var err error
	if l.out != "" { // before the server's clock is read, and before anything is sent
		if file, err = os.Create(l.out); err != nil {
			return err
		}
		defer file.Close()
	}
	clock, err := l.clock(ctx)
	if err != nil {
		return err
	}
	if file == nil {
		return run(ctx, clock, func(load.Second) {})
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	recorder := load.NewRecorder(file, clock.Now, clock.Speed)
	err = run(ctx, clock, func(s load.Second) {
		if err := recorder.Write(s); err != nil {
			stop(err)
		}
	})
	if err != nil {
		return err
	}
	return errors.Join(notCanceled(context.Cause(ctx)), file.Close())
}

// notCanceled is an error of ours: that the user ended the load is none.
func notCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (l loading) schedule() (load.Schedule, error) {
	peak, hold := l.users, l.hold
	if l.rate > 0 {
		peak = l.rate
	}
	if l.duration != 0 {
		if hold = l.duration - l.ramp - l.rampDown; hold < 0 {
			return nil, refuse("--duration %v is shorter than the ramps in it", l.duration)
		}
	}
	return load.Ramp(peak, l.ramp, hold, l.rampDown), nil
}

// clock is the clock that the load follows.
func (l loading) clock(ctx context.Context) (client.Clock, error) {
	if l.speed == "server" {
		if err := l.server.complete(); err != nil {
			return client.Clock{}, err
		}
		return l.server.client().Clock(ctx)
	}
	speed, err := strconv.ParseFloat(l.speed, 64)
	if err != nil || !(speed > 0 && speed <= 100_000) {
		return client.Clock{}, refuse(`--speed %q: give a number above 0, at most 100000, or "server"`, l.speed)
	}
	return client.Clock{Now: time.Now(), Speed: speed}, nil
}

func printSecond(w io.Writer, s load.Second, speed float64) {
	elapsed := time.Duration(float64(s.Elapsed) * speed).Round(time.Second)
	fmt.Fprintf(w, "%7s  %5.0f  %8d  %6d  %-8s  %-8s  %-8s\n", elapsed, s.Level, s.Requests, s.Errors,
		short(s.Latency.P50), short(s.Latency.P95), short(s.Latency.P99))
}

func printSummary(w io.Writer, s load.Summary) error {
	fmt.Fprintf(w, "%d requests, %d errors, p50 %s, p95 %s, p99 %s, slowest %s\n", s.Requests, s.Errors,
		short(s.Latency.P50), short(s.Latency.P95), short(s.Latency.P99), short(s.Latency.Max))
	if s.Requests > 0 && s.Requests == s.Errors {
		return fmt.Errorf("no request was answered: %s", s.Err)
	}
	if s.Errors > 0 {
		fmt.Fprintf(w, "errors by kind: %s; one of them: %s\n", s.Failures, s.Err)
	}
	return nil
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
