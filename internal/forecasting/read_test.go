package forecasting_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/forecasting"
)

func readBatch(r io.Reader) (all []forecasting.Series, err error) {
	reader := forecasting.NewBatchReader(r)
	for {
		s, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
}

func TestBatchReader(t *testing.T) {
	for _, c := range []struct{ rule, file, want string }{
		{"rows may be ragged", "a,1,2,3\nb,4\n", "[{a [1 2 3]} {b [4]}]"},
		{"a header is passed over", "V1,V2,V3\nH1,605,586\n", "[{H1 [605 586]}]"},
		{"ids and values may be quoted", "\"V1\",\"V2\"\n\"a,b\",\"1.5\"\n", "[{a,b [1.5]}]"},
		{"an id called id makes a header of years", "ID,2025,2026\na,1,2\n", "[{a [1 2]}]"},
		{"a first row of numbers is no header", "1,2,3\n", "[{1 [2 3]}]"},
		{"empty cells at the end are the end", "a,1,2,,,\n", "[{a [1 2]}]"},
		{"empty cells, NA and NaN before it are gaps", "a,1,,NA,nan,2\n", "[{a [1 NaN NaN NaN 2]}]"},
		{"spaces, signs and exponents are read", "a, 1 ,-2,3e2\r\n", "[{a [1 -2 300]}]"},
		{"an empty file has no series", "", "[]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			all, err := readBatch(strings.NewReader(c.file))
			if got := fmt.Sprint(all); err != nil || got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestBatchReaderRefuses(t *testing.T) {
	for _, c := range []struct{ rule, file, want string }{
		{"a word among the values", "a,1\nb,1,two\n", `line 2: series "b": value 2: "two" is not a number`},
		{"an infinite value", "a,1\nb,inf\n", `line 2: series "b": value 1: "inf" is not a number`},
		{"a row without values", "a,1\nb\n", `line 2: series "b" has no values; a row is an id and its values, such as id,v1,v2`},
		{"a broken quote", "a,1\n\"b,2\n", `parse error on line 2, column 6: extraneous or missing " in quoted-field`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if _, err := readBatch(strings.NewReader(c.file)); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestReadTimeline(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		rule, file string
		want       forecasting.Timeline
	}{
		{"values alone", "1\n2\n", forecasting.Timeline{Values: []float64{1, 2}}},
		{"a header names the values", "time,requests\n2026-03-01T00:00:00Z,5\n", forecasting.Timeline{Name: "requests", Values: []float64{5}}},
		{"the step is the distance of the times", "2026-03-01 00:00:00,1\n2026-03-01 01:00:00,2\n",
			forecasting.Timeline{Values: []float64{1, 2}, Start: start, Step: time.Hour}},
		{"a missing time is a gap", "2026-03-01 00:00,1\n2026-03-01 02:00,2\n2026-03-01 03:00,4\n",
			forecasting.Timeline{Values: []float64{1, math.NaN(), 2, 4}, Start: start, Step: time.Hour}},
		{"the numbers of the rows are no times", "0,1\n1,2\n3,4\n", forecasting.Timeline{Values: []float64{1, 2, math.NaN(), 4}}},
		{"seconds and milliseconds since 1970 are times", "1772323200,1\n1772326800000,2\n",
			forecasting.Timeline{Values: []float64{1, 2}, Start: start, Step: time.Hour}},
		{"rows may be in any order, and twice", "2026-03-01 01:00,2\n2026-03-01 00:00,\n2026-03-01 00:00,1\n2026-03-01 01:00,2\n",
			forecasting.Timeline{Values: []float64{1, 2}, Start: start, Step: time.Hour}},
		{"a space may stand before time and zone", "2026-03-01 01:00:00+01:00,1\n2026-03-01 01:00:00 UTC,2\n",
			forecasting.Timeline{Values: []float64{1, 2}, Start: start, Step: time.Hour}},
		{"zones are heeded", "2026-03-01T01:00:00+01:00,1\n2026-03-01T01:00:00Z,2\n",
			forecasting.Timeline{Values: []float64{1, 2}, Start: start, Step: time.Hour}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := forecasting.ReadTimeline(strings.NewReader(c.file))
			if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestReadTimelineRefuses(t *testing.T) {
	for _, c := range []struct{ rule, file, want string }{
		{"an empty file", "", "no values"},
		{"a header alone", "requests\n", "no values"},
		{"three columns", "1,2,3\n", "line 1: 3 columns; a row is a value, or a time and a value"},
		{"a word among the values", "1\nmany\n", `line 2: "many" is not a number`},
		{"a time that is none", "yesterday,1\n", `line 1: "yesterday" is not a time such as 2006-01-02T15:04:05Z`},
		{"two values at a time", "2026-10-25 02:00,1\n2026-10-25 02:00,3\n",
			"2026-10-25T02:00:00Z is there twice, with 1 and 3; local times need their zone when clocks change"},
		{"times for some rows only", "1,1\n2\n", "line 2: some rows have a time and some have none"},
		{"unequal steps", "0,1\n2,1\n5,1\n", "1970-01-01T00:00:05Z is not a whole number of steps of 2s after 1970-01-01T00:00:00Z"},
		{"a time far away", "0,1\n1,1\n900000,1\n", "more than 100000 steps of 1s are missing before 1970-01-11T10:00:00Z"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if _, err := forecasting.ReadTimeline(strings.NewReader(c.file)); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestHourly(t *testing.T) {
	at := func(clock string) time.Time {
		t, err := time.Parse(time.DateTime, "2026-03-01 "+clock)
		if err != nil {
			panic(err)
		}
		return t
	}
	gap := math.NaN()
	const quarter, half = 15 * time.Minute, 30 * time.Minute
	for _, c := range []struct {
		rule  string
		given forecasting.Timeline
		step  time.Duration
		mean  bool
		want  forecasting.Timeline
	}{
		{"quarters are summed", forecasting.Timeline{Values: []float64{1, 2, 3, 4, 5, 5, 5, 5}, Start: at("01:00:00"), Step: quarter}, 0, false,
			forecasting.Timeline{Values: []float64{10, 20}, Start: at("01:00:00"), Step: time.Hour}},
		{"or their mean is taken", forecasting.Timeline{Values: []float64{1, 2, 3, 6}, Start: at("01:00:00"), Step: quarter}, 0, true,
			forecasting.Timeline{Values: []float64{3}, Start: at("01:00:00"), Step: time.Hour}},
		{"incomplete hours at the ends are left out", forecasting.Timeline{Values: []float64{9, 1, 2, 9}, Start: at("01:30:00"), Step: half}, 0, false,
			forecasting.Timeline{Values: []float64{3}, Start: at("02:00:00"), Step: time.Hour}},
		{"rows may lie within their steps", forecasting.Timeline{Values: []float64{1, 2, 3}, Start: at("01:04:00"), Step: half}, 0, false,
			forecasting.Timeline{Values: []float64{3}, Start: at("01:00:00"), Step: time.Hour}},
		{"missing rows count as the others", forecasting.Timeline{Values: []float64{1, gap, gap, 3}, Start: at("01:00:00"), Step: quarter}, 0, false,
			forecasting.Timeline{Values: []float64{8}, Start: at("01:00:00"), Step: time.Hour}},
		{"an hour of less than half its rows is a gap", forecasting.Timeline{Values: []float64{1, gap, gap, gap}, Start: at("01:00:00"), Step: quarter}, 0, false,
			forecasting.Timeline{Values: []float64{gap}, Start: at("01:00:00"), Step: time.Hour}},
		{"without times the step is given", forecasting.Timeline{Values: []float64{1, 2, 3}}, half, false, forecasting.Timeline{Values: []float64{3}}},
		{"without both a row is an hour", forecasting.Timeline{Values: []float64{1, 2, 3}}, 0, false, forecasting.Timeline{Values: []float64{1, 2, 3}}},
		{"days stay days", forecasting.Timeline{Values: []float64{1, 2}, Start: at("00:00:00"), Step: 24 * time.Hour}, 0, false,
			forecasting.Timeline{Values: []float64{1, 2}, Start: at("00:00:00"), Step: 24 * time.Hour}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := c.given.Hourly(c.step, c.mean)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
	for step, want := range map[time.Duration]string{
		7 * time.Minute: "rows are 7m0s apart; an hour must be a number of them",
		quarter:         "no full hour of rows 15m0s apart",
	} {
		if _, err := (forecasting.Timeline{Values: []float64{1}}).Hourly(step, false); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestOpenReadsGzipByItsContent(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "a,1\n")
	z.Close()
	path := filepath.Join(t.TempDir(), "series.csv")
	if err := os.WriteFile(path, zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule, path string
		stdin      io.Reader
	}{
		{"a file", path, nil},
		{"the standard input", "-", &zipped},
		{"plain text", "-", strings.NewReader("a,1\n")},
		{"text after a byte order mark", "-", strings.NewReader("\ufeffa,1\n")},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f, err := forecasting.Open(c.path, c.stdin)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if text, err := io.ReadAll(f); string(text) != "a,1\n" || err != nil {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}

func FuzzBatchReader(f *testing.F) {
	for _, seed := range []string{"a,1,2\n", "V1,V2\nH1,3,,4,\n", "\"a\nb\",1\n", ",", "a,1e999\n", "\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		all, _ := readBatch(bytes.NewReader(file))
		for _, s := range all {
			if len(s.Values) == 0 {
				t.Errorf("series %q has no values", s.ID)
			}
			for _, v := range s.Values {
				if math.IsInf(v, 0) {
					t.Errorf("series %q has an infinite value", s.ID)
				}
			}
		}
	})
}

func FuzzReadTimeline(f *testing.F) {
	for _, seed := range []string{"1\n2\n", "time,v\n2026-03-01T00:00:00Z,5\n2026-03-01T02:00:00Z,6\n", "0,1\n1,2\n7,3\n", "0001-01-01,1\n9999-12-31,2\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		line, err := forecasting.ReadTimeline(bytes.NewReader(file))
		if err == nil && len(line.Values) == 0 {
			t.Error("no values and no error")
		}
		if line.Step < 0 {
			t.Errorf("a step of %s", line.Step)
		}
	})
}
