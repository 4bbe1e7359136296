package forecast_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"flyball/forecast"
)

// A load describes a synthetic hourly load of a service that is busy by day
// and on weekdays.
type load struct {
	hours int
	level float64
	daily float64 // amplitude over level
	week  float64 // what a weekend lacks, of level
	trend float64 // a week, of level
	noise float64 // standard deviation, of the load
	seed  uint64
}

// at is the expected load of an hour.
func (l load) at(t int) float64 {
	v := 1 + l.daily*math.Sin(2*math.Pi*float64(t%24-9)/24) + l.trend*float64(t)/168
	if t/24%7 >= 5 {
		v *= 1 - l.week
	}
	return l.level * max(v, 0)
}

// series is the load with noise and, noiseless, what follows.
func (l load) series(horizon int) (history, future []float64) {
	random := rand.New(rand.NewPCG(l.seed, 1))
	for t := range l.hours + horizon {
		if v := l.at(t); t < l.hours {
			history = append(history, max(v*(1+l.noise*random.NormFloat64()), 0))
		} else {
			future = append(future, v)
		}
	}
	return history, future
}

func weekly(hours int) load {
	return load{hours: hours, level: 1000, daily: 0.6, week: 0.4, noise: 0.05, seed: 1}
}

func mustForecast(t testing.TB, history []float64, o forecast.Options) forecast.Result {
	t.Helper()
	r, err := forecast.Forecast(history, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// relativeError is the mean absolute error over the mean of the actual values.
func relativeError(actual, predicted []float64) float64 {
	miss, sum := 0.0, 0.0
	for i, y := range actual {
		miss += math.Abs(y - predicted[i])
		sum += math.Abs(y)
	}
	return miss / sum
}

func TestForecastFollows(t *testing.T) {
	smooth := func(hours int) load { l := weekly(hours); l.noise = 0; return l }
	for _, c := range []struct {
		rule   string
		load   load
		change func(v []float64)
		within float64 // of the load
	}{
		{"a day and week without noise", smooth(28 * 24), nil, 0.01},
		{"a day and week with noise of 5 %", weekly(28 * 24), nil, 0.04},
		{"a day and week seen twice", weekly(14 * 24), nil, 0.06},
		{"a day seen four times", load{hours: 4 * 24, level: 50, daily: 0.7, noise: 0.05, seed: 2}, nil, 0.07},
		{"a day seen once", load{hours: 24, level: 50, daily: 0.7, seed: 2}, nil, 0.001},
		{"a trend of 10 % a week", load{hours: 28 * 24, level: 1000, daily: 0.5, week: 0.3, trend: 0.1, noise: 0.03, seed: 3}, nil, 0.05},
		{"a level that doubled three days ago", weekly(28 * 24), func(v []float64) {
			for i := len(v) - 72; i < len(v); i++ {
				v[i] *= 2
			}
		}, -1},
		{"the usual after a holiday last week", weekly(28 * 24), func(v []float64) {
			for i := len(v) - 6*24; i < len(v)-5*24; i++ {
				v[i] *= 0.2
			}
		}, 0.1},
		{"the usual after a day's outage", weekly(28 * 24), func(v []float64) {
			for i := len(v) - 4*24; i < len(v)-3*24; i++ {
				v[i] = 0
			}
		}, 0.1},
		{"the usual after a burst of ten times the load", weekly(28 * 24), func(v []float64) {
			for i := len(v) - 30; i < len(v)-27; i++ {
				v[i] *= 10
			}
		}, 0.1},
		{"the usual across gaps of hours and a day", weekly(28 * 24), func(v []float64) {
			for i := range v {
				if i%17 == 3 || i > 300 && i < 330 {
					v[i] = math.NaN()
				}
			}
		}, 0.04},
		{"the usual when the last six hours are missing", weekly(28 * 24), func(v []float64) {
			for i := len(v) - 6; i < len(v); i++ {
				v[i] = math.NaN()
			}
		}, 0.05},
		{"nights without any load", load{hours: 21 * 24, level: 100, daily: 2, noise: 0.05, seed: 4}, nil, 0.05},
		{"a constant", load{hours: 10 * 24, level: 7}, nil, 1e-6},
	} {
		t.Run(c.rule, func(t *testing.T) {
			history, future := c.load.series(48)
			if c.change != nil {
				c.change(history)
			}
			if c.within < 0 { // the level that came stays
				for i := range future {
					future[i] *= 2
				}
				c.within = 0.12
			}
			r := mustForecast(t, history, forecast.Options{})
			if e := relativeError(future, r.Values); e > c.within {
				t.Errorf("the error is %.1f %% of the load, want at most %.1f %%; made of %v", 100*e, 100*c.within, r.Methods)
			}
		})
	}
}

func TestForecastBeatsSeasonalNaive(t *testing.T) {
	var own, naive float64
	for seed := range uint64(20) {
		l := weekly(21 * 24)
		l.noise, l.seed, l.hours = 0.15, seed, 21*24+int(seed)
		history, future := l.series(48)
		own += relativeError(future, mustForecast(t, history, forecast.Options{}).Values)
		naive += relativeError(future, history[len(history)-168:][:48])
	}
	if own > 0.6*naive {
		t.Errorf("the error is %.2f of that of repeating the last week, want at most 0.6", own/naive)
	}
}

func TestIntervalsHoldTheirLevel(t *testing.T) {
	inside := make([]float64, 2)
	const n = 30
	for seed := range uint64(n) {
		l := weekly(21*24 + 48)
		l.noise, l.seed = 0.2, 100+seed
		all, _ := l.series(0)
		r := mustForecast(t, all[:len(all)-48], forecast.Options{Levels: []float64{0.8, 0.95}})
		for k, in := range r.Intervals {
			for i, y := range all[len(all)-48:] {
				if y >= in.Lower[i] && y <= in.Upper[i] {
					inside[k] += 1.0 / 48 / n
				}
			}
		}
	}
	if inside[0] < 0.75 || inside[0] > 0.9 {
		t.Errorf("80 %% intervals hold %.0f %% of the values", 100*inside[0])
	}
	if inside[1] < 0.92 {
		t.Errorf("95 %% intervals hold %.0f %% of the values", 100*inside[1])
	}
}

func TestIntervalsAreWiderAtBusyHours(t *testing.T) {
	l := weekly(28 * 24)
	l.noise = 0.2
	history, _ := l.series(0)
	r := mustForecast(t, history, forecast.Options{Horizon: 24})
	width := func(i int) float64 { return r.Intervals[0].Upper[i] - r.Intervals[0].Lower[i] }
	if night, day := width(3), width(15); day < 1.5*night {
		t.Errorf("the interval is %.0f wide by day and %.0f by night", day, night)
	}
}

func TestIntervalsAreWiderAtUncertainHours(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	history := make([]float64, 28*24)
	for i := range history {
		noise := 0.02
		if i%24 >= 12 && i%24 < 16 {
			noise = 0.3
		}
		history[i] = 1000 * (1 + noise*random.NormFloat64())
	}
	in := mustForecast(t, history, forecast.Options{Horizon: 24}).Intervals[0]
	if sure, unsure := in.Upper[4]-in.Lower[4], in.Upper[14]-in.Lower[14]; unsure < 1.5*sure {
		t.Errorf("the interval is %.0f wide at an uncertain hour and %.0f at a certain one", unsure, sure)
	}
}

func TestForecastRefuses(t *testing.T) {
	day := make([]float64, 24)
	for _, c := range []struct {
		rule    string
		history []float64
		options forecast.Options
		want    string
	}{
		{"an empty history", nil, forecast.Options{}, forecast.ErrNoData.Error()},
		{"a history of gaps", []float64{math.NaN()}, forecast.Options{}, forecast.ErrNoData.Error()},
		{"an infinite value", []float64{1, math.Inf(1)}, forecast.Options{}, "value 2 of the history is infinite"},
		{"a value whose sums are no numbers", []float64{1, 1.7e308}, forecast.Options{}, "value 2 of the history is 1.7e+308: beyond 1e300 nothing can be forecast"},
		{"a negative horizon", day, forecast.Options{Horizon: -1}, "horizon -1 is not within 1 to 840"},
		{"a horizon beyond five weeks", day, forecast.Options{Horizon: 841}, "horizon 841 is not within 1 to 840"},
		{"seasons that do not ascend", day, forecast.Options{Seasons: []int{168, 24}}, "seasons [168 24] do not ascend"},
		{"a season twice", day, forecast.Options{Seasons: []int{24, 24}}, "seasons [24 24] do not ascend"},
		{"a season of one", day, forecast.Options{Seasons: []int{1, 24}}, "season 1 is shorter than 2; give numbers of values that ascend, such as 24 and 168"},
		{"a level of 1", day, forecast.Options{Levels: []float64{1}}, "interval level 1 is not between 0 and 1"},
		{"a level that is no number", day, forecast.Options{Levels: []float64{math.NaN()}}, "interval level NaN is not between 0 and 1"},
		{"a quantile of 0", day, forecast.Options{Quantiles: []float64{0}}, "quantile 0 is not between 0 and 1"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if _, err := forecast.Forecast(c.history, c.options); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := forecast.Forecast(nil, forecast.Options{}); !errors.Is(err, forecast.ErrNoData) {
		t.Errorf("got %v, want ErrNoData", err)
	}
}

// anyHistory draws histories of all kinds: long and short, with gaps, zeros,
// jumps and magnitudes from thousandths to billions.
func anyHistory(t *rapid.T) []float64 {
	n := rapid.IntRange(1, 700).Draw(t, "hours")
	scale := math.Pow(10, rapid.Float64Range(-3, 9).Draw(t, "magnitude"))
	daily := rapid.Float64Range(0, 2).Draw(t, "daily")
	noise := rapid.Float64Range(0, 2).Draw(t, "noise")
	gaps := rapid.Float64Range(0, 0.5).Draw(t, "gaps")
	jump := rapid.IntRange(0, n).Draw(t, "jump")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
	v := make([]float64, n)
	for i := range v {
		v[i] = scale * max(0, 1+daily*math.Sin(2*math.Pi*float64(i)/24)+noise*random.NormFloat64())
		if i >= jump {
			v[i] *= 10
		}
		if i > 0 && random.Float64() < gaps {
			v[i] = math.NaN()
		}
	}
	return v
}

func anyOptions(t *rapid.T) forecast.Options {
	return forecast.Options{
		Horizon: rapid.IntRange(1, 60).Draw(t, "horizon"),
		Seasons: rapid.SampledFrom([][]int{{}, {24}, {24, 168}, {168}, {7}, {2, 3, 5, 24}}).Draw(t, "seasons"),
	}
}

func TestForecastIsFiniteAndNeverNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := anyOptions(t)
		r, err := forecast.Forecast(anyHistory(t), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Values) != o.Horizon {
			t.Fatalf("%d values for a horizon of %d", len(r.Values), o.Horizon)
		}
		for i, v := range r.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Fatalf("value %d is %v", i, v)
			}
			for _, in := range r.Intervals {
				if !(in.Lower[i] <= v && v <= in.Upper[i]) || in.Lower[i] < 0 || math.IsInf(in.Upper[i], 0) {
					t.Fatalf("value %d is %v with the interval %v to %v", i, v, in.Lower[i], in.Upper[i])
				}
			}
			narrow, wide := r.Intervals[0], r.Intervals[1]
			if narrow.Lower[i] < wide.Lower[i] || narrow.Upper[i] > wide.Upper[i] {
				t.Fatalf("the 80 %% interval of value %d leaves the 95 %% one", i)
			}
		}
		sum := 0.0
		for _, m := range r.Methods {
			sum += m.Weight
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the weights make %v", sum)
		}
	})
}

