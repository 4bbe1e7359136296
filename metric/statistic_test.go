package metric_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"flyball/metric"
)

func TestParseStatisticReadsCloudWatchNames(t *testing.T) {
	for name, canonical := range map[string]string{
		"SampleCount":       "SampleCount",
		"Sum":               "Sum",
		"Average":           "Average",
		"Minimum":           "Minimum",
		"Maximum":           "Maximum",
		"IQM":               "IQM",
		"TM(25%:75%)":       "IQM",
		"p0":                "p0",
		"p100":              "p100",
		"p99.9":             "p99.9",
		"p99.90":            "p99.9",
		"p50.0123456789":    "p50.0123456789",
		"tm90":              "tm90",
		"TM(:90%)":          "tm90",
		"tc0.5":             "tc0.5",
		"ts99":              "ts99",
		"wm98":              "wm98",
		"TM(10%:90%)":       "TM(10%:90%)",
		"TM(150:1000)":      "TM(150:1000)",
		"TS(80%:)":          "TS(80%:)",
		"TC(0.005:0.030)":   "TC(0.005:0.03)",
		"WM(10%:90%)":       "WM(10%:90%)",
		"PR(:300)":          "PR(:300)",
		"PR(100:)":          "PR(100:)",
		"PR(100:2000)":      "PR(100:2000)",
		"TM(0.0000000001:)": "TM(0.0000000001:)",
	} {
		stat, err := metric.ParseStatistic(name)
		if err != nil {
			t.Errorf("ParseStatistic(%q): %v", name, err)
		} else if stat.String() != canonical {
			t.Errorf("ParseStatistic(%q) is %v, want %v", name, stat, canonical)
		}
	}
}

func TestParseStatisticRefusesAnythingElse(t *testing.T) {
	for _, name := range []string{
		"", "average", "P99", "p", "p-1", "p100.1", "p101", "p99.12345678901", "p1e1", "p9 9", "pNaN", "p.5", "p99.", "p99%",
		"tm", "tm0", "tm101", "TM90", "TM()", "TM(:)", "TM(10:90%)", "TM(90%:10%)", "TM(50%:50%)", "TM(10%:101%)", "TM(100%:)", "TM(:0%)",
		"TM(5:4)", "TM(-1:1)", "TM(1:2", "pr90", "PR(10%:90%)", "PR(:)", "IQM ", "iqm", "none",
	} {
		if stat, err := metric.ParseStatistic(name); err == nil {
			t.Errorf("ParseStatistic(%q) is %v, want an error", name, stat)
		}
	}
}

func TestOnlyTheFiveStatisticsAreBasic(t *testing.T) {
	for name, want := range map[string]bool{
		"SampleCount": true, "Sum": true, "Average": true, "Minimum": true, "Maximum": true, "IQM": false, "p50": false, "tc90": false,
	} {
		if stat, _ := metric.ParseStatistic(name); stat.Basic() != want {
			t.Errorf("%s: Basic() is %v, want %v", name, !want, want)
		}
	}
	if (metric.Statistic{}).Basic() {
		t.Error("the zero Statistic is basic")
	}
}

func FuzzParseStatistic(f *testing.F) {
	for _, name := range []string{"Average", "p99.9", "tm90", "TM(10%:90%)", "PR(:300)", "TS(80%:)", "p000.5", "TM(1:)"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		stat, err := metric.ParseStatistic(name)
		if err != nil {
			return
		}
		again, err := metric.ParseStatistic(stat.String())
		if err != nil || again != stat {
			t.Errorf("%q is %v, which reads back as %v, %v", name, stat, again, err)
		}
	})
}

// statistics draws any statistic.
func statistics() *rapid.Generator[metric.Statistic] {
	return rapid.Custom(func(t *rapid.T) metric.Statistic {
		name := rapid.SampledFrom([]string{
			"SampleCount", "Sum", "Average", "Minimum", "Maximum", "IQM", "p0", "p50", "p99", "p100", "tm90", "tc10", "ts50", "wm98",
			"TM(10%:90%)", "TM(3:8)", "WM(2:5)", "TC(:7)", "TS(1:)", "PR(2:6)",
		}).Draw(t, "statistic")
		stat, err := metric.ParseStatistic(name)
		if err != nil {
			t.Fatal(err)
		}
		return stat
	})
}

func value(t *testing.T, s metric.Set, name string) float64 {
	t.Helper()
	stat, err := metric.ParseStatistic(name)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := s.Value(stat)
	if !ok {
		return math.NaN()
	}
	return v
}
