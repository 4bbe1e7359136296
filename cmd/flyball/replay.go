package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"flyball/forecast"
	"flyball/internal/forecasting"
	"flyball/internal/replay"
	"flyball/internal/trace"
)

func replayCommand() *cobra.Command {
	var setup replay.Setup
	var file reading
	var batch string
	var tasks float64
	cmd := &cobra.Command{
		Use:   "replay [FILE]",
		Short: "Compare scaling policies on the traffic of the past",
		Long: `Replay runs scaling policies against traffic that has been, in virtual time: predictive scaling,
the same hour of last week in place of the forecast, target tracking on requests per task, and each
forecast as the floor of target tracking. It prints for each in how many hours and minutes there
were enough tasks, and how many tasks were too many or too few in an hour, on average.

FILE tells of the requests of each minute, or of each few minutes: a table with or without a header,
an answer of aws cloudwatch get-metric-data or get-metric-statistics, of Prometheus' query_range, or
an access log, whose requests are counted. It may be packed by gzip or zip; - is the standard input.
What had to be done to read it is told on standard error.

With --batch, a file has a service a row (id,v1,v2,...), with its requests hour by hour, of which
each is replayed as if it needed --tasks on average. Target tracking is left out; the table is the
mean over the services.`,
		Example: `  flyball replay requests.csv --per-task 300
  flyball replay requests.csv --per-task 300 --headroom 20   # is a target value of 250 enough?
  flyball replay requests-5min.csv.gz --step 5m --per-task 300 --start 2m
  flyball replay requests.csv --per-task 300 --quantile 0.8  # capacity for 8 of 10 hours
  flyball replay --batch hourly.csv.gz`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case batch != "" && len(args) > 0:
				return refuse("a file and --batch do not go together: leave out %q", args[0])
			case batch != "":
				return replayAll(cmd, batch, tasks, setup)
			}
			path, err := file.path(args, "name a file of traffic, such as requests.csv, or a batch of services with --batch")
			if err != nil {
				return err
			}
			past, err := file.traffic(cmd, path)
			if err != nil {
				return err
			}
			if past.Step < time.Minute {
				return refuse("%s does not tell how many minutes a row is; say so with --step, such as --step 5m", path)
			}
			traffic, err := replay.NewTraffic(past, past.Step)
			if err != nil {
				return refuse("%s: %w", file.source(path), err)
			}
			report, err := replay.Compare(traffic, setup)
			if err != nil {
				return refusal{err}
			}
			return report.WriteText(cmd.OutOrStdout())
		},
	}
	file.add(cmd)
	f := cmd.Flags()
	f.Float64Var(&setup.PerTask, "per-task", 0, "requests a minute that one task can serve")
	f.Float64Var(&setup.Headroom, "headroom", 0, "percent of tasks more than that, which lower target values keep free")
	f.DurationVar(&setup.Start, "start", time.Minute, "time from asking for a task until it serves")
	f.DurationVar(&setup.Buffer, "buffer", 5*time.Minute, "how long before its hour a forecast capacity is asked for")
	f.DurationVar(&setup.WarmUp, "warm-up", replay.MinWarmUp, "traffic at the beginning that is not counted")
	f.Float64Var(&setup.Quantile, "quantile", forecast.Provision, "share of the hours for which a forecast's capacity is to be enough")
	f.StringVar(&batch, "batch", "", "file with a service a row: id,v1,v2,...")
	f.Float64Var(&tasks, "tasks", 10, "tasks that a service of a batch needs on average")
	_ = cmd.MarkFlagFilename("batch", "csv", "gz")
	return cmd
}

// replayAll replays the services of a batch on all cores.
func replayAll(cmd *cobra.Command, path string, tasks float64, setup replay.Setup) error {
	in, err := trace.Open(path, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer in.Close()
	setup.Floors = true
	report, err := replay.CompareAll(cmd.Context(), forecasting.NewBatchReader(in), time.Hour, tasks, setup, runtime.GOMAXPROCS(0))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return report.WriteText(cmd.OutOrStdout())
}
