package alarm_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"flyball/alarm"
)

// end is when the newest period of the examples closed.
var end = time.Date(2026, 11, 21, 16, 56, 0, 0, time.UTC)

func evidence(rule alarm.Rule, values ...float64) alarm.Evidence {
	counts := make([]float64, len(values))
	for i := range counts {
		counts[i] = 2
	}
	return alarm.Evidence{
		Rule: rule, Verdict: rule.Evaluate(alarm.InsufficientData, values, 0),
		Statistic: "Average",
		At:        end.Add(1234 * time.Millisecond), End: end, Values: values, Counts: counts,
	}
}

// The wording of state reasons, as CloudWatch's users quote it.
func TestReason(t *testing.T) {
	none := math.NaN()
	greater := alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 1}
	mOfN := func(m, n int32, missing alarm.Treatment) alarm.Rule {
		return alarm.Rule{Comparison: alarm.GreaterOrEqual, Threshold: 1, Periods: n, Datapoints: m, Missing: missing}
	}
	for _, c := range []struct {
		name   string
		rule   alarm.Rule
		values []float64
		want   string
	}{
		{"one datapoint breaches", greater, []float64{none, none, 99},
			"Threshold Crossed: 1 datapoint [99.0 (21/11/26 16:55:00)] was greater than the threshold (50.0)."},
		{"one datapoint does not", greater, []float64{none, none, 9.5},
			"Threshold Crossed: 1 datapoint [9.5 (21/11/26 16:55:00)] was not greater than the threshold (50.0)."},
		{"1 out of 1", mOfN(1, 1, alarm.Missing), []float64{none, none, 99},
			"Threshold Crossed: 1 out of the last 1 datapoints [99.0 (21/11/26 16:55:00)] was greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."},
		{"newest datapoint first", alarm.Rule{Comparison: alarm.Less, Threshold: 45, Periods: 3}, []float64{0, 0, 1, 2, 3},
			"Threshold Crossed: 3 datapoints [3.0 (21/11/26 16:55:00), 2.0 (21/11/26 16:54:00), 1.0 (21/11/26 16:53:00)] were less than the threshold (45.0)."},
		{"back to OK needs N - M + 1", mOfN(3, 5, alarm.Missing), []float64{9, 9, 0, 9, 0, 9, 0},
			"Threshold Crossed: 3 out of the last 5 datapoints [0.0 (21/11/26 16:55:00), 0.0 (21/11/26 16:53:00), 0.0 (21/11/26 16:51:00)] were not greater than or equal to the threshold (1.0) (minimum 3 datapoints for ALARM -> OK transition)."},
		{"missing data fills up", mOfN(1, 3, alarm.NotBreaching), []float64{none, none, none, none, 613},
			"Threshold Crossed: 1 out of the last 3 datapoints [613.0 (21/11/26 16:55:00)] was greater than or equal to the threshold (1.0) and 2 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM transition)."},
		{"missing data fills up, all needed", alarm.Rule{Comparison: alarm.Greater, Threshold: 50, Periods: 3, Missing: alarm.Breaching}, []float64{none, none, none, none, 99},
			"Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching]."},
		{"no data at all", alarm.Rule{Periods: 2, Missing: alarm.Breaching}, []float64{none, none, none, none},
			"Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."},
		{"no data in one period", alarm.Rule{Periods: 1, Missing: alarm.NotBreaching}, []float64{none, none, none},
			"Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]."},
		{"unknown", greater, []float64{none, none, none}, "Insufficient Data: 1 datapoint was unknown."},
		{"unknown, more than one", alarm.Rule{Periods: 5}, []float64{none, none, none, none, none, none, none},
			"Insufficient Data: 5 datapoints were unknown."},
		{"premature", mOfN(3, 3, alarm.Missing), []float64{none, none, 2, none, none},
			"Threshold Crossed: 1 out of the last 3 datapoints [2.0 (21/11/26 16:53:00)] was greater than or equal to the threshold (1.0) (minimum 3 datapoints for OK -> ALARM transition)."},
		{"five datapoints and more", alarm.Rule{Comparison: alarm.Greater, Threshold: 0, Periods: 6}, []float64{9, 9, 1, 2, 3, 4, 5, 6},
			"Threshold Crossed: 6 datapoints were greater than the threshold (0.0). The most recent datapoints which crossed the threshold: [6.0 (21/11/26 16:55:00), 5.0 (21/11/26 16:54:00), 4.0 (21/11/26 16:53:00), 3.0 (21/11/26 16:52:00), 2.0 (21/11/26 16:51:00)]."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := evidence(c.rule, c.values...).Reason(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func ExampleEvidence_ReasonData() {
	none := math.NaN()
	breach := evidence(alarm.Rule{Comparison: alarm.Greater, Threshold: 1e7, Periods: 2}, 1, 1, 2.5e7, 1.5e-4)
	breach.Unit = "Bytes"
	fmt.Println(breach.ReasonData())
	fmt.Println(evidence(alarm.Rule{Threshold: 10, Periods: 1}, none, none, none).ReasonData())
	// Output:
	// {"version":"1.0","queryDate":"2026-11-21T16:56:01.234+0000","startDate":"2026-11-21T16:54:00.000+0000","unit":"Bytes","statistic":"Average","period":60,"recentDatapoints":[2.5E7,1.5E-4],"threshold":1.0E7,"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000","sampleCount":2.0,"value":1.5E-4},{"timestamp":"2026-11-21T16:54:00.000+0000","sampleCount":2.0,"value":2.5E7}]}
	// {"version":"1.0","queryDate":"2026-11-21T16:56:01.234+0000","statistic":"Average","period":60,"recentDatapoints":[],"threshold":10.0,"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000"}]}
}

// The words of alarms on bands, from "Alarm events and EventBridge" in the User Guide
// and from what users quote.
func TestReasonsOfBands(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		comparison   alarm.Comparison
		m            int32
		values       []float64
		reason, data string
	}{
		{alarm.OutsideBand, 1, []float64{none, none, 0},
			"Thresholds Crossed: 1 out of the last 1 datapoints [0.0 (21/11/26 16:55:00)] was less than the lower thresholds [2.5] or greater than the upper thresholds [20.0] (minimum 1 datapoint for OK -> ALARM transition).",
			`"recentDatapoints":[0.0],"recentLowerThresholds":[2.5],"recentUpperThresholds":[20.0],"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000","value":0.0}]}`},
		{alarm.OutsideBand, 1, []float64{none, none, 5},
			"Thresholds Crossed: 1 out of the last 1 datapoints [5.0 (21/11/26 16:55:00)] was not less than the lower thresholds [2.5] or not greater than the upper thresholds [20.0] (minimum 1 datapoint for ALARM -> OK transition).",
			`"recentLowerThresholds":[2.5],"recentUpperThresholds":[20.0]`},
		{alarm.AboveBand, 2, []float64{none, none, 239, 240},
			"Thresholds Crossed: 2 out of the last 2 datapoints [240.0 (21/11/26 16:55:00), 239.0 (21/11/26 16:54:00)] were greater than the upper thresholds [20.0, 19.0] (minimum 2 datapoints for OK -> ALARM transition).",
			`"recentDatapoints":[239.0,240.0],"recentUpperThresholds":[19.0,20.0],"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000","value":240.0,"threshold":20.0},{"timestamp":"2026-11-21T16:54:00.000+0000","value":239.0,"threshold":19.0}]}`},
		{alarm.BelowBand, 0, []float64{none, none, 1},
			"Thresholds Crossed: 1 datapoint [1.0 (21/11/26 16:55:00)] was less than the lower thresholds [2.5].",
			`"recentLowerThresholds":[2.5],"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000","value":1.0,"threshold":2.5}]}`},
		{alarm.BelowBand, 0, []float64{none, none, none}, "Insufficient Data: 1 datapoint was unknown.",
			`"period":60,"recentDatapoints":[],"evaluatedDatapoints":[{"timestamp":"2026-11-21T16:55:00.000+0000"}]}`},
	} {
		n := len(c.values)
		rule := alarm.Rule{Comparison: c.comparison, Periods: int32(n - 2), Datapoints: c.m}
		band := alarm.Band{Lower: make([]float64, n), Upper: make([]float64, n)}
		band.Lower[n-1], band.Upper[n-1], band.Upper[n-2] = 2.5, 20, 19
		e := alarm.Evidence{
			Rule: rule, Verdict: rule.EvaluateBand(alarm.InsufficientData, c.values, band, 0),
			At: end, End: end, Values: c.values, Lower: band.Lower, Upper: band.Upper,
		}
		if got := e.Reason(); got != c.reason {
			t.Errorf("got  %s\nwant %s", got, c.reason)
		}
		if got := e.ReasonData(); !strings.Contains(got, c.data) {
			t.Errorf("got  %s\nwant %s", got, c.data)
		}
	}
}
