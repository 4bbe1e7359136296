package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/hindsight"
	"flyball/internal/outcome"
	"flyball/internal/policydoc"
	"flyball/internal/preset"
	"flyball/scaling"
	"flyball/sim"
)

// A column is one run of those side by side.
type column struct {
	outcome.Run
	scenario sim.Scenario
	listener *hindsight.Listener // nil: nothing is to be explained
}

// columns are the run of --policies and those of --against, and their traffic.
func (s *simulating) columns(cmd *cobra.Command) ([]column, sim.Traffic, error) {
	beside := len(s.against)
	if len(s.settings) > 0 {
		beside++ // the policies without the values of --set
	}
	if beside > outcome.MostAgainst {
		return nil, nil, fmt.Errorf("--against is given %d times; %d at most can be read side by side, with what --set changes", len(s.against), outcome.MostAgainst)
	}
	first, err := s.documents(cmd.Context(), "policies", s.policies, cmd.InOrStdin())
	if err != nil {
		return nil, nil, err
	}
	if !s.at.IsZero() && len(first.Autoscalers) > 0 {
		return nil, nil, fmt.Errorf("--explain tells of AWS's policies: what another autoscaler decided, and why, is in --json and on the page of --html")
	}
	start, traffic, err := s.readTraffic(cmd)
	if err != nil {
		return nil, nil, err
	}
	if err := s.whatIf.within(start, traffic); err != nil {
		return nil, nil, err
	}
	all, err := s.given(cmd, first, start)
	if err != nil {
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

// given are the runs of --policies: as they are, or first with the values of --set.
func (s *simulating) given(cmd *cobra.Command, d policydoc.Documents, start time.Time) ([]column, error) {
	name := ""
	switch {
	case len(s.settings) > 0:
		name = asItIs
	case len(s.against) > 0 && len(s.policies) > 0:
		name, _ = named(s.policies[0])
	case len(s.against) > 0:
		name = "no policy"
	}
	plain, err := s.column(cmd, name, d, start)
	if err != nil || len(s.settings) == 0 {
		return []column{plain}, err
	}
	other, err := d.With(s.settings)
	if err != nil {
		return nil, fmt.Errorf("--set %w", err)
	}
	changed, err := s.column(cmd, s.whatIf.name(), other, start)
	if err != nil {
		return nil, fmt.Errorf("--set %s: %w", s.whatIf.name(), err)
	}
	return []column{changed, plain}, nil
}

// named takes NAME=FILE apart; without a name it is the file's.
func named(text string) (name, file string) {
	if name, file, ok := strings.Cut(text, "="); ok && name != "" && !strings.ContainsAny(name, "/:") {
		return name, file
	}
	if preset.IsShort(text) {
		return strings.TrimSuffix(text, ":"), text
	}
	base := filepath.Base(text)
	return cmp.Or(strings.TrimSuffix(base, filepath.Ext(base)), text), text
}

// within has policies without a scalable target or a service scale those of others.
func within(d, others policydoc.Documents) policydoc.Documents {
	if len(d.Targets) == 0 {
		d.Targets = others.Targets
	}
	if len(others.Targets) > 0 { // an autoscaler may say one bound only
		for i, t := range d.Targets {
			d.Targets[i].MinCapacity = cmp.Or(t.MinCapacity, others.Targets[0].MinCapacity)
			d.Targets[i].MaxCapacity = cmp.Or(t.MaxCapacity, others.Targets[0].MaxCapacity)
		}
	}
	if len(d.Services) == 0 {
		d.Services = others.Services
	}
	return d
}

func (s *simulating) column(cmd *cobra.Command, name string, d policydoc.Documents, start time.Time) (c column, err error) {
	c.Name, c.Recording = name, &outcome.Recording{}
	if c.scenario, c.Report, err = s.scenario(cmd, d, start); err != nil {
		return c, err
	}
	if len(d.Autoscalers) == 0 {
		s.listen(&c)
	}
	// What cannot be simulated is refused before any file is written.
	_, err = sim.Run(c.scenario, func(func(sim.Minute) bool) {})
	return c, err
}

// What is kept of decisions: those that are drawn, listed and compared, and each activity for JSON.
type kept struct{ decisions, activities bool }

// activity is who hears of activities, or nil: then nobody does, and none is put into words.
func (c *column) activity(keeps kept) func(scaling.Activity) {
	var all []func(scaling.Activity)
	if keeps.activities {
		all = append(all, keepActivities(&c.Activities))
	}
	if keeps.decisions {
		all = append(all, c.Recording.Activity)
	}
	if c.listener != nil {
		all = append(all, c.listener.Activity)
	}
	if len(all) == 0 {
		return nil
	}
	return func(a scaling.Activity) {
		for _, hear := range all {
			hear(a)
		}
	}
}

// run runs a column. Each minute is told to who wants to know; what is kept of decisions is what
// keeps says.
func (c *column) run(traffic sim.Traffic, minute func(sim.Record), keeps kept) (err error) {
	c.scenario.Observer = sim.Observer{
		Activity: c.activity(keeps),
		Minute: func(r sim.Record) {
			if minute != nil {
				minute(r)
			}
			c.Recording.Minute(r)
		},
	}
	if keeps.decisions {
		c.scenario.Observer.Alarm = c.Recording.Alarm
	}
	if c.listener != nil {
		c.scenario.Observer.Explained = c.listener.Explained
	}
	if c.Result, err = sim.Run(c.scenario, traffic); err == nil && c.listener != nil {
		c.Explained = c.listener.Explanation()
	}
	return err
}