func TestForecastIsDeterministicAndLeavesItsInputAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history, o := anyHistory(t), anyOptions(t)
		before := fmt.Sprint(history, o)
		first, err := forecast.Forecast(history, o)
		if err != nil {
			t.Fatal(err)
		}
		second, _ := forecast.Forecast(history, o)
		if fmt.Sprint(first) != fmt.Sprint(second) {
			t.Fatal("two forecasts of one history differ")
		}
		if fmt.Sprint(history, o) != before {
			t.Fatal("the forecast has changed its input")
		}
	})
}

func TestForecastScalesWithTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history, o := anyHistory(t), anyOptions(t)
		// A power of two changes no digit, so that no fit can end elsewhere.
		factor := math.Pow(2, float64(rapid.IntRange(-20, 20).Draw(t, "factor")))
		scaled := make([]float64, len(history))
		for i, v := range history {
			scaled[i] = factor * v
		}
		a, err := forecast.Forecast(history, o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := forecast.Forecast(scaled, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range a.Values {
			if d := math.Abs(factor*v - b.Values[i]); d > 1e-6*factor*(v+1e-12) {
				t.Fatalf("value %d: %v times %v became %v", i, v, factor, b.Values[i])
			}
		}
	})
}

func TestForecastOfASignedSeriesMovesWithIt(t *testing.T) {
	history, _ := weekly(21 * 24).series(0)
	shifted := make([]float64, len(history))
	for i := range history {
		history[i] -= 1000
		shifted[i] = history[i] - 500
	}
	a := mustForecast(t, history, forecast.Options{}).Values
	b := mustForecast(t, shifted, forecast.Options{}).Values
	for i := range a {
		if math.Abs(a[i]-500-b[i]) > 20 {
			t.Errorf("value %d: %.1f less 500 became %.1f", i, a[i], b[i])
		}
	}
}

