package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"flyball/internal/fit"
	"flyball/internal/history"
	"flyball/internal/trace"
)

// A fitting is what the flags of flyball fit say.
type fitting struct {
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
of each request, how many requests a task has in hand, and how long tasks take to start. Each value is
told with the bounds in which the true one lies in 95 of 100 cases; what the history does not tell is
said, with what is lacking.

FILE is one of those that flyball simulate --traffic takes: a table, an answer of aws cloudwatch
get-metric-data or of Prometheus. One file can have all series, or each a file of its own; series are
found by their names, or by --requests-column, --cpu-column and so on, as NAME or FILE:NAME. Wanted are
requests, tasks and CPU utilization; latency on average and that of 95 % of the requests, memory
utilization and desired tasks tell more.

--out writes the model to a file, which simulate and tune take with --model.`,
		Example: `  flyball fit metrics.csv --task-cpu 256 --task-memory 512
  flyball fit requests.csv cpu.csv tasks.csv latency.json --task-cpu 256 --out model.json
  flyball fit metrics.csv --task-cpu 1024 --requests-column hits --cpu-column load --cpu-unit cores
  flyball simulate --policies plan.json --traffic requests.csv --model model.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.flags(cmd)
	return cmd
}

func (f *fitting) flags(cmd *cobra.Command) {
	f.file.common(cmd)
	f.columns = map[string]*string{}
	flags := cmd.Flags()
	for _, q := range history.Quantities() {
		f.columns[q.Name] = flags.String(q.Name+"-column", "", "series of "+q.About+": a column's name or number, a result's id, a label")
	}
	choiceVar(cmd, &f.units.CPU, "cpu-unit", "what CPU utilization is in; cores are those in use of all tasks", "auto", "percent", "share", "cores")
	choiceVar(cmd, &f.units.Memory, "memory-unit", "what memory utilization is in; MiB and bytes are those in use of all tasks", "auto", "percent", "share", "MiB", "bytes")
	choiceVar(cmd, &f.units.Latency, "latency-unit", "what latency is in", "auto", "s", "ms")
	flags.IntVar(&f.taskCPU, "task-cpu", 0, "CPU units of a task, 1024 a vCPU")
	flags.IntVar(&f.taskMemory, "task-memory", 0, "memory of a task in MiB")
	flags.StringVar(&f.out, "out", "", "file to write the model to, for --model of simulate and tune")
	flags.BoolVar(&f.json, "json", false, "print the model as JSON, which is what --out writes")
	_ = cmd.MarkFlagFilename("out", "json")
}

func (f *fitting) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return refuse("name a file of what was measured, such as metrics.csv")
	}
	h, task, err := f.read(cmd, args)
	if err != nil {
		return refusal{err}
	}
	m, err := fit.Estimate(h, task)
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
