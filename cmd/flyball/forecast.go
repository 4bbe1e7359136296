package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"flyball/forecast"
	"flyball/internal/duration"
	"flyball/internal/forecasting"
	"flyball/internal/terminal"
	"flyball/internal/trace"
)

// forecastFlags are what the user asks of flyball forecast.
type forecastFlags struct {
	options            forecast.Options
	batch, out, format string
	holdout, newest    int
	file               reading
	holidays           holidays
	mean, hourly       bool
	conn               connection
	measured           measuring
	service            string
}

func forecastCommand() *cobra.Command {
	var f forecastFlags
	cmd := &cobra.Command{
		Use:   "forecast [FILE]",
		Short: "Forecast load from a file of hourly values",
		Long: `Forecast reads a series of hourly values, oldest first, and forecasts what follows, with
prediction intervals: as CSV, or as a chart if the output is a terminal.

FILE is a table with or without a header, an answer of aws cloudwatch get-metric-data or
get-metric-statistics, of Prometheus' query_range, or an access log, whose requests are counted.
What is forecast are hours: counts of finer rows are added up, of gauges the mean is taken. What had
to be done to read the file is told on standard error.

With --traffic-from, what is forecast are the requests, or messages, that a server or AWS has counted of
--service, for --last of the time until now.

` + generates + `
With a --step of less than an hour that hours are a number of, such as 5m, that is forecast: hours as
before, divided as the same hours of the day or the week were. With --hourly it says no more than how
far apart rows without times are.

Days are those of --zone, so that the week after a clock change is right. The dates of --holidays
are forecast as Sundays are, or as the holidays of the history were, and are not taken for what
comes a week later.

With --batch, a file has a series a row (id,v1,v2,...) and a row of forecasts (id,f1,f2,...) is
written for each. A series that cannot be forecast is told on standard error and left out, and the
exit status is 1. Files may be gzipped; - is the standard input.

With --holdout N, the last N values of each series of a batch are held back, and the forecasts of
them are scored by sMAPE, MASE and OWA, and the intervals by their coverage and MSIS, the measures
of the M4 competition. With --newest N they are made of no more than the N values before, as those of
a service that is so many hours old; the measures relate to all values before, so that they compare.`,
		Example: `  flyball forecast requests.csv
  flyball forecast requests.csv --horizon 48 --season 24,168 --format csv > forecast.csv
  flyball forecast cpu-1min.csv --mean
  flyball forecast requests-1min.csv --step 5m --horizon 6
  flyball forecast requests.csv --zone Europe/Berlin --holidays 12-25,12-26,2027-03-26
  flyball forecast --traffic-from http://127.0.0.1:4566 --service shop/web --last 14d
  flyball forecast --batch series.csv.gz --out forecasts.csv
  flyball forecast --batch series.csv.gz --holdout 48
  flyball forecast --batch series.csv.gz --holdout 48 --newest 336`,
		Args: cobra.MaximumNArgs(1),
		RunE: toTheEnd(func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) }),
	}
	f.file.add(cmd)
	f.conn.flags(cmd)
	cmd.PreRunE = nil // a server is asked where --traffic-from names one, and only then
	f.measured.flags(cmd, "traffic-from", "address of a server, or aws: what the load balancer, or the queue, of --service has counted, in place of a file")
	flags := cmd.Flags()
	_ = flags.MarkHidden("endpoint")
	flags.StringVar(&f.service, "service", "", "with --traffic-from, CLUSTER/SERVICE that is forecast")
	flags.IntVar(&f.options.Horizon, "horizon", 48, "hours to forecast, or rows if they are longer than an hour")
	flags.IntSliceVar(&f.options.Seasons, "season", []int{24, 168}, "lengths of the seasons in hours, or rows if they are longer, ascending; by default a day and a week: of rows of a day, 7")
	flags.Float64SliceVar(&f.options.Levels, "level", []float64{0.8, 0.95}, "coverages of the prediction intervals")
	flags.StringVar(&f.format, "format", "", "csv or chart; a chart on a terminal by default")
	flags.StringVar(&f.batch, "batch", "", "file with a series a row: id,v1,v2,...")
	flags.StringVarP(&f.out, "out", "o", "-", "file to write to")
	flags.BoolVar(&f.hourly, "hourly", false, "forecast hours, though --step is less")
	flags.BoolVar(&f.mean, "mean", false, "forecast the hour's mean of finer rows, not their sum")
	flags.IntVar(&f.holdout, "holdout", 0, "hold back so many values of each series and score the forecasts of them")
	flags.IntVar(&f.newest, "newest", 0, "with --holdout, forecast from so many values only; from all by default")
	flags.Var(&f.holidays, "holidays", "dates of holidays, as 2026-12-25 or, each year, 12-25; or a file with a date a line")
	completeWords(cmd, "format", "csv", "chart")
	_ = cmd.MarkFlagFilename("batch", "csv", "gz")
	_ = cmd.MarkFlagFilename("out", "csv")
	return cmd
}

