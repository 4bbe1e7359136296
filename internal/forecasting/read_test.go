package forecasting_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

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
