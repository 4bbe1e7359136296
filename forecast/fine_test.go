package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"flyball/forecast"
)

// fives is a load of 5 minutes: that of the hour, and of a job which begins at a quarter past
// nine each day and takes ten minutes.
func fives(steps int, noise float64, seed uint64) (history, future []float64) {
	random := rand.New(rand.NewPCG(seed, 7))
	for i := range steps + 48*12 {
		v := weekday(i/12)/12 + (weekday(i/12+1)-weekday(i/12))/12*float64(i%12)/12
		if k := i % 288; k >= 9*12+3 && k < 9*12+5 {
			v += 200
		}
		if i < steps {
			history = append(history, v*(1+noise*random.NormFloat64()))
		} else {
			future = append(future, v*(1+noise*random.NormFloat64()))
		}
	}
	return history, future
}

func TestFineForecastKnowsWhatHappensWithinHours(t *testing.T) {
	for _, days := range []int{3, 10, 28} {
		history, future := fives(days*288, 0, 1)
		r, err := forecast.Fine(forecast.Hours(history, 12), history, 12, forecast.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Values) != 48*12 {
			t.Fatalf("%d values, want %d", len(r.Values), 48*12)
		}
		if days < 7 {
			continue // weekends are not known yet
		}
		if e := relativeError(future, r.Values); e > 0.05 {
			t.Errorf("%d days: the error is %.1f %% of the load, want at most 5 %%", days, 100*e)
		}
		if got, before := r.Values[9*12+3], r.Values[9*12+1]; got < 2*before {
			t.Errorf("%d days: %.0f at a quarter past nine, %.0f before the job", days, got, before)
		}
	}
}

func TestPartsOfAnHourAddUpToIt(t *testing.T) {
	history, _ := fives(21*288, 0.2, 2)
	hours := make([]float64, len(history)/12)
	for i, v := range history {
		hours[i/12] += v
	}
	fine, err := forecast.Fine(forecast.Hours(history, 12), history, 12, forecast.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range mustForecast(t, hours, forecast.Options{}).Values {
		got := 0.0
		for _, v := range fine.Values[12*i : 12*i+12] {
			got += v
		}
		if math.Abs(got-want) > 1e-6*want {
			t.Errorf("the parts of hour %d make %v, want %v", i, got, want)
		}
	}
}

func TestFineIntervalsHoldTheirLevel(t *testing.T) {
	inside, under := 0.0, 0.0
	const n = 8
	for seed := range uint64(n) {
		history, future := fives(21*288, 0.3, 10+seed)
		r, err := forecast.Fine(forecast.Hours(history, 12), history, 12, forecast.Options{Levels: []float64{0.8}, Quantiles: []float64{0.6}})
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range future {
			if y >= r.Intervals[0].Lower[i] && y <= r.Intervals[0].Upper[i] {
				inside += 1.0 / n / float64(len(future))
			}
			if y <= r.Quantiles[0][i] {
				under += 1.0 / n / float64(len(future))
			}
		}
	}
	if inside < 0.74 || inside > 0.88 {
		t.Errorf("80 %% intervals hold %.1f %% of the values", 100*inside)
	}
	if math.Abs(under-0.6) > 0.06 {
		t.Errorf("%.1f %% of the values are at or under the quantile 60 %%", 100*under)
	}
}

func TestFineForecastOfGapsAndNothing(t *testing.T) {
	history, _ := fives(14*288, 0.1, 3)
	for i := range history {
		if i%7 == 0 || i > 1000 && i < 1100 {
			history[i] = math.NaN()
		}
	}
	for _, h := range [][]float64{history, make([]float64, 3*288), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}} {
		r, err := forecast.Fine(forecast.Hours(h, 12), h, 12, forecast.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range r.Values {
			if !(v >= 0) || math.IsInf(v, 0) || !(r.Intervals[1].Lower[i] <= v && v <= r.Intervals[1].Upper[i]) {
				t.Fatalf("value %d is %v, between %v and %v", i, v, r.Intervals[1].Lower[i], r.Intervals[1].Upper[i])
			}
		}
	}
}

func TestFineForecastRefuses(t *testing.T) {
	for _, parts := range []int{0, -1, 61} {
		if _, err := forecast.Fine(make([]float64, 500), nil, parts, forecast.Options{}); err == nil {
			t.Errorf("%d parts of an hour are taken", parts)
		}
	}
	if _, err := forecast.Fine(nil, []float64{1, 2}, 12, forecast.Options{}); err == nil {
		t.Error("less than an hour is taken")
	}
}
