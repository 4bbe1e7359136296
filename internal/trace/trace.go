// Package trace reads what happened over time from files as people have them: tables of many
// kinds, the answers of CloudWatch and Prometheus, access logs. What it had to do to read a
// file it tells in notes; what it cannot read it refuses with the place and a remedy.
package trace

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"time"
)

// A Missing is what a row that is not there is taken for.
type Missing int

// What missing rows are taken for.
const (
	Guess Missing = iota // a count that was small around it is zero, anything else is a gap
	Zero
	Gap
)

// Options say what a file does not say of itself. The zero Options find it all out.
type Options struct {
	Column  string            // which values: a name or a number from 1; of documents, an id or a label; "*" adds all up
	Where   map[string]string // rows to take: the cells of these columns
	Zone    *time.Location    // of times that name none; nil is UTC
	Step    time.Duration     // of the trace; 0 is that of the file
	Kind    Kind              // of the values
	Assume  Kind              // what values are whose kind the file does not tell
	Missing Missing           // what missing rows are
	Order   DateOrder         // of dates such as 03/04/2026
	Comma   bool              // numbers have a decimal comma
}

// A Trace is a series of values at equal steps of time.
type Trace struct {
	Name   string    // of the values; "" where the file has none
	Values []float64 // oldest first; NaN is a gap
	Kind   Kind
	// Start is the beginning of the first step. Start and Step are zero where the file has no
	// times.
	Start time.Time
	Step  time.Duration
	Notes []string // what was done to read it, in full sentences
}

// Time is the beginning of the i-th step.
func (t Trace) Time(i int) time.Time { return t.Start.Add(time.Duration(i) * t.Step) }

// Gaps is how many values are missing.
func (t Trace) Gaps() int {
	n := 0
	for _, v := range t.Values {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}

// An Error says where a file cannot be read, and what to do.
type Error struct {
	Line, Column int // from 1; 0 where there is no such place
	What         string
	Remedy       string
}

func (e *Error) Error() string {
	text := e.What
	switch {
	case e.Line > 0 && e.Column > 0:
		text = fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, text)
	case e.Line > 0:
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// peeked is how much of a file is looked at to find out what it is.
const peeked = 64 << 10

// Read reads a trace in any of the forms that the package knows.
func Read(r io.Reader, o Options) (Trace, error) {
	s, err := Scan(r, o)
	if err != nil {
		return Trace{}, err
	}
	return s.Trace()
}

// Scan reads what Read reads, and keeps no values in memory.
func Scan(r io.Reader, o Options) (Series, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	in := bufio.NewReaderSize(r, peeked)
	begin, err := in.Peek(peeked)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return Series{}, err
	}
	got, err := formOf(begin).read(in, o)
	if err != nil {
		return Series{}, err
	}
	return got.series(o)
}

// points are what a file holds, before they are put on a grid.
type points struct {
	name   string
	kind   Kind
	rows   *timeline
	times  bool          // whether the rows have times
	local  bool          // whether some times name no zone
	step   time.Duration // of a file that names it, as a document does
	events bool          // rows are counts of single events: a step without one had none
	notes  []string
}

// A point is a value and its time.
type point struct {
	at    int64 // nanoseconds since 1970, or the number of the row
	value float64
	line  int
}

// maxRows bounds the rows of a file that are held in memory.
const maxRows = 20_000_000

// errTooLong refuses a file of more rows than are held.
func errTooLong(line int) error {
	return &Error{Line: line, What: fmt.Sprintf("more than %d rows", maxRows), Remedy: "cut the file into parts, or add its rows up to minutes first"}
}
