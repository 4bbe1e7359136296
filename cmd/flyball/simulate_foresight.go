package main

import (
	"time"

	"github.com/spf13/cobra"

	"flyball/forecast"
	"flyball/governor"
	"flyball/sim"
)

// A foresight is how predictive policies forecast in a simulation: what tags say of a scalable
// target.
type foresight struct {
	step     time.Duration
	holidays holidays
	quantile float64
}

func (f *foresight) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.DurationVar(&f.step, "forecast-step", time.Hour, "time for which predictive policies forecast a capacity each, as the tag flyball:forecast-step")
	flags.Var(&f.holidays, "holidays", "dates of holidays for predictive policies, as 2026-12-25 or, each year, 12-25; or a file with a date a line")
	flags.Float64Var(&f.quantile, "quantile", forecast.Provision, "share of the hours for which the capacity of predictive policies is to be enough")
}

// apply has the predictive policies of a scenario forecast so, by the clock of a zone.
func (f *foresight) apply(scenario *sim.Scenario, zone *time.Location) error {
	switch {
	case f.step < time.Minute || f.step%time.Minute != 0 || time.Hour%f.step != 0:
		return refuse("--forecast-step %v: an hour must be a number of steps of whole minutes, such as 5m", f.step)
	case !(f.quantile > 0 && f.quantile < 1):
		return refuse("--quantile %v: give a share between 0 and 1, such as 0.6", f.quantile)
	}
	for _, p := range scenario.Policies {
		if p.Predictive != nil {
			p.Predictive.Quantile = f.quantile
			p.Predictive.Calendar = governor.Calendar{Zone: zone, Holidays: f.holidays}
			if f.step < time.Hour {
				p.Predictive.Step = f.step
			}
		}
	}
	return nil
}
