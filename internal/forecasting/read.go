// Package forecasting reads series from files, forecasts many of them at once,
// scores forecasts against values held back, and prints them.
package forecasting

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

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