func TestOnlyTheNewestTenWeeksCount(t *testing.T) {
	history, _ := weekly(1680).series(0)
	longer := append(make([]float64, 1000), history...)
	a, b := mustForecast(t, history, forecast.Options{}), mustForecast(t, longer, forecast.Options{})
	if !reflect.DeepEqual(a, b) {
		t.Error("older values have changed the forecast")
	}
}

func ExampleForecast() {
	// Two weeks of a service with 100 requests an hour, 300 from 8 to 18.
	var history []float64
	for hour := range 14 * 24 {
		requests := 100.0
		if hour%24 >= 8 && hour%24 < 18 {
			requests = 300
		}
		history = append(history, requests)
	}
	r, err := forecast.Forecast(history, forecast.Options{Horizon: 12})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.0f\n", r.Values)
	// Output: [100 100 100 100 100 100 100 100 300 300 300 300]
}

func BenchmarkForecast(b *testing.B) {
	for _, days := range []int{1, 14, 28, 40} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			history, _ := weekly(days * 24).series(0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := forecast.Forecast(history, forecast.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestFirstHourIsTheSameWhateverTheHorizon(t *testing.T) {
	l := weekly(200)
	l.noise = 0.1
	history, _ := l.series(0)
	first := func(horizon int) string {
		r := mustForecast(t, history, forecast.Options{Horizon: horizon})
		return fmt.Sprint(r.Values[0], r.Intervals[0].Lower[0], r.Intervals[0].Upper[0])
	}
	want := first(48)
	for _, horizon := range []int{1, 6, 24, 47} {
		if got := first(horizon); got != want {
			t.Errorf("with a horizon of %d: %s, with 48: %s", horizon, got, want)
		}
	}
	one := mustForecast(t, history, forecast.Options{Horizon: 1}).Intervals[0]
	if one.Upper[0]-one.Lower[0] < 0.05*one.Upper[0] {
		t.Errorf("the interval is %v to %v, though the noise is 10 %%", one.Lower[0], one.Upper[0])
	}
}

func TestSecondMondayIsLikeTheFirst(t *testing.T) {
	// A service of offices: nothing at weekends. The history begins on a Monday.
	load := func(t int) float64 {
		if t/24%7 >= 5 {
			return 20
		}
		return 20 + 941*max(0, math.Sin(2*math.Pi*float64(t%24-6)/24))
	}
	for _, hours := range []int{168, 174, 180, 192} {
		history := make([]float64, hours)
		for i := range history {
			history[i] = load(i)
		}
		r := mustForecast(t, history, forecast.Options{})
		for i, v := range r.Values {
			if want := load(hours + i); math.Abs(v-want) > 0.25*want+30 {
				t.Errorf("%d hours: hour %d is forecast as %.0f, want about %.0f", hours, hours+i, v, want)
				break
			}
		}
	}
}

func TestForecastKnowsADoublingOfWeeksAgo(t *testing.T) {
	for _, ago := range []int{8, 12, 18, 24} {
		history, future := weekly(35 * 24).series(48)
		for i := len(history) - ago*24; i < len(history); i++ {
			history[i] *= 2
		}
		for i := range future {
			future[i] *= 2
		}
		if e := relativeError(future, mustForecast(t, history, forecast.Options{}).Values); e > 0.06 {
			t.Errorf("a doubling %d days ago: the error is %.1f %%, want at most 6 %%", ago, 100*e)
		}
	}
}

func TestIntervalsOfAShortHistoryStayInReach(t *testing.T) {
	for hours := 20; hours <= 60; hours++ {
		history := make([]float64, hours)
		most := 0.0
		for i := range history {
			history[i] = 1000 * max(0, math.Sin(2*math.Pi*float64(i)/24))
			most = max(most, history[i])
		}
		r := mustForecast(t, history, forecast.Options{})
		for i, v := range r.Intervals[1].Upper {
			if v > 4*most {
				t.Fatalf("%d hours: the upper bound of step %d is %.0f after at most %.0f", hours, i, v, most)
			}
		}
	}
}
