package console

import (
	"slices"
	"testing"
	"time"

	"flyball/internal/report"
)

// at is a time, so many minutes and seconds after a midnight.
func at(minutes, seconds int) time.Time {
	return time.Date(2026, 3, 1, 0, minutes, seconds, 0, time.UTC)
}

func TestAMinuteWithoutRequestsHasALoadOfNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		found []datapoint
		want  []datapoint
	}{
		{"never a request", nil, nil},
		{"between requests, and after them", []datapoint{{at(1, 0), 5}, {at(3, 0), 7}}, []datapoint{{at(1, 0), 5}, {at(2, 0), 0}, {at(3, 0), 7}, {at(4, 0), 0}}},
		{"the newest minute", []datapoint{{at(4, 0), 5}}, []datapoint{{at(4, 0), 5}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := counts(c.found, at(6, 30)); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestLatencyHasAGapWhereNothingWasAnswered(t *testing.T) {
	p := latencyPanel(report.Run{To: at(5, 0), Balancer: report.Balancer{P50: []report.Datapoint{{At: at(0, 0), Value: 1}, {At: at(3, 0), Value: 2}}}})
	values := p.Series[0].Values
	if len(p.Times) != 4 || len(values) != 4 || values[0] == nil || values[1] != nil || values[2] != nil || *values[3] != 2000 {
		t.Errorf("at %v there is %v", p.Times, values)
	}
}
