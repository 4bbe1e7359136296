package generator_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/internal/generator"
)

// monday is when the traffic of these tests begins.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func minutes(t *testing.T, text string, length time.Duration) []float64 {
	t.Helper()
	g, err := generator.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return g.Minutes(monday, length, 1)
}

const hour, day = 60, 24 * 60 // minutes

func TestParts(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[int]float64 // requests of minutes
	}{
		{"steady(300/m)", map[int]float64{0: 300, 10 * day: 300}},
		{"steady(5/s) + steady(rate=60/h)", map[int]float64{0: 301}},
		{"ramp(from=0/m, to=100/m, at=1h, for=100m)", map[int]float64{0: 0, 59: 0, 60: 0.5, 159: 99.5, 500: 100}},
		{"steady(100/m) + ramp(from=1x, to=2x)", map[int]float64{0: 100.0 * (1 + 0.5/(14*day)), 14*day - 1: 200 - 100*0.5/(14*day)}},
		{"steady(100/m) + spike(at=1d2h, for=1h, by=3x)", map[int]float64{day + 2*hour - 1: 100, day + 2*hour: 300, day + 3*hour - 1: 300, day + 3*hour: 100}},
		{"spike(at=0, for=10m, by=50/m, rise=10m, fall=5m, every=1d)", map[int]float64{0: 2.5, 9: 47.5, 10: 50, 19: 50, 20: 45, 24: 5, 25: 0, day + 15: 50}},
		{"daily(low=100/m, high=300/m, peak=12:00)", map[int]float64{day / 4: 200 + 100*math.Sin(math.Pi*2*0.5/day), day / 2: 300, 3 * day: 100}},
		{"weekly(weekend=0.5x, mon=2x) + steady(100/m)", map[int]float64{0: 200, day: 100, 5 * day: 50, 6 * day: 50, 7 * day: 200}},
		{"weekly(weekdays=10/m, fri=20/m)", map[int]float64{0: 10, 4 * day: 20, 5 * day: 0}},
		{" daily ( low = 1/m , high=1/m ) ", map[int]float64{0: 1}},
	} {
		got := minutes(t, c.text, 14*24*time.Hour)
		for at, want := range c.want {
			if math.Abs(got[at]-want) > 1e-3*max(1, want) {
				t.Errorf("%s: minute %d has %v requests; want %v", c.text, at, got[at], want)
			}
		}
	}
}

// A burst of ten minutes comes every six hours and ten minutes, on average: in a year of minutes
// they are there for one in 37.
func TestBurstsAreAsOftenAndAsLongAsTheySay(t *testing.T) {
	sum := 0.0
	for _, v := range minutes(t, "bursts(every=6h, for=10m, by=60/m)", 365*24*time.Hour) {
		sum += v / 60
	}
	if want := 365.0 * day / 37; math.Abs(sum-want) > 0.1*want {
		t.Errorf("bursts are there for %v minutes; want about %v", sum, want)
	}
}

// Same seed, same traffic; and what one part draws does not hang on the others.
func TestChanceIsThatOfTheSeed(t *testing.T) {
	g, err := generator.Parse("bursts(every=1h, for=5m, by=2x) + steady(100/m)")
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := g.Minutes(monday, 24*time.Hour, 1), g.Minutes(monday, 24*time.Hour, 1), g.Minutes(monday, 24*time.Hour, 2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("the same seed does not give the same traffic, or another gives it")
	}
	for i, v := range minutes(t, "steady(50/m) + bursts(every=1h, for=5m, by=2x) + steady(50/m)", 24*time.Hour) {
		if v != a[i] {
			t.Fatalf("minute %d has %v requests; want %v", i, v, a[i])
		}
	}
}

// Times of day are those of the zone, through a change of clocks.
func TestDaysAreThoseOfTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	g, err := generator.Parse("daily(low=0/m, high=100/m, peak=12:00)")
	if err != nil {
		t.Fatal(err)
	}
	got := g.Minutes(time.Date(2026, 3, 28, 0, 0, 0, 0, berlin), 48*time.Hour, 1)
	if noon := got[day+11*hour]; noon < 99.9 { // of a day with 23 hours
		t.Errorf("noon of the day when clocks change has %v requests; want 100", noon)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                         `column 1: "" is no kind of traffic; write bursts, daily,`,
		"dayly(low=1/m, high=2/m)":                 `column 1: "dayly" is no kind of traffic`,
		"steady":                                   "column 7: steady has no parentheses; write steady(300/m)",
		"steady(300)":                              `column 8: "300" is neither a rate nor a factor; write a rate such as`,
		"steady(-1/m)":                             "column 8: ",
		"steady(1e300/m)":                          "column 8: ",
		"steady(NaN/m)":                            "column 8: ",
		"steady(1/m":                               "column 11: a comma or a closing parenthesis is missing",
		"steady(1/m) steady(2/m)":                  "column 13: ",
		"steady(1/m) + ":                           `column 15: "" is no kind`,
		"daily(low=1/m)":                           "column 1: daily has no high",
		"daily(low=1/m, high=2x)":                  "column 21: low is a rate and the other of low and high is a factor",
		"daily(low=1/m, high=2/m, peak=noon)":      `column 31: "noon" is no time of day; write one such as 14:00`,
		"daily(low=1/m, low=2/m)":                  "column 16: low is there twice",
		"daily(low, high=2/m)":                     `column 7: "low" has no value`,
		"daily(lo=1/m)":                            `column 7: daily has no "lo"; it has low, high, peak`,
		"spike(at=9d14, for=1h, by=2x)":            `column 10: "9d14" is no time`,
		"spike(at=1h, for=0s, by=2x)":              "column 18: for is",
		"spike(at=1h, for=2h, by=2x, every=1h)":    "column 35: the spike comes again before it has gone",
		"bursts(every=1s, for=1m, by=2x)":          "column 14: bursts that come every 1s are not seen",
		"weekly()":                                 "column 1: weekly names no day",
		"noise(x%)":                                "column 7: ",
		"steady(1/m) + größe(1)":                   `column 15: "größe"`,
		strings.Repeat("steady(1/m)+", 101) + "st": "more than 100 parts",
	} {
		_, err := generator.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
		if _, ours := errors.AsType[*generator.Error](err); err != nil && !ours {
			t.Errorf("%s: %T", text, err)
		}
	}
}

// Whatever is read makes traffic that is a number in each minute.
func FuzzParse(f *testing.F) {
	for _, example := range generator.Examples() {
		f.Add(example)
	}
	f.Add("daily(low=300/m, high=3000/m, peak=14:00) + spike(at=9d14h, for=1h, by=2x) + bursts(every=6h, for=10m, by=3x)")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := generator.Parse(text)
		if err != nil {
			if e, ours := errors.AsType[*generator.Error](err); !ours || e.Column < 1 || e.Column > len(text)+1 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for i, v := range g.Minutes(monday, 3*time.Hour, 1) {
			if !(v >= 0) || math.IsInf(v, 0) {
				t.Fatalf("%q: minute %d has %v requests", text, i, v)
			}
		}
	})
}
