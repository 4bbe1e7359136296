package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"flyball/forecast"
)

// hill is the load of an hour of a day, or another cycle, of so many hours: busy in its middle.
func hill(hour, hours int) float64 {
	return 100 * (1.2 - math.Cos(2*math.Pi*float64(hour)/float64(hours)))
}

func TestForecastFindsASeasonThatIsNoDay(t *testing.T) {
	const hours = 5 * 168
	for _, c := range []struct {
		rule string
		at   func(t int) float64
	}{
		{"days of 23 hours", func(t int) float64 { return hill(t%23, 23) }},
		{"a job each ten hours", func(t int) float64 {
			if t%10 < 2 {
				return 300
			}
			return 20
		}},
		{"of 23 hours until two weeks ago, of 20 since", func(t int) float64 {
			if since := t - (hours - 2*168); since > 0 {
				return hill(since%20, 20)
			}
			return hill(t%23, 23)
		}},
		{"days of 24 hours and an hour's job each 17 hours that is most of the load", func(t int) float64 {
			v := hill(t%24, 24) / 10
			if t%17 == 0 {
				v += 400
			}
			return v
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, 0))
			history, future, day := make([]float64, hours), make([]float64, 48), make([]float64, 48)
			for i := range history {
				history[i] = c.at(i) * (1 + 0.02*random.NormFloat64())
			}
			for i := range future {
				future[i] = c.at(hours + i)
				day[i] = history[hours-24+i%24]
			}
			r := mustForecast(t, history, forecast.Options{})
			if own, other := absoluteError(future, r.Values), absoluteError(future, day); own > other/4 {
				t.Errorf("the error is %.2f of that of the last day, want at most a quarter", own/other)
			}
		})
	}
}

// TestUsualLoadsKeepTheirDays forecasts all families of loads but that with a season of its own by
// days.
func TestUsualLoadsKeepTheirDays(t *testing.T) {
	for k, kind := range families() {
		t.Run(kind.name, func(t *testing.T) {
			for seed := range uint64(4) {
				random := rand.New(rand.NewPCG(seed, uint64(k)))
				load := families()[k].load
				history := make([]float64, 6*168)
				for i := range history {
					history[i] = load(i, random)
				}
				for _, hours := range []int{400, 6*168 - 45, 6*168 - 12} {
					r := mustForecast(t, history[:hours], forecast.Options{Horizon: 1})
					days := slices.ContainsFunc(r.Methods, func(m forecast.Method) bool { return m.Name == "naive 24" })
					if !days && kind.name != ownSeason {
						t.Errorf("after %d hours, seed %d: without days", hours, seed)
					}
				}
			}
		})
	}
}

// TestForecastKeepsWeeksWithAJobEachFiveHours has a job that is most of what differs between days and weeks.
func TestForecastKeepsWeeksWithAJobEachFiveHours(t *testing.T) {
	const hours = 5 * 168
	random := rand.New(rand.NewPCG(3, 0))
	at := func(t int) float64 {
		v := hill(t%24, 24)
		if t/24%7 > 4 {
			v /= 2
		}
		if t%5 == 0 {
			v += 250
		}
		return v
	}
	history, future := make([]float64, hours), make([]float64, 48)
	for i := range history {
		history[i] = at(i) * (1 + 0.05*random.NormFloat64())
	}
	for i := range future {
		future[i] = at(hours + i)
	}
	if miss := absoluteError(future, mustForecast(t, history, forecast.Options{}).Values); miss > 0.15*absoluteError(future, make([]float64, 48)) {
		t.Errorf("the error is %.2f of the load, want at most 0.15", miss/absoluteError(future, make([]float64, 48)))
	}
}
