package forecast_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"flyball/forecast"
)

// family is a kind of load: the value of each hour, from a source of chance.
type family struct {
	name string
	load func(t int, random *rand.Rand) float64
}

// weekday is a load that is busy by day and halves at weekends.
func weekday(t int) float64 {
	return weekly(0).at(t)
}

// ownSeason is the family that days are no season of.
const ownSeason = "days of 23 hours"

// families are the kinds of load that a service has. Each call makes new ones,
// for some remember what level they are at.
func families() []family {
	level := 100.0
	noisy := func(random *rand.Rand, share float64) float64 { return 1 + share*random.NormFloat64() }
	return []family{
		{"days and weeks", func(t int, random *rand.Rand) float64 { return weekday(t) * noisy(random, 0.1) }},
		{"level jumps", func(t int, random *rand.Rand) float64 {
			if random.Float64() < 1.0/36 {
				level = 20 + 200*random.Float64()
			}
			return level * noisy(random, 0.02)
		}},
		{"a random walk", func(t int, random *rand.Rand) float64 {
			level = math.Abs(level + 3*random.NormFloat64())
			return level
		}},
		{"weekly batches", func(t int, random *rand.Rand) float64 {
			if t%168 >= 150 && t%168 < 154 {
				return 1000 * noisy(random, 0.05)
			}
			return 20 * noisy(random, 0.05)
		}},
		{"a clock change", func(t int, random *rand.Rand) float64 {
			if t >= 6*168-60 {
				t++
			}
			return weekday(t) * noisy(random, 0.05)
		}},
		{"growth", func(t int, random *rand.Rand) float64 {
			return weekday(t) * math.Pow(1.1, float64(t)/168) * noisy(random, 0.05)
		}},
		{"a straight rise", func(t int, random *rand.Rand) float64 {
			return (100 + float64(t)) * noisy(random, 0.01)
		}},
		{"a doubling", func(t int, random *rand.Rand) float64 {
			v := weekday(t) * noisy(random, 0.05)
			if t >= 4*168 {
				v *= 2
			}
			return v
		}},
		{"steps of a staircase", func(t int, random *rand.Rand) float64 {
			return (50 + 40*float64(t/97)) * noisy(random, 0.03)
		}},
		{"ramps up and down", func(t int, random *rand.Rand) float64 {
			return (100 + 3*math.Abs(float64(t%240-120))) * noisy(random, 0.03)
		}},
		{"a random walk in proportion", func(t int, random *rand.Rand) float64 {
			level = min(max(level*math.Exp(0.03*random.NormFloat64()), 1), 1e4)
			return level
		}},
		{"a random walk in noise", func(t int, random *rand.Rand) float64 {
			level = math.Abs(level + 2*random.NormFloat64())
			return level * noisy(random, 0.1)
		}},
		{"a random walk of the days' size", func(t int, random *rand.Rand) float64 {
			level = min(max(level*math.Exp(0.02*random.NormFloat64()), 20), 500)
			return level / 100 * weekday(t) * noisy(random, 0.03)
		}},
		{"intermittent", func(t int, random *rand.Rand) float64 {
			if random.Float64() < 0.8 {
				return 0
			}
			return float64(random.IntN(10))
		}},
		{ownSeason, func(t int, random *rand.Rand) float64 { return hill(t%23, 23) * noisy(random, 0.05) }},
	}
}

// simple are the forecasts that a good one must not lose to.
func simple(history []float64) map[string][]float64 {
	n := len(history)
	list := map[string][]float64{"week": nil, "day": nil, "last value": nil, "drift": nil}
	step := (history[n-1] - history[n-49]) / 48
	for i := range 48 {
		list["week"] = append(list["week"], history[n-168+i])
		list["day"] = append(list["day"], history[n-24+i%24])
		list["last value"] = append(list["last value"], history[n-1])
		list["drift"] = append(list["drift"], history[n-1]+float64(i+1)*step)
	}
	return list
}

// compared are the error of the forecast, and those of simple ones, over so many series of
// a family.
func compared(t testing.TB, k, series int) (own float64, others map[string]float64) {
	const first, hours = 2 * 168, 8 * 168
	others = map[string]float64{}
	for seed := range uint64(series) {
		random := rand.New(rand.NewPCG(seed, uint64(k)))
		load := families()[k].load
		all := make([]float64, hours)
		for i := range all {
			all[i] = load(i, random)
		}
		// Not a multiple of a day, so that each origin has another hour.
		for from := first + int(seed); from+48 <= hours; from += 211 {
			history, future := all[:from], all[from:from+48]
			own += absoluteError(future, mustForecast(t, history, forecast.Options{}).Values)
			for name, f := range simple(history) {
				others[name] += absoluteError(future, f)
			}
		}
	}
	return own, others
}

func TestForecastIsNeverMuchWorseThanASimpleOne(t *testing.T) {
	const series = 6
	for k, kind := range families() {
		t.Run(kind.name, func(t *testing.T) {
			own, others := compared(t, k, series)
			for name, e := range others {
				if own > 1.05*e {
					t.Errorf("the error is %.2f of that of %s, want at most 1.05", own/e, name)
				}
			}
		})
	}
}

// BenchmarkFamilies reports the error of the forecast on many series of each family, in times of
// that of the best simple one. docs/predictive.md has the table.
func BenchmarkFamilies(b *testing.B) {
	const series = 40
	for k, kind := range families() {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				own, others := compared(b, k, series)
				b.ReportMetric(own/slices.Min(slices.Collect(maps.Values(others))), "of-best-simple")
			}
		})
	}
}

func absoluteError(actual, predicted []float64) float64 {
	sum := 0.0
	for i, y := range actual {
		sum += math.Abs(y - predicted[i])
	}
	return sum
}
