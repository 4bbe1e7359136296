package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/duration"
	"flyball/internal/fit"
	"flyball/internal/history"
	"flyball/internal/resource"
	"flyball/internal/trace"
)

// A fitting is what the flags of flyball fit say.
type fitting struct {
	conn       connection
	measured   measuring
	service    string
	workers    bool
	file       reading
	columns    map[string]*string
	units      history.Units
	taskCPU    int
	taskMemory int
	out        string
	json       bool
}

func fitCommand() *cobra.Command {
	var f fitting
	cmd := &cobra.Command{
		Use:   "fit [FILE...]",
		Short: "Estimate what a request takes, from what was measured of a service",
		Long: `Fit estimates the model of a service that flyball simulate and flyball tune want: the processor time
of a request and what it waits for others, how much requests differ, the memory of a task at rest and
of each request, how many requests a task has in hand, and how long tasks take to start, until they get
requests, and to go. Each value is
told with the bounds in which the true one lies in 95 of 100 cases; what the history does not tell is
said, with what is lacking.

FILE is one of those that flyball simulate --traffic takes: a table, an answer of aws cloudwatch
get-metric-data or of Prometheus. One file can have all series, or each a file of its own; series are
found by their names, or by --requests-column, --cpu-column and so on, as NAME or FILE:NAME. Wanted are
requests, tasks and CPU utilization; latency on average and that of 95 % of the requests, memory
utilization, and the numbers of desired, healthy and living tasks tell more.

--from reads the same from a running Flyball, or from AWS: what CloudWatch has of --service in the time
of --last, with the size of its tasks, the starts of those that run, and how long those took to go that
were stopped in the last hour.

For --workers, whose tasks take messages from a queue, requests are messages: those done with tell what one
takes while others wait.

--out writes the model to a file, which simulate and tune take with --model.`,
		Example: `  flyball fit --from http://127.0.0.1:4566 --service shop/web --out model.json
  flyball fit --from aws --service shop/web --last 14d
  flyball fit metrics.csv --task-cpu 256 --task-memory 512
  flyball fit requests.csv cpu.csv tasks.csv latency.json --task-cpu 256 --out model.json
  flyball fit metrics.csv --task-cpu 1024 --requests-column hits --cpu-column load --cpu-unit cores
  flyball simulate --policies plan.json --traffic requests.csv --model model.json`,
		RunE: toTheEnd(func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) }),
	}
	f.flags(cmd)
	return cmd
}

func (f *fitting) flags(cmd *cobra.Command) {
	f.conn.flags(cmd)
	cmd.PreRunE = nil // a server is asked where --from names one, and only then
	_ = cmd.Flags().MarkHidden("endpoint")
	f.measured.flags(cmd, "from", "address of a server, or aws: what CloudWatch has of --service, in place of files")
	f.file.common(cmd)
	f.columns = map[string]*string{}
	flags := cmd.Flags()
	for _, q := range history.Quantities() {
		f.columns[q.Name] = flags.String(q.Name+"-column", "", "series of "+q.About+": a column's name or number, a result's id, a label")
	}
	choiceVar(cmd, &f.units.CPU, "cpu-unit", "what CPU utilization is in; cores are those in use of all tasks", "auto", "percent", "share", "cores")
	choiceVar(cmd, &f.units.Memory, "memory-unit", "what memory utilization is in; MiB and bytes are those in use of all tasks", "auto", "percent", "share", "MiB", "bytes")
	choiceVar(cmd, &f.units.Latency, "latency-unit", "what latency is in", "auto", "s", "ms")
	flags.StringVar(&f.service, "service", "", "CLUSTER/SERVICE that --from is asked about")
	flags.BoolVar(&f.workers, "workers", false, "tasks take messages from a queue; a service of --from whose policies watch one does")
	flags.IntVar(&f.taskCPU, "task-cpu", 0, "CPU units of a task, 1024 a vCPU; with --from, those of its task definition by default")
	flags.IntVar(&f.taskMemory, "task-memory", 0, "memory of a task in MiB; with --from, that of its task definition by default")
	flags.StringVar(&f.out, "out", "", "file to write the model to, for --model of simulate and tune")
	flags.BoolVar(&f.json, "json", false, "print the model as JSON, which is what --out writes")
	_ = cmd.MarkFlagFilename("out", "json")
	_ = cmd.RegisterFlagCompletionFunc("service", f.conn.completeNames(1, resource.Service))
}