// run refuses what does not go together, and forecasts a file or a batch.
func (f forecastFlags) run(cmd *cobra.Command, args []string) error {
	switch {
	case f.batch != "" && len(args) > 0:
		return refuse("a file and --batch do not go together: leave out %q", args[0])
	case f.batch != "" && f.file.made.description != "":
		return refuse("--generate and --batch do not go together: give one of them")
	case f.batch == "" && f.holdout > 0:
		return refuse("--holdout is for batches: give --batch FILE")
	case f.newest < 0 || f.newest > 0 && f.holdout == 0:
		return refuse("--newest %d: give a number above 0, with --holdout", f.newest)
	case f.holdout > 0 && f.holdout < f.options.Horizon:
		return refuse("--holdout %d holds back less than --horizon %d", f.holdout, f.options.Horizon)
	case f.batch != "" && len(f.holidays) > 0:
		return refuse("--holidays is for files whose rows have times: leave out --batch")
	case f.measured.from != "" && (len(args) > 0 || f.batch != "" || f.file.made.description != ""):
		return refuse("--traffic-from is read in the place of a file, --batch and --generate: give one of them")
	case f.options.Horizon < 1:
		return refuse("--horizon %d: give a number above 0", f.options.Horizon)
	case f.holdout > 0:
		return f.score(cmd)
	case f.batch != "":
		return f.many(cmd)
	}
	if f.measured.from != "" {
		return f.one(cmd, "")
	}
	for _, flag := range []string{"last", "queue", "service"} {
		if cmd.Flags().Changed(flag) {
			return refuse("--%s says what is read of a server: give --traffic-from, too", flag)
		}
	}
	path, err := f.file.path(args, "name a file of hourly values, such as requests.csv, or a batch of series with --batch")
	if err != nil {
		return err
	}
	return f.one(cmd, path)
}

// one forecasts a single file.
func (f forecastFlags) one(cmd *cobra.Command, path string) error {
	if err := f.checkStep(); err != nil {
		return err
	}
	var history trace.Trace
	var result forecast.Result
	err := unlessInterrupted(cmd.Context(), func() (err error) {
		history, result, err = f.forecast(cmd, path)
		return err
	})
	if err != nil {
		return err
	}
	return f.write(cmd, func(w io.Writer) error {
		width, isTerminal := terminal.Width(w)
		switch {
		case f.format == "chart", f.format == "" && isTerminal:
			return forecasting.WriteChart(w, history, result, width)
		case f.format == "csv", f.format == "":
			return forecasting.WriteCSV(w, history, result)
		}
		return refuse("--format %s is neither csv nor chart", f.format)
	})
}

// forecast reads the past, and forecasts what follows it.
func (f forecastFlags) forecast(cmd *cobra.Command, path string) (history trace.Trace, result forecast.Result, err error) {
	if history, err = f.hours(cmd, path); err != nil {
		return history, result, err
	}
	step := max(history.Step, time.Hour)
	if history.Step == 0 {
		step = 0
	}
	if !cmd.Flags().Changed("season") {
		f.options.Seasons = seasonsOf(step)
	}
	if f.options.Calendar, err = f.calendar(history, step); err != nil {
		return history, result, err
	}
	if parts := f.parts(); parts > 1 {
		result, err = forecast.Fine(forecast.Hours(history.Values, parts), history.Values, parts, f.options)
	} else {
		result, err = forecast.Forecast(history.Values, f.options)
	}
	if err != nil {
		err = refuse("%s: %w", f.source(path), err)
	}
	return history, result, err
}

// parts is into how many parts hours are divided, 1 if they are not.
func (f forecastFlags) parts() int {
	step := f.file.options.Step
	if f.hourly || step <= 0 || step >= time.Hour {
		return 1
	}
	return int(time.Hour / step)
}

// checkStep refuses steps that hours are no number of.
func (f forecastFlags) checkStep() error {
	if step := f.file.options.Step; f.parts() > 1 && (step < time.Hour/forecast.MaxParts || time.Hour%step != 0) {
		return refuse("--step %s cannot be forecast: an hour must be a number of steps of a minute and more, such as 5m; --hourly forecasts hours", duration.String(step))
	}
	return nil
}

// calendar is when the rows of a file were, or nil where neither zone nor holidays matter.
func (f forecastFlags) calendar(history trace.Trace, step time.Duration) (*forecast.Calendar, error) {
	switch {
	case f.file.zone.location == nil && len(f.holidays) == 0:
		return nil, nil
	case history.Start.IsZero() || history.Step <= 0:
		if len(f.holidays) > 0 {
			return nil, refuse("--holidays need a file whose rows have times")
		}
		return nil, nil
	}
	return &forecast.Calendar{Next: history.Time(len(history.Values)), Step: step, Zone: f.file.zone.location, Holidays: f.holidays}, nil
}

// seasonsOf are the lengths of a day and a week in rows of a step, those of
// which rows can make at least two; rows without times are hours.
func seasonsOf(step time.Duration) []int {
	if step == 0 {
		step = time.Hour
	}
	seasons := []int{}
	for _, season := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
		if season%step == 0 && season/step > 1 {
			seasons = append(seasons, int(season/step))
		}
	}
	return seasons
}

