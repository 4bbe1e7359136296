package threshold

import (
	"math"
	"slices"
	"strings"
	"testing"
)

var names = Names{
	{"p95", Duration, "95th percentile of latency"},
	{"p99.9", Duration, "99.9th percentile"},
	{"errors", Share, "share of the requests that failed"},
	{"slo", Percent, "minutes that kept to the agreement"},
	{"cost", Number, "task-hours"},
}

func TestAConditionIsMetByItsComparisons(t *testing.T) {
	values := map[string]float64{"p95": 0.3, "p99.9": 1.5, "errors": 1, "slo": 99.5, "cost": 120}
	for _, tt := range []struct {
		text string
		met  bool
		why  []string
	}{
		{"p95 > 300ms", false, nil},
		{"p95 >= 300ms", true, []string{"p95 is 300ms (>= 300ms)"}},
		{"p95>299ms", true, []string{"p95 is 300ms (> 299ms)"}},
		{"p99.9 < 2s", true, []string{"p99.9 is 1.5s (< 2s)"}},
		{"errors > 0.5%", true, []string{"errors is 1% (> 0.5%)"}},
		{"slo < 99.9", true, []string{"slo is 99.5% (< 99.9)"}},
		{"slo < 99.9%", true, []string{"slo is 99.5% (< 99.9%)"}},
		{"cost == 120", true, []string{"cost is 120 (== 120)"}},
		{"cost != 120", false, nil},
		{"cost <= 119", false, nil},
		{"slo < 99.9 or cost > 120", true, []string{"slo is 99.5% (< 99.9)"}},
		{"slo < 99.9 and cost > 120", false, nil},
		{"slo < 99.9 AND cost > 100", true, []string{"slo is 99.5% (< 99.9)", "cost is 120 (> 100)"}},
		{"p95 > 1s && cost > 1 || errors > 0%", true, []string{"errors is 1% (> 0%)"}},
		{"cost > 1 or p95 > 1s and p95 > 1s", true, []string{"cost is 120 (> 1)"}},
		{"(cost > 1 or p95 > 1s) and p95 > 1s", false, nil},
	} {
		c, err := Parse(tt.text, names)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if met, why := c.Met(values); met != tt.met || !slices.Equal(why, tt.why) {
			t.Errorf("%s: %v, %q; want %v, %q", tt.text, met, why, tt.met, tt.why)
		}
	}
}

func TestWhatIsNotKnownHasNotPassed(t *testing.T) {
	c, err := Parse("p95 < 1s", names)
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range []map[string]float64{nil, {"p95": math.NaN()}} {
		met, why := c.Met(values)
		if !met || len(why) != 1 || !strings.Contains(why[0], "is not known") {
			t.Errorf("%v: %v, %q; want it to be met since it is not known", values, met, why)
		}
	}
}

func TestWhatIsNoConditionIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "a comparison is missing",
		"p95":                         "is compared by one of",
		"p95 300ms":                   "is compared by one of",
		"p95 = 300ms":                 "write == for equal",
		"p95 >":                       "has no value, such as 300ms",
		"p95 > 300":                   `"300" is not a duration`,
		"errors > 1":                  `"1" is not a share`,
		"cost > many":                 `"many" is not a number`,
		"cost > NaN":                  `"NaN" is not a number`,
		"latency > 1s":                "none of the names that can be compared: p95, p99.9, errors, slo, cost",
		"p95 > 1s or":                 "a comparison is missing",
		"p95 > 1s cost > 1":           `"cost" cannot stand there`,
		"(p95 > 1s":                   `a ")" is missing`,
		"p95 > 1s)":                   `")" cannot stand there`,
		"p95 >> 1s":                   "is compared by one of",
		strings.Repeat("(", 100):      "nested more than 32 deep",
		strings.Repeat("p95>1s", 999): "at most 4096 characters",
	} {
		if _, err := Parse(text, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"p95 > 300ms or errors > 1%", "(slo<99.9)&&cost>=1e3", "cost != (", "µ > 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text, names)
		if err != nil {
			return
		}
		again, err := Parse(c.String(), names)
		if err != nil {
			t.Fatalf("%q was read, and %q was not: %v", text, c, err)
		}
		values := map[string]float64{"p95": 1, "errors": 2, "cost": 3}
		met, why := c.Met(values)
		if metAgain, _ := again.Met(values); met != metAgain || met != (len(why) > 0) {
			t.Errorf("%q: %v, %q, and then %v", text, met, why, metAgain)
		}
	})
}
