package source

import (
	"fmt"
	"testing"
	"time"

	"flyball/metric"
)

func TestABudgetForgetsMetricsThatNobodyReads(t *testing.T) {
	b, at := &Budget{PerDay: 1000}, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for hour := range 24 * 30 {
		of := metric.NewID("Shop", fmt.Sprint("Load", hour))
		b.take([]Query{{Metric: of, Period: time.Minute, End: at.Add(time.Duration(hour) * time.Hour)}})
	}
	if n := len(b.read); n > 50 {
		t.Errorf("%d metrics are remembered, and each was read once in the last month", n)
	}
}

func TestABudgetTellsPeriodsApart(t *testing.T) {
	b, at := &Budget{PerDay: pricePerMetric * 24 * 60}, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // one a minute
	of := metric.NewID("Shop", "Load")
	minute, hour := Query{Metric: of, Period: time.Minute, End: at}, Query{Metric: of, Period: time.Hour, End: at}
	if places := b.take([]Query{minute, hour}); fmt.Sprint(places) != "[0]" {
		t.Fatalf("read %v of two", places)
	}
	minute.End = at.Add(time.Minute)
	if places := b.take([]Query{minute, hour}); fmt.Sprint(places) != "[1]" {
		t.Errorf("read %v, and the hours have waited longer", places)
	}
}