// hours reads the values of hours, of longer steps, or of the parts of hours that are asked for.
func (f forecastFlags) hours(cmd *cobra.Command, path string) (trace.Trace, error) {
	if f.mean {
		f.file.values = "gauges"
	}
	history, err := f.past(cmd, path)
	if err != nil || history.Step == 0 || history.Step >= time.Hour || history.Step == f.file.options.Step && f.parts() > 1 {
		return history, err
	}
	if f.parts() > 1 {
		history, err = history.At(f.file.options.Step)
		return history, err
	}
	rows := len(history.Values)
	if history, err = history.At(time.Hour); err != nil {
		return history, refuse("%s: %w", f.source(path), err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d rows make %d hours\n", rows, len(history.Values))
	return history, nil
}

// past reads a file, or what a server has counted.
func (f forecastFlags) past(cmd *cobra.Command, path string) (trace.Trace, error) {
	if f.measured.from == "" {
		return f.file.read(cmd, path, trace.Counts)
	}
	past, err := f.measured.traffic(cmd, &f.conn, f.service, f.file.said(trace.Counts))
	if err != nil && f.service == "" {
		return past, refusal{err}
	}
	return past, err
}

// source names where the values are from, for messages.
func (f forecastFlags) source(path string) string {
	if f.measured.from != "" {
		return "--traffic-from " + f.measured.from
	}
	return f.file.source(path)
}

// many forecasts a batch on all cores. Series that cannot be forecast are told,
// and the others are written nevertheless.
func (f forecastFlags) many(cmd *cobra.Command) error {
	in, err := openUntil(cmd.Context(), f.batch, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer in.Close()
	n, bad := 0, 0
	err = f.write(cmd, func(w io.Writer) error {
		rows, progress := csv.NewWriter(w), newProgress(cmd.ErrOrStderr())
		err := forecasting.Each(cmd.Context(), forecasting.NewBatchReader(in), f.options, runtime.GOMAXPROCS(0), func(r forecasting.Forecast, err error) error {
			if err != nil {
				bad++
				progress.tell(fmt.Sprintf("%s: %v", f.batch, err))
				return nil
			}
			n++
			progress.show(n)
			return forecasting.WriteRow(rows, r)
		})
		progress.end(n)
		if err != nil {
			rows.Flush() // on the standard output the last row is whole
			return fmt.Errorf("%s: %w", f.batch, err)
		}
		if n == 0 {
			return fmt.Errorf("%s: no series to forecast", f.batch)
		}
		rows.Flush()
		return rows.Error()
	})
	if err == nil && bad > 0 {
		return fmt.Errorf("%s: %d of %d series could not be forecast; the others were", f.batch, bad, bad+n)
	}
	return err
}

// score forecasts what is held back of a batch.
func (f forecastFlags) score(cmd *cobra.Command) error {
	in, err := openUntil(cmd.Context(), f.batch, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer in.Close()
	progress := newProgress(cmd.ErrOrStderr())
	s, err := forecasting.Evaluate(cmd.Context(), forecasting.NewBatchReader(in), forecasting.Trial{Options: f.options, Holdout: f.holdout, Newest: f.newest}, runtime.GOMAXPROCS(0), progress.show)
	progress.end(s.Series)
	if err != nil {
		return fmt.Errorf("%s: %w", f.batch, err)
	}
	return f.write(cmd, s.WriteText)
}

// write hands print the output: a file that is there only once it is whole, or
// the standard output.
func (f forecastFlags) write(cmd *cobra.Command, print func(io.Writer) error) error {
	if f.out == "-" {
		return print(cmd.OutOrStdout())
	}
	return createFile(f.out, print)
}

// progress tells how many series are done, now and then.
type progress struct {
	out         io.Writer
	begin, last time.Time
	returns     bool // a terminal: write over the line
}

func newProgress(out io.Writer) *progress {
	_, isTerminal := terminal.Width(out)
	now := time.Now()
	return &progress{out, now, now, isTerminal}
}

func (p *progress) show(done int) {
	every := 5 * time.Second
	if p.returns {
		every = 100 * time.Millisecond
	}
	if time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	p.print(done)
}

// tell writes a line of its own.
func (p *progress) tell(line string) {
	if p.returns {
		line = "\r\x1b[K" + line
	}
	fmt.Fprintln(p.out, line)
}

func (p *progress) end(done int) {
	if done == 0 {
		return
	}
	p.print(done)
	if p.returns {
		fmt.Fprintln(p.out)
	}
}

func (p *progress) print(done int) {
	spent := time.Since(p.begin)
	text := fmt.Sprintf("%d series in %s, %.0f a second", done, spent.Round(100*time.Millisecond), float64(done)/spent.Seconds())
	if p.returns {
		fmt.Fprintf(p.out, "\r%s\x1b[K", text)
		return
	}
	fmt.Fprintln(p.out, text)
}
