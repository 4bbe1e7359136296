package metric_test

import (
	"math"
	"testing"

	"flyball/metric"
)

func TestPending(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		name   string
		values []float64
		want   bool
	}{
		{"the newest is missing", []float64{1, 1, none}, true},
		{"the newest is there", []float64{1, none, 1}, false},
		{"two are missing", []float64{1, none, none}, false},
		{"one period alone", []float64{none}, false},
		{"no period", nil, false},
	} {
		if got := metric.Pending(c.values); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}
