package forecast_test

import (
	"math"
	"slices"
	"testing"

	"flyball/forecast"
)

// business is a load on weekdays from 9 to 18 only, with little noise.
func business(hours int) (history []float64) {
	all, _ := weekly(hours).series(0)
	for t, v := range all {
		if t/24%7 >= 5 || t%24 < 9 || t%24 >= 18 {
			v = 0
		}
		history = append(history, v)
	}
	return history
}

func TestForecastAfterTheLoadWasAway(t *testing.T) {
	away := func(v []float64, from, hours int) {
		clear(v[from : from+hours])
	}
	const n = 14 * 24
	for _, c := range []struct {
		rule   string
		change func(v []float64)
	}{
		{"38 hours until an hour ago", func(v []float64) { away(v, n-39, 38) }},
		{"38 hours until yesterday", func(v []float64) { away(v, n-62, 38) }},
		{"six hours, twice", func(v []float64) { away(v, n-34, 6); away(v, n-100, 6) }},
		{"four hours by now", func(v []float64) { away(v, n-4, 4) }},
		{"a little is left", func(v []float64) {
			for i := n - 50; i < n-20; i++ {
				v[i] *= 0.02
			}
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			history, future := weekly(n).series(48)
			c.change(history)
			r := mustForecast(t, history, forecast.Options{})
			if e := relativeError(future, r.Values); e > 0.1 {
				t.Errorf("the error is %.1f %% of the load, want at most 10 %%; made of %v", 100*e, r.Methods)
			}
		})
	}
}

func TestZerosThatBelongToTheLoadStay(t *testing.T) {
	mondays := business(16*24 + 48)
	ended, _ := weekly(14 * 24).series(0)
	clear(ended[len(ended)-30:])
	fridays := business(18*24 + 72)
	for _, c := range []struct {
		rule            string
		history, future []float64
	}{
		{"nights and weekends without load, asked on a Wednesday", mondays[:16*24], mondays[16*24:]},
		{"the weekend to come has no load", fridays[:18*24], fridays[18*24:]},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, from := range []int{0, 40, 100} { // the window of two weeks begins anywhere
				r := mustForecast(t, c.history[from:], forecast.Options{Horizon: len(c.future)})
				if e := relativeError(c.future, r.Values); e > 0.15 {
					t.Errorf("from hour %d: the error is %.1f %% of the load, want at most 15 %%; made of %v", from, 100*e, r.Methods)
				}
			}
		})
	}
	t.Run("a service that ended yesterday has no load", func(t *testing.T) {
		// A weekday of 1000 requests an hour on average.
		if f := mustForecast(t, ended, forecast.Options{Horizon: 6}).Values; slices.Max(f) > 200 {
			t.Errorf("got %.0f", f)
		}
	})
}

// Five days of nothing, then three days of load.
func TestWhatWasBeforeTheLaunchIsForgotten(t *testing.T) {
	history, future := load{hours: 8 * 24, level: 1000, daily: 0.6, noise: 0.05, seed: 5}.series(48)
	clear(history[:5*24])
	o := forecast.Options{Levels: []float64{0.5}}
	got, want := mustForecast(t, history, o), mustForecast(t, history[5*24:], o)
	if e := relativeError(future, got.Values); e > 0.1 {
		t.Errorf("the error is %.1f %% of the load, want at most 10 %%", 100*e)
	}
	for i, v := range want.Intervals[0].Upper {
		if got.Intervals[0].Upper[i] != v {
			t.Fatalf("step %d: the interval ends at %.0f, and at %.0f without the time before", i, got.Intervals[0].Upper[i], v)
		}
	}
}

func TestNoForecastRisesAsNoLoadHasRisen(t *testing.T) {
	// Nearly nothing at weekends: on the first Monday, the methods that work on
	// logarithms see the largest rise of their lives.
	history, _ := weekly(8 * 24).series(0)
	for t := range history {
		if t/24%7 >= 5 || t%24 < 9 || t%24 >= 18 {
			history[t] *= 0.005
		}
	}
	for n := 7 * 24; n < len(history); n += 6 {
		past := history[:n]
		highest := slices.Max(past)
		if f := slices.Max(mustForecast(t, past, forecast.Options{}).Values); f > 1.5*highest*(1+1e-9) {
			t.Errorf("after %d hours: %.0f is forecast, the highest was %.0f", n, f, highest)
		}
	}
	// A load that grows by a third a day goes on to.
	grown := make([]float64, 10*24)
	for t := range grown {
		grown[t] = math.Pow(4.0/3, float64(t)/24)
	}
	last := grown[len(grown)-1]
	if f := mustForecast(t, grown, forecast.Options{}).Values[47]; f < 1.4*last {
		t.Errorf("%.1f is forecast in two days, want more than 1.4 times %.1f", f, last)
	}
}

func TestQuantilesHoldWithTheirProbability(t *testing.T) {
	under := make([]float64, 3)
	const n = 35
	o := forecast.Options{Quantiles: []float64{0.5, forecast.Provision, 0.9}}
	for seed := range uint64(n) {
		l := weekly(14*24 + int(seed%7)*24 + 48) // to every day of the week
		l.noise, l.seed = 0.2, 200+seed
		all, _ := l.series(0)
		r := mustForecast(t, all[:len(all)-48][seed%7*24:], o)
		if !slices.Equal(r.Quantiles[0], r.Values) {
			t.Fatal("half of all values are not at or under the forecast")
		}
		for k, q := range r.Quantiles {
			for i, y := range all[len(all)-48:] {
				if y <= q[i] {
					under[k] += 1.0 / 48 / n
				}
			}
		}
	}
	for k, p := range o.Quantiles {
		if math.Abs(under[k]-p) > 0.05 {
			t.Errorf("%.1f %% of the values are at or under the quantile %v", 100*under[k], p)
		}
	}
}
