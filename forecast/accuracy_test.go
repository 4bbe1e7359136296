package forecast_test

import (
	"math"
	"testing"

	"flyball/forecast"
)

func TestSMAPE(t *testing.T) {
	for _, c := range []struct {
		rule             string
		actual, forecast []float64
		want             float64
	}{
		{"a perfect forecast scores 0", []float64{1, 2}, []float64{1, 2}, 0},
		{"zero forecast as zero scores 0", []float64{0}, []float64{0}, 0},
		{"a forecast of zero scores 200", []float64{5}, []float64{0}, 200},
		{"150 for 50 scores 100, and over two steps half", []float64{50, 1}, []float64{150, 1}, 50},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := forecast.SMAPE(c.actual, c.forecast); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestMASEIsRelativeToRepeatingTheSeason(t *testing.T) {
	history := []float64{1, 5, 3, 7} // each 2 above the last season of 2
	if got := forecast.MASE(history, []float64{5, 9}, []float64{6, 9}, 2); got != 0.25 {
		t.Errorf("got %v, want 0.25", got)
	}
}

func TestMSISIsWidthAndWhatLiesOutside(t *testing.T) {
	history := []float64{1, 5, 3, 7} // each 2 above the last season of 2
	for _, c := range []struct {
		rule   string
		actual float64
		want   float64
	}{
		{"inside, the width counts", 12, 4.0 / 2},
		{"below, with a level of 0.95, 40 times what is missing", 9, (4 + 40) / 2},
		{"above likewise", 15.5, (4 + 60) / 2},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in := forecast.Interval{Level: 0.95, Lower: []float64{10}, Upper: []float64{14}}
			if got := forecast.MSIS(history, []float64{c.actual}, in, 2); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNaive2(t *testing.T) {
	seasonal, noSeason := make([]float64, 40), make([]float64, 40)
	for i := range seasonal {
		seasonal[i] = []float64{10, 20, 30, 20}[i%4]
		noSeason[i] = float64(i)
	}
	for _, c := range []struct {
		rule    string
		history []float64
		season  int
		want    []float64
	}{
		{"a season is repeated at the last level", seasonal, 4, []float64{10, 20, 30, 20, 10}},
		{"without a season the last value stays", noSeason[:10], 4, []float64{9, 9, 9}},
		{"fewer than three seasons are none", seasonal[:11], 4, []float64{30, 30, 30}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for i, v := range forecast.Naive2(c.history, c.season, len(c.want)) {
				if math.Abs(v-c.want[i]) > 1e-9 {
					t.Errorf("step %d: got %v, want %v", i, v, c.want[i])
				}
			}
		})
	}
}
