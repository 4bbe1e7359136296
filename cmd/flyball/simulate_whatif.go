package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/hindsight"
	"flyball/internal/policydoc"
	"flyball/scaling"
	"flyball/sim"
)

// asItIs is the name of the run without the values of --set.
const asItIs = "as it is"

// A whatIf is the flags of flyball simulate that ask why, and what other values would have done.
type whatIf struct {
	set     []string
	explain string

	settings policydoc.Settings
	at       time.Time // of --explain; zero: it is not asked for
}

func (w *whatIf) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&w.set, "set", nil, "value of --policies to simulate beside what they have, such as policy.cpu.target=60 or max=20; can be given several times")
	f.StringVar(&w.explain, "explain", "", "time to explain, such as 2026-11-26T14:05:00Z: what alarms saw then, and what was decided")
	_ = cmd.RegisterFlagCompletionFunc("set", completeSettings)
}

// check reads what is asked.
func (w *whatIf) check() (err error) {
	if w.settings, err = policydoc.ParseSettings(w.set); err != nil {
		return fmt.Errorf("--set %w", err)
	}
	if w.explain == "" {
		return nil
	}
	if w.at, err = hindsight.ParseTime(w.explain); err != nil {
		return fmt.Errorf("--explain: %w", err)
	}
	w.at = w.at.Truncate(time.Minute)
	return nil
}

// within refuses to explain a time at which there is no traffic.
func (w *whatIf) within(start time.Time, traffic sim.Traffic) error {
	if w.at.IsZero() {
		return nil
	}
	end := start
	for range traffic {
		end = end.Add(time.Minute)
	}
	if w.at.Before(start) || !w.at.Before(end) {
		return fmt.Errorf("--explain %s: the traffic is of %s to %s; give a time in it", w.explain, start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	return nil
}

// name is that of the run with other values.
func (w *whatIf) name() string { return strings.Join(w.settings.Texts(), ", ") }

// listen has a column explain itself.
func (w *whatIf) listen(c *column) {
	if w.at.IsZero() {
		return
	}
	c.listener = &hindsight.Listener{At: w.at, Resource: scaling.ResourceID("service/" + strings.TrimPrefix(c.Resource, "service/"))}
	c.scenario.Explain = w.at
}
