package forecasting_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/forecast"
	"flyball/internal/forecasting"
	"flyball/internal/trace"
)

// rows is a batch of n series of two weeks, each at its own level.
func rows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "s%d", i)
		for t := range 14 * 24 {
			noise := float64(t*7919%13-6) / 600
			fmt.Fprintf(&b, ",%.3f", float64(i+1)*(2+math.Sin(2*math.Pi*float64(t)/24)+noise))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestEachKeepsTheOrderOfTheSeries(t *testing.T) {
	next := 0
	err := forecasting.Each(context.Background(), forecasting.NewBatchReader(strings.NewReader(rows(40))),
		forecast.Options{Horizon: 6}, 4, func(f forecasting.Forecast, err error) error {
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("s%d", next); f.ID != want {
				t.Errorf("got %s, want %s", f.ID, want)
			}
			if want := 2 * float64(next+1); math.Abs(f.Values[0]-want) > 0.05*want {
				t.Errorf("%s begins with %.2f, want about %.0f", f.ID, f.Values[0], want)
			}
			next++
			return nil
		})
	if err != nil || next != 40 {
		t.Errorf("%d series, %v", next, err)
	}
}

func TestEachGoesOnAfterABadRow(t *testing.T) {
	file := "bad,1,x\n" + rows(3) + "empty\n\"quoted\"x,1\ngaps,NA,nan\n" + rows(1)
	var got []string
	err := forecasting.Each(context.Background(), forecasting.NewBatchReader(strings.NewReader(file)), forecast.Options{}, 2,
		func(f forecasting.Forecast, err error) error {
			if bad := new(forecasting.RowError); errors.As(err, &bad) {
				got = append(got, bad.Error())
			} else {
				got = append(got, f.ID)
			}
			return nil
		})
	want := []string{
		`line 1: series "bad": value 2: "x" is not a number`, "s0", "s1", "s2",
		`line 5: series "empty" has no values; a row is an id and its values, such as id,v1,v2`,
		`parse error on line 6, column 8: extraneous or missing " in quoted-field`,
		`series "gaps": the history holds no values`, "s0",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestEachEndsWithItsReceiver(t *testing.T) {
	full := errors.New("disk full")
	err := forecasting.Each(context.Background(), forecasting.NewBatchReader(strings.NewReader(rows(10))), forecast.Options{}, 2,
		func(forecasting.Forecast, error) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	err := forecasting.Each(ctx, forecasting.NewBatchReader(strings.NewReader(rows(100))), forecast.Options{}, 2,
		func(forecasting.Forecast, error) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestWriteRow(t *testing.T) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	f := forecasting.Forecast{ID: "a,b", Result: forecast.Result{Values: []float64{1, 0.25, 1234567890}}}
	if err := forecasting.WriteRow(w, f); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if want := "\"a,b\",1,0.25,1.2345679e+09\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

var twoSteps = forecast.Result{
	Values:    []float64{10, 20},
	Intervals: []forecast.Interval{{Level: 0.8, Lower: []float64{8, 16}, Upper: []float64{12, 24}}},
	Methods:   []forecast.Method{{Name: "naive", Weight: 1, Error: 0.125}},
}

func TestWriteCSV(t *testing.T) {
	hourly := trace.Trace{Values: make([]float64, 3), Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Step: time.Hour}
	for _, c := range []struct {
		rule    string
		history trace.Trace
		want    string
	}{
		{"times go on", hourly, "time,forecast,lower80,upper80\n2026-03-01T03:00:00Z,10,8,12\n2026-03-01T04:00:00Z,20,16,24\n"},
		{"without times the steps are numbered", trace.Trace{}, "step,forecast,lower80,upper80\n1,10,8,12\n2,20,16,24\n"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var out strings.Builder
			if err := forecasting.WriteCSV(&out, c.history, twoSteps); err != nil || out.String() != c.want {
				t.Errorf("got %q, %v, want %q", out.String(), err, c.want)
			}
		})
	}
}

func TestWriteChartShowsHistoryForecastAndMethods(t *testing.T) {
	var out strings.Builder
	history := trace.Trace{Values: []float64{5, math.NaN(), 15}}
	if err := forecasting.WriteChart(&out, history, twoSteps, 80); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"history", "forecast", "lower 80 %", "made of: naive 100 % (error 12.5 %)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestWriteChartShowsValuesOfAllSizes(t *testing.T) {
	for scale, want := range map[float64]string{1e-6: "2.4e-05 ", 1: " 24 ", 100: " 2400 ", 1e12: "2.4e+13 "} {
		r := forecast.Result{Methods: twoSteps.Methods}
		for _, v := range []float64{10, 24} {
			r.Values = append(r.Values, v*scale)
		}
		var out strings.Builder
		if err := forecasting.WriteChart(&out, trace.Trace{Values: []float64{5 * scale, 15 * scale}}, r, 80); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestEvaluate(t *testing.T) {
	newest := 0
	evaluate := func(file string, holdout int) (forecasting.Score, error) {
		return forecasting.Evaluate(context.Background(), forecasting.NewBatchReader(strings.NewReader(file)),
			forecasting.Trial{Options: forecast.Options{Horizon: 24, Seasons: []int{24}, Levels: []float64{0.8}}, Holdout: holdout, Newest: newest}, 2, func(int) {})
	}
	t.Run("a day with noise of half a percent is forecast within one", func(t *testing.T) {
		s, err := evaluate(rows(5), 24)
		if err != nil || s.Series != 5 || s.Forecast.SMAPE > 1 || math.Abs(s.OWA(s.Naive2)-1) > 1e-9 {
			t.Errorf("got %+v, %v", s, err)
		}
	})
	t.Run("of the newest two days only, it is forecast less well by measures of the same size", func(t *testing.T) {
		all, _ := evaluate(rows(5), 24)
		newest = 48
		few, err := evaluate(rows(5), 24)
		newest = 0
		if err != nil || few.Naive2 != all.Naive2 || few.Forecast == all.Forecast || few.Forecast.SMAPE > 2 {
			t.Errorf("got %+v, %v, of all %+v", few, err, all)
		}
	})
	t.Run("a short series is refused", func(t *testing.T) {
		const want = `series "a": 3 values are too few to hold 24 back and keep a season`
		if _, err := evaluate("a,1,2,3\n", 24); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	t.Run("a series with gaps is refused", func(t *testing.T) {
		if _, err := evaluate(strings.Replace(rows(1), "s0,", "s0,,", 1), 24); err == nil {
			t.Error("got no error")
		}
	})
}
