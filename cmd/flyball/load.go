package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/load"
)

func loadCommand() *cobra.Command {
	var users, rate float64
	var rampUp, hold, rampDown, think time.Duration
	cmd := &cobra.Command{
		Use:   "load URL...",
		Short: "Put HTTP load on one or several addresses",
		Long: `Load sends requests to the addresses in turn and prints a line a second. With --users it is a
closed loop: each virtual user waits for its answer, thinks, and asks again. With --rate it is an
open loop: requests go out at that rate, whatever the answers.`,
		Example: `  flyball load --users 50 --ramp-up 5m --hold 15m http://127.64.0.1:8080/computation
  flyball load --rate 20 --hold 1m http://127.64.0.1:8080/ http://127.64.0.2:8080/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, target := range args {
				if u, err := url.Parse(target); err != nil || u.Host == "" {
					return fmt.Errorf("%q is not a URL such as http://127.64.0.1:8080/computation", target)
				}
			}
			out := cmd.OutOrStdout()
			fmt.Fprintln(out, "elapsed  level  requests  errors  p50       p95       p99")
			peak := users
			if rate > 0 {
				peak = rate
			}
			summary, err := load.Plan{
				Targets:  func() []string { return args },
				Schedule: load.Ramp(peak, rampUp, hold, rampDown),
				Open:     rate > 0,
				Think:    think,
				Report: func(s load.Second) {
					fmt.Fprintf(out, "%7s  %5.0f  %8d  %6d  %-8s  %-8s  %-8s\n", s.Elapsed.Round(time.Second), s.Level, s.Requests, s.Errors,
						short(s.Latency.P50), short(s.Latency.P95), short(s.Latency.P99))
				},
			}.Run(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%d requests, %d errors, p50 %s, p95 %s, p99 %s, slowest %s\n", summary.Requests, summary.Errors,
				short(summary.Latency.P50), short(summary.Latency.P95), short(summary.Latency.P99), short(summary.Latency.Max))
			if summary.Requests > 0 && summary.Requests == summary.Errors {
				return fmt.Errorf("no request was answered: %s", summary.Err)
			}
			if summary.Err != "" {
				fmt.Fprintln(out, "one of the errors:", summary.Err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.Float64Var(&users, "users", 10, "virtual users")
	f.Float64Var(&rate, "rate", 0, "requests a second, in place of users")
	f.DurationVar(&rampUp, "ramp-up", 0, "time to reach the full load")
	f.DurationVar(&hold, "hold", 30*time.Second, "time at the full load")
	f.DurationVar(&rampDown, "ramp-down", 0, "time to come back to nothing")
	f.DurationVar(&think, "think", 0, "how long a user waits between an answer and the next request")
	cmd.MarkFlagsMutuallyExclusive("users", "rate")
	return cmd
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
