package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/outcome"
	"flyball/internal/policydoc"
	"flyball/internal/terminal"
	"flyball/scaling"
	"flyball/sim"
)

// A column is one run of those side by side.
type column struct {
	outcome.Run
	scenario sim.Scenario
}

// columns are the run of --policies and those of --against, and their traffic.
func (s *simulating) columns(cmd *cobra.Command) ([]column, sim.Traffic, error) {
	if len(s.against) > outcome.MostAgainst {
		return nil, nil, fmt.Errorf("--against is given %d times; %d at most can be read side by side", len(s.against), outcome.MostAgainst)
	}
	first, err := s.documents(cmd.Context(), "policies", s.policies, cmd.InOrStdin())
	if err != nil {
		return nil, nil, err
	}
	start, traffic, err := s.readTraffic(cmd)
	if err != nil {
		return nil, nil, err
	}
	name := ""
	switch {
	case len(s.against) > 0 && len(s.policies) > 0:
		name, _ = named(s.policies[0])
	case len(s.against) > 0:
		name = "no policy"
	}
	all := []column{{}}
	if all[0], err = s.column(cmd, name, first, start); err != nil {
		return nil, nil, err
	}
	for _, text := range s.against {
		name, file := named(text)
		d, err := s.documents(cmd.Context(), "against", []string{file}, cmd.InOrStdin())
		if err != nil {
			return nil, nil, err
		}
		for _, before := range all {
			if before.Name == name {
				return nil, nil, fmt.Errorf("two of the policies are called %s: name them, as in --against old=%s", name, file)
			}
		}
		c, err := s.column(cmd, name, within(d, first), start)
		if err != nil {
			return nil, nil, fmt.Errorf("--against %s: %w", text, err)
		}
		all = append(all, c)
	}
	return all, traffic, nil
}

// named takes NAME=FILE apart; without a name it is the file's.
func named(text string) (name, file string) {
	if name, file, ok := strings.Cut(text, "="); ok && name != "" && !strings.ContainsAny(name, "/:") {
		return name, file
	}
	base := filepath.Base(text)
	return cmp.Or(strings.TrimSuffix(base, filepath.Ext(base)), text), text
}

// within has policies without a scalable target or a service scale those of others.
func within(d, others policydoc.Documents) policydoc.Documents {
	if len(d.Targets) == 0 {
		d.Targets = others.Targets
	}
	if len(d.Services) == 0 {
		d.Services = others.Services
	}
	return d
}

func (s *simulating) column(cmd *cobra.Command, name string, d policydoc.Documents, start time.Time) (c column, err error) {
	c.Name, c.Recording = name, &outcome.Recording{}
	c.scenario, c.Report, err = s.scenario(cmd, d, start)
	return c, err
}

// run runs a column. Each minute is told to who wants to know, and activities are kept for
// JSON.
func (c *column) run(traffic sim.Traffic, minute func(sim.Record), activities bool) (err error) {
	keep := func(scaling.Activity) {}
	if activities {
		keep = keepActivities(&c.Activities)
	}
	c.scenario.Observer = sim.Observer{
		Alarm: c.Recording.Alarm,
		Activity: func(a scaling.Activity) {
			keep(a)
			c.Recording.Activity(a)
		},
		Minute: func(r sim.Record) {
			if minute != nil {
				minute(r)
			}
			c.Recording.Minute(r)
		},
	}
	c.Result, err = sim.Run(c.scenario, traffic)
	return err
}

// write writes the files that are asked for, and what is printed.
func (s *simulating) write(out io.Writer, o outcome.Outcome) error {
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{{s.pictures.html, o.WriteHTML}, {s.pictures.svg, o.WriteSVG}, {s.pictures.markdown, o.WriteMarkdown}} {
		if file.name == "" || file.name == "-" {
			continue
		}
		if err := createFile(file.name, file.write); err != nil {
			return err
		}
	}
	switch {
	case s.json:
		return o.WriteJSON(out)
	case s.pictures.markdown == "-":
		return o.WriteMarkdown(out)
	}
	if err := o.WriteText(out); err != nil {
		return err
	}
	if width, drawn := terminal.Width(out); drawn && len(o.Against) == 0 {
		return o.Recording.WriteChart(out, min(width, 120))
	}
	return nil
}

// writesMinutes writes the minutes of the first column, if that is asked for.
func (s *simulating) writesMinutes() (func(sim.Record), func() error, error) {
	if s.minutes == "" {
		return nil, func() error { return nil }, nil
	}
	return writeMinutes(s.minutes)
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

// writeMinutes writes each minute into a CSV file.
func writeMinutes(name string) (func(sim.Record), func() error, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	buffer := bufio.NewWriterSize(file, 1<<16)
	w := csv.NewWriter(buffer)
	_ = w.Write([]string{"time", "requests", "late", "dropped", "backlog", "mean_seconds", "desired", "running", "serving", "needed", "use"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	record := func(r sim.Record) {
		_ = w.Write([]string{ // the error is kept
			r.Time.Format(time.RFC3339), number(r.Requests), number(r.Late), number(r.Dropped), number(r.Backlog), number(r.Mean.Seconds()),
			strconv.Itoa(r.Desired), strconv.Itoa(r.Running), strconv.Itoa(r.Serving), strconv.Itoa(r.Needed), number(r.Use),
		})
	}
	finish := func() error {
		w.Flush()
		if err := w.Error(); err != nil {
			return err
		}
		if err := buffer.Flush(); err != nil {
			return err
		}
		return file.Close()
	}
	return record, finish, nil
}