func (f *fitting) run(cmd *cobra.Command, args []string) error {
	var m fit.Model
	err := unlessInterrupted(cmd.Context(), func() (err error) {
		m, err = f.model(cmd, args)
		return err
	})
	if err != nil {
		return refusal{err}
	}
	if f.out != "" {
		if err := createFile(f.out, m.WriteJSON); err != nil {
			return err
		}
	}
	if f.json {
		return m.WriteJSON(cmd.OutOrStdout())
	}
	return m.WriteText(cmd.OutOrStdout())
}

// model is what files, or a server, tell of the service.
func (f *fitting) model(cmd *cobra.Command, args []string) (m fit.Model, err error) {
	if err := f.check(cmd, args); err != nil {
		return m, err
	}
	var got history.Fetched
	if f.measured.from != "" {
		got, err = f.fetch(cmd)
	} else {
		got.History, got.Task, err = f.read(cmd, args)
	}
	if err != nil {
		return m, err
	}
	estimate := fit.Estimate
	if got.Workers || f.workers {
		estimate = fit.EstimateWorkers
	}
	if m, err = estimate(got.History, got.Task); errors.Is(err, fit.ErrNothing) && f.measured.from == "" {
		err = fmt.Errorf("%w; give a file that has more, or name the series with --requests-column, --tasks-column, --cpu-column and so on", err)
	}
	m.Service, m.Notes = f.service, append(m.Notes, got.Notes...)
	return m, err
}

// check finds arguments and flags that do not go together.
func (f *fitting) check(cmd *cobra.Command, args []string) error {
	switch {
	case f.measured.from != "" && len(args) > 0:
		return fmt.Errorf("files and --from do not go together: leave out %q", args[0])
	case f.measured.from != "":
		return nil
	case len(args) == 0:
		return errors.New("name a file of what was measured, such as metrics.csv, or a server with --from")
	}
	for _, flag := range []string{"last", "queue", "service"} {
		if cmd.Flags().Changed(flag) {
			return fmt.Errorf("--%s says what is read of a server: give --from, too", flag)
		}
	}
	return nil
}

// fetch reads the history from CloudWatch.
func (f *fitting) fetch(cmd *cobra.Command) (got history.Fetched, err error) {
	found, err := f.measured.find(cmd.Context(), &f.conn, "from", f.service)
	if err != nil {
		return got, err
	}
	got, err = history.Fetch(cmd.Context(), found.source(), found.service, found.window, f.measured.queue)
	if err != nil {
		return got, found.client.Plain(err)
	}
	if f.taskCPU > 0 {
		got.Task.VCPU = float64(f.taskCPU) / 1024
	}
	if f.taskMemory > 0 {
		got.Task.Memory = float64(f.taskMemory)
	}
	if got.Task.VCPU == 0 {
		return got, errors.New("the task definition does not say how much of a processor a task has: give --task-cpu, such as 256 for a quarter")
	}
	if speed := found.faster(); speed != 1 {
		got.History.Faster = speed
		got.Notes = append(got.Notes, fmt.Sprintf("The server's clock is %v times as fast as its tasks: a minute of its metrics is %s of theirs, which times are told in.", speed, duration.String(time.Duration(float64(time.Minute)/speed))))
	}
	return got, nil
}

// read reads the history from files.
func (f *fitting) read(cmd *cobra.Command, args []string) (h fit.History, task fit.Task, err error) {
	if f.taskCPU <= 0 {
		return h, task, fmt.Errorf("how much of a processor does a task have? Give --task-cpu, such as 256 for a quarter")
	}
	task = fit.Task{VCPU: float64(f.taskCPU) / 1024, Memory: float64(f.taskMemory)}
	files := history.Files{Options: f.file.said(trace.Unknown), Units: f.units, Task: task, Columns: map[string]string{}}
	for name, column := range f.columns {
		files.Columns[name] = *column
	}
	for i, name := range args {
		if slices.Contains(args[:i], name) {
			return h, task, fmt.Errorf("%s is named twice; name it once", name)
		}
		file, err := fitFile(name, cmd.InOrStdin())
		if err != nil {
			return h, task, err
		}
		files.Files = append(files.Files, file)
	}
	h, notes, err := history.Read(files)
	for _, note := range notes {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	return h, task, err
}

// fitFile is a file that can be read for each of its series. The standard input is kept in memory.
func fitFile(name string, stdin io.Reader) (history.File, error) {
	if name != "-" {
		return history.File{Name: name, Open: func() (io.ReadCloser, error) { return trace.Open(name, nil) }}, nil
	}
	const most = 256 << 20
	text, err := io.ReadAll(io.LimitReader(stdin, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("the standard input is larger than %d MiB; name a file", most>>20)
	}
	return history.File{Name: name, Open: func() (io.ReadCloser, error) { return trace.Open("-", bytes.NewReader(text)) }}, err
}
