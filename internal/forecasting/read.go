// Package forecasting reads series from files, forecasts many of them at once,
// scores forecasts against values held back, and prints them.
package forecasting

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Open opens a file to read, or stdin if path is "-". What begins as gzip is
// read as that, whatever the file is called; a byte order mark is passed over.
func Open(path string, stdin io.Reader) (io.ReadCloser, error) {
	file := io.NopCloser(stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		file = f
	}
	plain := bufio.NewReaderSize(file, 1<<16)
	if magic, _ := plain.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return opened{withoutMark(plain), file}, nil
	}
	unzip, err := gzip.NewReader(plain)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return opened{withoutMark(bufio.NewReaderSize(unzip, 1<<16)), file}, nil
}

// withoutMark passes over the mark that spreadsheets put before UTF-8.
func withoutMark(r *bufio.Reader) io.Reader {
	const mark = "\ufeff"
	if begin, _ := r.Peek(len(mark)); string(begin) == mark {
		_, _ = r.Discard(len(mark))
	}
	return r
}

type opened struct {
	io.Reader
	io.Closer
}

// A Series is a named row of a batch.
type Series struct {
	ID     string
	Values []float64 // oldest first, NaN where missing
}

// A BatchReader reads a series a row: an id and the values, as many as there
// are. A first row whose values are no numbers, or whose id is "id", is a header
// and passed over.
// Empty cells and NaN or NA are gaps; empty cells at the end of a row are its
// end.
type BatchReader struct {
	csv *csv.Reader
	row int
}

// NewBatchReader reads rows from r.
func NewBatchReader(r io.Reader) *BatchReader {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	return &BatchReader{csv: c}
}

// A RowError says what is wrong with one series of a batch. The others can
// still be read.
type RowError struct{ err error }

func (e *RowError) Error() string { return e.err.Error() }
func (e *RowError) Unwrap() error { return e.err }

func rowError(format string, args ...any) error { return &RowError{fmt.Errorf(format, args...)} }

// Next returns the next series, io.EOF after the last, or a *RowError.
func (b *BatchReader) Next() (Series, error) {
	cells, err := b.csv.Read()
	if broken := new(csv.ParseError); errors.As(err, &broken) {
		return Series{}, &RowError{err}
	}
	if err != nil {
		return Series{}, err
	}
	b.row++
	if b.row == 1 && (isHeader(cells[1:]) || strings.EqualFold(cells[0], "id")) {
		return b.Next()
	}
	line, _ := b.csv.FieldPos(0)
	s := Series{ID: strings.Clone(cells[0])}
	for len(cells) > 1 && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 1 {
		return s, rowError("line %d: series %q has no values; a row is an id and its values, such as id,v1,v2", line, s.ID)
	}
	s.Values = make([]float64, len(cells)-1)
	for i, cell := range cells[1:] {
		if s.Values[i], err = parseValue(cell); err != nil {
			return s, rowError("line %d: series %q: value %d: %w", line, s.ID, i+1, err)
		}
	}
	return s, nil
}

// isHeader says whether there are cells and none can be a value.
func isHeader(cells []string) bool {
	for _, cell := range cells {
		if _, err := parseValue(cell); err == nil {
			return false
		}
	}
	return len(cells) > 0
}

func parseValue(cell string) (float64, error) {
	cell = strings.TrimSpace(cell)
	switch strings.ToLower(cell) {
	case "", "nan", "na", "null":
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number", cell)
	}
	return v, nil
}

// A Timeline is a series at equal steps of time.
type Timeline struct {
	Name   string    // of the values; "" if the file has no header
	Values []float64 // oldest first, NaN where missing
	// Start and Step are zero if the file has no times.
	Start time.Time
	Step  time.Duration
}

// Time is the time of the i-th value.
func (t Timeline) Time(i int) time.Time { return t.Start.Add(time.Duration(i) * t.Step) }

// ReadTimeline reads a value a row: the value alone, or after a time. The
// first row may be a header. The times, in any order, are equal steps, of which
// some may be missing: their values are gaps. Where they are no times but the
// numbers of the rows, the timeline has none.
func ReadTimeline(r io.Reader) (Timeline, error) {
	var t Timeline
	var times []time.Time
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	for row := 1; ; row++ {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t, err
		}
		line, _ := c.FieldPos(0)
		last := cells[len(cells)-1]
		if row == 1 && isHeader(cells[len(cells)-1:]) {
			t.Name = strings.Clone(strings.TrimSpace(last))
			continue
		}
		if len(cells) > 2 {
			return t, fmt.Errorf("line %d: %d columns; a row is a value, or a time and a value", line, len(cells))
		}
		v, err := parseValue(last)
		if err != nil {
			return t, fmt.Errorf("line %d: %w", line, err)
		}
		t.Values = append(t.Values, v)
		if len(cells) == 2 {
			at, err := parseTime(cells[0])
			if err != nil {
				return t, fmt.Errorf("line %d: %w", line, err)
			}
			times = append(times, at)
		}
		if len(times) > 0 && len(times) != len(t.Values) {
			return t, fmt.Errorf("line %d: some rows have a time and some have none", line)
		}
	}
	if len(t.Values) == 0 {
		return t, errors.New("no values")
	}
	times, err := t.order(times)
	if err != nil || len(times) < 2 {
		return t, err
	}
	return t.spread(times)
}

