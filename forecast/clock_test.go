package forecast_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"flyball/forecast"
)

// TestForecastFollowsAChangeOfTheClock holds the error after the clock changed, of which nobody
// told, to a little more than without a change.
func TestForecastFollowsAChangeOfTheClock(t *testing.T) {
	const hours, series = 5*168 + 7, 4
	miss := func(change, move int) float64 {
		sum := 0.0
		for seed := range uint64(series) {
			random := rand.New(rand.NewPCG(seed, 9))
			at := func(t int) float64 {
				if t >= change {
					t += move
				}
				return weekday(t)
			}
			history, future := make([]float64, hours), make([]float64, 48)
			for i := range history {
				history[i] = at(i) * (1 + 0.05*random.NormFloat64())
			}
			for i := range future {
				future[i] = at(hours + i)
			}
			sum += absoluteError(future, mustForecast(t, history, forecast.Options{}).Values)
		}
		return sum
	}
	for _, move := range []int{-1, 1} {
		usual := miss(0, move)
		for _, ago := range []int{30, 4 * 24, 8 * 24, 16 * 24} {
			t.Run(fmt.Sprintf("by %+d hour %d hours ago", move, ago), func(t *testing.T) {
				if own := miss(hours-ago, move); own > 1.2*usual {
					t.Errorf("the error is %.2f of that without a change, want at most 1.2", own/usual)
				}
			})
		}
	}
}
