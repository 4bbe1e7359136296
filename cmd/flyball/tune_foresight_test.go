package main

import (
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"flyball/forecast"
	"flyball/internal/tune"
	"flyball/sim"
)

// predictiveOfTune is how a candidate of flyball tune forecasts, with some flags.
func predictiveOfTune(t *testing.T, flags ...string) *sim.Predictive {
	t.Helper()
	given := tuning{candidates: 10, train: 0.5}
	cmd := &cobra.Command{}
	cmd.SetErr(io.Discard)
	given.flags(cmd)
	args := append([]string{"--traffic", requestsOfADay(t), "--cpu-per-request", "50ms", "--agree", "p95 < 800ms", "--max", "9"}, flags...)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	cmd.SetContext(t.Context())
	p, _, err := given.problem(cmd)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Build(p.Subject.Documents(tune.Candidate{Target: 60, Min: 1, Max: 9, Forecast: tune.Predicted{Target: 60, Buffer: 300}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, policy := range s.Policies {
		if policy.Predictive != nil {
			return policy.Predictive
		}
	}
	t.Fatal("no policy of the candidate forecasts")
	return nil
}

func TestTuneForecastsAsItsFlagsSay(t *testing.T) {
	usual := predictiveOfTune(t)
	if usual.Quantile != forecast.Provision || usual.Step != 0 || usual.Calendar.Zone != nil || usual.Calendar.Holidays != nil {
		t.Errorf("without flags: %+v", usual)
	}
	given := predictiveOfTune(t, "--quantile", "0.9", "--forecast-step", "5m", "--zone", "Europe/Berlin", "--holidays", "12-25,2026-10-31")
	holidays := []forecast.Holiday{{Month: time.December, Day: 25}, {Year: 2026, Month: time.October, Day: 31}}
	if given.Quantile != 0.9 || given.Step != 5*time.Minute || given.Calendar.Zone.String() != "Europe/Berlin" || !reflect.DeepEqual([]forecast.Holiday(given.Calendar.Holidays), holidays) {
		t.Errorf("with flags: %+v", given)
	}
}
