package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/trace"
)

// A reading is how a file of what happened over time is read: what its flags say of it that it
// does not say of itself.
type reading struct {
	options                trace.Options
	zone                   zone
	values, missing, dates string
	made                   generating
}

// add adds the flags to a command.
func (r *reading) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.options.Column, "column", "", "values to read: a column's name or number, a result's id, a label; '*' adds all up")
	r.common(cmd)
	r.made.add(cmd)
	choiceVar(cmd, &r.values, "values", "what values are: counts of a step, gauges, or rates a second; auto goes by names", "auto", "counts", "gauges", "rates")
}

// common adds the flags that say nothing of which series of a file is read.
func (r *reading) common(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringToStringVar(&r.options.Where, "where", nil, "rows to read, by the cell of another column: service=web")
	f.DurationVar(&r.options.Step, "step", 0, "time that a row is about, where rows have no times; else rows are joined or divided to it")
	f.Var(&r.zone, "zone", "time zone of times that name none, such as Europe/Berlin; UTC by default")
	f.BoolVar(&r.options.Comma, "decimal-comma", false, "numbers have a decimal comma")
	choiceVar(cmd, &r.missing, "missing", "what missing rows are: zero, a gap, or auto: zero among small counts", "auto", "zero", "gap")
	choiceVar(cmd, &r.dates, "date-order", "order in dates such as 03/04/2026", "auto", "mdy", "dmy")
}

// read reads a file, or makes traffic up, with its values in memory.
func (r reading) read(cmd *cobra.Command, path string, assume trace.Kind) (trace.Trace, error) {
	s, err := r.scan(cmd, path, assume)
	if err != nil {
		return trace.Trace{}, err
	}
	return s.Trace()
}

// scan reads a file, or makes traffic up, and tells on standard error what had to be done.
func (r reading) scan(cmd *cobra.Command, path string, assume trace.Kind) (trace.Series, error) {
	if r.made.description != "" {
		return r.generated(cmd)
	}
	if err := r.made.check(cmd); err != nil {
		return trace.Series{}, err
	}
	in, err := trace.Open(path, cmd.InOrStdin())
	if err != nil {
		return trace.Series{}, refusal{err}
	}
	defer in.Close()
	t, err := trace.Scan(in, r.said(assume))
	if err != nil {
		return t, refuse("%s: %w", path, err)
	}
	for _, note := range t.Notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", path, note)
	}
	return t, nil
}

// said is what the flags say of a file.
func (r reading) said(assume trace.Kind) trace.Options {
	o := r.options
	o.Assume, o.Zone = assume, r.zone.location
	if kind, said := map[string]trace.Kind{"counts": trace.Counts, "gauges": trace.Gauges, "rates": trace.Rates}[r.values]; said {
		o.Kind = kind
	}
	o.Missing = map[string]trace.Missing{"zero": trace.Zero, "gap": trace.Gap}[r.missing]
	o.Order = map[string]trace.DateOrder{"mdy": trace.MonthFirst, "dmy": trace.DayFirst}[r.dates]
	return o
}

// path is the file that arguments name, or "" for traffic that is made up; wanted says what to
// name where neither is given.
func (r reading) path(args []string, wanted string) (string, error) {
	switch made := r.made.description != ""; {
	case made && len(args) > 0:
		return "", refuse("a file and --generate do not go together: leave out %q", args[0])
	case made:
		return "", nil
	case len(args) == 0:
		return "", refuse("%s", wanted)
	}
	return args[0], nil
}

// source names where values are from, for messages.
func (r reading) source(path string) string {
	if r.made.description != "" {
		return "--generate"
	}
	return path
}

// traffic reads a file of requests, or whatever else is counted.
func (r reading) traffic(cmd *cobra.Command, path string) (trace.Series, error) {
	t, err := r.scan(cmd, path, trace.Counts)
	if err != nil {
		return t, err
	}
	if t, err = t.Counted(); err != nil {
		return t, refuse("%s: %w", r.source(path), err)
	}
	return t, nil
}

// A zone is a flag's time zone.
type zone struct{ location *time.Location }

// String is the name of the zone.
func (z *zone) String() string {
	if z.location == nil {
		return ""
	}
	return z.location.String()
}

// Set reads the name of a zone.
func (z *zone) Set(name string) (err error) {
	if z.location, err = time.LoadLocation(name); err != nil {
		return fmt.Errorf("%q is no time zone; give a name such as Europe/Berlin", name)
	}
	return nil
}

// Type is how the value is named in help texts.
func (z *zone) Type() string { return "name" }