// order puts the values in the order of their times, and drops rows that are
// there twice.
func (t *Timeline) order(times []time.Time) ([]time.Time, error) {
	rows := make([]int, len(times))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int { return times[a].Compare(times[b]) })
	values, ordered := t.Values, times[:0:0]
	if len(times) > 0 {
		t.Values = nil
	}
	for _, row := range rows {
		at, v, last := times[row], values[row], len(ordered)-1
		switch {
		case last < 0 || at.After(ordered[last]):
			ordered, t.Values = append(ordered, at), append(t.Values, v)
		case math.IsNaN(t.Values[last]):
			t.Values[last] = v
		case !math.IsNaN(v) && v != t.Values[last]:
			return nil, fmt.Errorf("%s is there twice, with %v and %v; local times need their zone when clocks change", at.Format(time.RFC3339), t.Values[last], v)
		}
	}
	return ordered, nil
}

// maxMissing bounds what a wrong time can make of a small file.
const maxMissing = 100_000

// spread puts each value at its step, where the step is the least distance of
// two times, and leaves gaps between.
func (t Timeline) spread(times []time.Time) (Timeline, error) {
	t.Start, t.Step = times[0], times[1].Sub(times[0])
	for i := 1; i < len(times); i++ {
		t.Step = min(t.Step, times[i].Sub(times[i-1]))
	}
	values := t.Values
	t.Values = nil
	for i, at := range times {
		since := at.Sub(t.Start)
		if since%t.Step != 0 {
			return t, fmt.Errorf("%s is not a whole number of steps of %s after %s", at.Format(time.RFC3339), t.Step, t.Start.Format(time.RFC3339))
		}
		at := int(since / t.Step)
		if at-i > maxMissing {
			return t, fmt.Errorf("more than %d steps of %s are missing before %s", maxMissing, t.Step, times[i].Format(time.RFC3339))
		}
		for len(t.Values) < at {
			t.Values = append(t.Values, math.NaN())
		}
		t.Values = append(t.Values, values[i])
	}
	if t.Step == time.Second && t.Start.Year() == 1970 {
		t.Start, t.Step = time.Time{}, 0
	}
	return t, nil
}

// Hourly makes one value of all rows of an hour, their sum or their mean, if
// they are finer; step is their distance where they have no times. Missing rows
// count as the others of their hour, of which there must be half. Incomplete
// hours at either end are left out.
func (t Timeline) Hourly(step time.Duration, mean bool) (Timeline, error) {
	if t.Step > 0 {
		step = t.Step
	}
	if step == 0 || step >= time.Hour {
		return t, nil
	}
	if step < 0 || time.Hour%step != 0 {
		return t, fmt.Errorf("rows are %v apart; an hour must be a number of them", step)
	}
	n, first := int(time.Hour/step), 0
	h := Timeline{Name: t.Name}
	if t.Step > 0 {
		if into := t.Start.Sub(t.Start.Truncate(time.Hour)); into >= step {
			first = int((time.Hour - into + step - 1) / step)
		}
		h.Start, h.Step = t.Time(first).Truncate(time.Hour), time.Hour
	}
	for ; first+n <= len(t.Values); first += n {
		sum, known := 0.0, 0
		for _, v := range t.Values[first : first+n] {
			if !math.IsNaN(v) {
				sum += v
				known++
			}
		}
		value := sum / float64(known)
		switch {
		case 2*known < n:
			value = math.NaN()
		case !mean:
			value *= float64(n)
		}
		h.Values = append(h.Values, value)
	}
	if len(h.Values) == 0 {
		return t, fmt.Errorf("no full hour of rows %v apart", step)
	}
	return h, nil
}

// parseTime reads the usual ways to write a time; without a zone it is UTC.
func parseTime(cell string) (time.Time, error) {
	cell = strings.TrimSpace(cell)
	for _, layout := range []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00",
		time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly,
	} {
		if at, err := time.Parse(layout, cell); err == nil {
			return at.UTC(), nil
		}
	}
	// Seconds or milliseconds since 1970, or the number of the row.
	if n, err := strconv.ParseInt(cell, 10, 64); err == nil && n >= 0 && n < 1<<43 {
		if n < 1<<33 {
			return time.Unix(n, 0).UTC(), nil
		}
		return time.UnixMilli(n).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time such as 2006-01-02T15:04:05Z", cell)
}
