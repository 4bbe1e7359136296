package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/outcome"
	"flyball/internal/terminal"
	"flyball/scaling"
	"flyball/sim"
)

// The simulationOutputs are the flags that say what is printed, and what files are written.
type simulationOutputs struct {
	json                bool
	minutes             string
	html, svg, markdown string
}

func (o *simulationOutputs) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON, with all activities")
	f.StringVar(&o.minutes, "minutes", "", "CSV file to write every minute to")
	f.StringVar(&o.html, "html", "", "file to write a page to, with picture, differences and decisions")
	f.StringVar(&o.svg, "svg", "", "file to write the picture to")
	f.StringVar(&o.markdown, "markdown", "", "file to write a short summary to, for a comment on a pull request; - prints it instead of the text")
	_ = cmd.MarkFlagFilename("minutes", "csv")
	_ = cmd.MarkFlagFilename("html", "html")
	_ = cmd.MarkFlagFilename("svg", "svg")
	_ = cmd.MarkFlagFilename("markdown", "md")
}

// check refuses what cannot be printed together, and to write over what is read.
func (o *simulationOutputs) check(read ...namedFile) error {
	if o.json && o.markdown == "-" {
		return errors.New("--json and --markdown - would both be printed: give --markdown a file")
	}
	flags := map[string]string{}
	for _, file := range []namedFile{{"minutes", o.minutes}, {"html", o.html}, {"svg", o.svg}, {"markdown", o.markdown}} {
		if other, twice := flags[file.name]; twice && file.name != "" {
			return fmt.Errorf("--%s and --%s would both be written to %s: give each a file of its own", other, file.flag, file.name)
		}
		flags[file.name] = file.flag
		for _, in := range read {
			if file.name != "" && file.name == in.name {
				return fmt.Errorf("--%s would be written over the file that --%s reads, %s: give it another", file.flag, in.flag, in.name)
			}
		}
	}
	return nil
}

// A namedFile is a file that a flag names.
type namedFile struct{ flag, name string }

// tellsDecisions reports whether single decisions are told, and not only how many there were.
func (o *simulationOutputs) tellsDecisions() bool {
	return o.html != "" || o.svg != "" || o.markdown != "" || o.json
}

// write writes the files that are asked for, and what is printed.
func (o *simulationOutputs) write(out io.Writer, shown outcome.Outcome) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{{o.html, shown.WriteHTML}, {o.svg, shown.WriteSVG}, {o.markdown, shown.WriteMarkdown}} {
		if file.name == "" || file.name == "-" {
			continue
		}
		if err := createFile(file.name, file.write); err != nil {
			return err
		}
	}
	switch {
	case o.json:
		return shown.WriteJSON(out)
	case o.markdown == "-":
		return shown.WriteMarkdown(out)
	}
	if err := shown.WriteText(out); err != nil {
		return err
	}
	if width, drawn := terminal.Width(out); drawn && len(shown.Against) == 0 {
		return shown.Recording.WriteChart(out, min(width, 120))
	}
	return nil
}

// withMinutes has the minutes of the first column written while it runs, if that is asked for.
// The file is there only once it is whole.
func (o *simulationOutputs) withMinutes(run func(func(sim.Record)) error) error {
	if o.minutes == "" {
		return run(nil)
	}
	file, err := createWhole(o.minutes)
	if err != nil {
		return err
	}
	minute, flush := writeMinutes(file)
	if err = run(minute); err == nil {
		err = flush()
	}
	return file.finish(err)
}

// keepActivities keeps what became of each activity, in the order in which they began.
func keepActivities(to *[]scaling.Activity) func(scaling.Activity) {
	places := map[string]int{}
	return func(a scaling.Activity) {
		i, known := places[a.ID]
		if !known {
			i = len(*to)
			*to = append(*to, a)
		}
		(*to)[i] = a
		if a.Status.Ended() {
			delete(places, a.ID)
		} else {
			places[a.ID] = i
		}
	}
}

// writeMinutes writes each minute as CSV.
func writeMinutes(to io.Writer) (minute func(sim.Record), flush func() error) {
	buffer := bufio.NewWriterSize(to, 1<<16)
	w := csv.NewWriter(buffer)
	_ = w.Write([]string{"time", "requests", "late", "dropped", "backlog", "mean_seconds", "desired", "running", "serving", "needed", "use", "paid"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	record := func(r sim.Record) {
		_ = w.Write([]string{ // the error is kept
			r.Time.Format(time.RFC3339), number(r.Requests), number(r.Late), number(r.Dropped), number(r.Backlog), number(r.Mean.Seconds()),
			strconv.Itoa(r.Desired), strconv.Itoa(r.Running), strconv.Itoa(r.Serving), strconv.Itoa(r.Needed), number(r.Use), number(r.Paid / 60),
		})
	}
	return record, func() error {
		w.Flush()
		if err := w.Error(); err != nil {
			return err
		}
		return buffer.Flush()
	}
}
