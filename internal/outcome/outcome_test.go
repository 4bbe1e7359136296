package outcome_test

import (
	"strings"
	"testing"
	"time"

	"flyball/internal/outcome"
	"flyball/sim"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// Two days are drawn as one is: in so many columns, with all of their requests.
func TestAChartOfAnyLength(t *testing.T) {
	for _, minutes := range []int{1, 511, 512, 513, 100_000} {
		var sketch outcome.Recording
		for i := range minutes {
			sketch.Minute(sim.Record{Time: start.Add(time.Duration(i) * time.Minute), Requests: 700, Serving: 3, Needed: 2})
		}
		var text strings.Builder
		if err := sketch.WriteChart(&text, 80); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), "700 ┼") || !strings.Contains(text.String(), "needed") {
			t.Errorf("%d minutes:\n%s", minutes, text.String())
		}
	}
}
