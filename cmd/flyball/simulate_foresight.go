package main

import (
	"time"

	"github.com/spf13/cobra"

	"flyball/forecast"
	"flyball/sim"
)

// A foresight is how predictive policies forecast in a simulation: in the place of what tags say
// of a scalable target.
type foresight struct {
	given    func(flag string) bool
	step     time.Duration
	holidays holidays
	quantile float64
}

func (f *foresight) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.given = flags.Changed
	flags.DurationVar(&f.step, "forecast-step", time.Hour, "time for which predictive policies forecast a capacity each, in the place of the tag flyball:forecast-step")
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
			if zone != nil {
				p.Predictive.Calendar.Zone = zone
			}
			if f.given("holidays") {
				p.Predictive.Calendar.Holidays = f.holidays
			}
			if f.given("forecast-step") {
				p.Predictive.Step = f.step % time.Hour // 0: an hour
			}
		}
	}
	return nil
}
