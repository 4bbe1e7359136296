package trace

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"time"
)

// A table has a row for each step: a time and values, or a value alone.
type table struct{ begin []byte }

func (t table) read(in *bufio.Reader, o Options) (points, error) {
	rows := newRows(in, separatorOf(t.begin))
	sample, err := rows.sample(200)
	if err != nil {
		return points{}, err
	}
	l, body, err := layoutOf(sample, rows.separator, o)
	if err != nil {
		return points{}, err
	}
	c := columns{layout: l, o: o, stamps: collector{o: o, name: l.name()}, labels: map[int]map[string]bool{}}
	for _, row := range body {
		if err := c.add(row); err != nil {
			return points{}, err
		}
	}
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return c.points()
		}
		if err != nil {
			return points{}, err
		}
		if err := c.add(row); err != nil {
			return points{}, err
		}
	}
}

// A row of a table.
type row struct {
	line  int
	cells []string
}

// rows reads the rows of a table.
type rows struct {
	separator rune // ' ' is any white space
	csv       *csv.Reader
	bound     *bounded // what csv reads from
	words     *bufio.Scanner
	line      int
}

func newRows(in io.Reader, separator rune) *rows {
	r := &rows{separator: separator}
	if separator == ' ' {
		r.words = bufio.NewScanner(in)
		r.words.Buffer(make([]byte, 1<<16), maxLine)
		return r
	}
	r.bound = &bounded{in: in}
	r.csv = csv.NewReader(r.bound)
	r.csv.Comma, r.csv.Comment = separator, '#'
	r.csv.FieldsPerRecord, r.csv.TrimLeadingSpace = -1, separator != '\t'
	return r
}

// next is the next row that is not empty.
func (r *rows) next() (row, error) {
	for {
		got, err := r.read()
		if err != nil {
			return row{}, err
		}
		empty := true
		for i, cell := range got.cells {
			got.cells[i] = strings.TrimSpace(cell)
			empty = empty && strings.Trim(got.cells[i], "-+=") == "" && (len(got.cells[i]) != 1)
		}
		if !empty {
			return got, nil
		}
	}
}

func (r *rows) read() (row, error) {
	if r.words != nil {
		if !r.words.Scan() {
			if errors.Is(r.words.Err(), bufio.ErrTooLong) {
				return row{}, &Error{Line: r.line + 1, What: fmt.Sprintf("a line of more than %d bytes", maxLine), Remedy: "name a table of times and values"}
			}
			return row{}, errors.Join(r.words.Err(), io.EOF)
		}
		r.line++
		return row{r.line, strings.Fields(r.words.Text())}, nil
	}
	r.bound.left = maxLine
	cells, err := r.csv.Read()
	if errors.Is(err, bufio.ErrTooLong) {
		return row{}, &Error{Line: r.line + 1, What: fmt.Sprintf("a row of more than %d bytes", maxLine), Remedy: "name a table of times and values, each row on a line of its own"}
	}
	if broken := new(csv.ParseError); errors.As(err, &broken) {
		line, column := broken.StartLine, 0 // where the row begins, if its quote goes on to another line
		if broken.Line == line {
			column = broken.Column
		}
		return row{}, &Error{line, column, "a quote that does not match", `write quotes within quotes twice, as in "a ""b"" c"`}
	}
	if err != nil {
		return row{}, err
	}
	r.line, _ = r.csv.FieldPos(0)
	return row{r.line, cells}, nil
}

// A bounded reader has an end to what is read of one row, which the csv package holds in memory
// however long it is: a packed file of 1 MB can have one of 1 GB.
type bounded struct {
	in   io.Reader
	left int
}

// Read reads what is left at most, and then fails with bufio.ErrTooLong.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, bufio.ErrTooLong
	}
	n, err := b.in.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// sample reads the first rows.
func (r *rows) sample(n int) ([]row, error) {
	var all []row
	for len(all) < n {
		one, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// separatorOf finds the separator that divides most lines into the same number of cells.
func separatorOf(begin []byte) rune {
	lines := strings.Split(strings.TrimRight(string(begin), "\r\n"), "\n")
	if len(lines) > 2 && len(begin) == peeked {
		lines = lines[:len(lines)-1]
	}
	lines = lines[:min(len(lines), 100)]
	for _, separator := range "\t;|," {
		counts := map[int]int{}
		for _, line := range lines {
			counts[cellsOf(line, separator)]++
		}
		for cells, n := range counts {
			if cells > 1 && 10*n >= 7*len(lines) {
				return separator
			}
		}
	}
	for _, separator := range "\t;|," { // ragged, as headers of many rows make it
		if strings.ContainsRune(lines[len(lines)-1], separator) && !spacedTime(lines[len(lines)-1], separator) {
			return separator
		}
	}
	return ' '
}

// spacedTime is whether the separator is only within a date such as "Oct 1, 2026".
func spacedTime(line string, separator rune) bool {
	return separator == ',' && strings.Count(line, ",") == strings.Count(line, ", 20")
}

// cellsOf counts the cells of a line, of which some may be quoted.
func cellsOf(line string, separator rune) int {
	n, quoted := 1, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			n++
		}
	}
	return n
}

// columns takes rows by a layout.
type columns struct {
	layout
	o       Options
	stamps  collector
	plain   timeline // rows without times
	labels  map[int]map[string]bool
	left    int // rows that --where leaves out
	blank   int // rows whose time is empty
	anyRows bool
	last    *ending // a row without a time that may be no row of the series
}

// An ending is a row in the place of whose time something else stands: below a table it is a
// total, or how many rows there are.
type ending struct {
	line    int
	text    string
	refused error
}

// total is what the last row of a table may have in the place of a time.
var total = regexp.MustCompile(`(?i)^(|(grand |sub)?totals?|sum|average|avg|mean|min|minimum|max|maximum|count|median|summe|gesamt|total général|\(?\d+ rows?.*)$`)

// end takes the last row for what it is.
func (c *columns) end(p *points) error {
	switch {
	case c.last == nil:
		return nil
	case !total.MatchString(c.last.text):
		return c.last.refused
	}
	p.notes = append(p.notes, fmt.Sprintf("Left out line %d, %q: it is a total of the rows above, or tells of them.", c.last.line, c.last.text))
	return nil
}

// add takes a row.
func (c *columns) add(r row) error {
	for column, want := range c.where {
		if cellAt(r, column) != want {
			c.left++
			return nil
		}
	}
	for _, column := range c.words {
		seen := c.labels[column]
		if seen == nil {
			seen = map[string]bool{}
			c.labels[column] = seen
		}
		if len(seen) < 100 {
			seen[strings.Clone(cellAt(r, column))] = true
		}
	}
	value, err := c.value(r)
	if err != nil {
		return err
	}
	c.anyRows = true
	if c.time < 0 {
		if c.plain.len() >= maxRows {
			return errTooLong(r.line)
		}
		c.plain.add(point{int64(c.plain.len()), value, r.line})
		return nil
	}
	stamp := cellAt(r, c.time)
	if c.clock >= 0 {
		stamp += " " + cellAt(r, c.clock)
	}
	if c.index {
		return c.addNumbered(r, stamp, value)
	}
	if stamp == "" && math.IsNaN(value) {
		c.blank++
		return nil
	}
	if c.last != nil {
		return c.last.refused
	}
	if err := c.stamps.add(r.line, c.time+1, stamp, value); err != nil {
		if len(c.stamps.found) == 0 || c.stamps.found[0].len() == 0 {
			return err
		}
		c.last = &ending{r.line, stamp, err}
	}
	return nil
}

// addNumbered takes a row by its number.
func (c *columns) addNumbered(r row, stamp string, value float64) error {
	at, ok := parseUnix(stamp, time.Nanosecond)
	if !ok {
		return &Error{r.line, c.time + 1, fmt.Sprintf("%q is not the number of a row", stamp), "number all rows, or give all a time"}
	}
	c.plain.add(point{at.UnixNano(), value, r.line})
	return nil
}

// value is the row's value, or the sum of its values.
func (c *columns) value(r row) (float64, error) {
	sum, known := 0.0, false
	for _, column := range c.values {
		cell := cellAt(r, column)
		v, ok := c.style.parse(cell)
		if !ok {
			return 0, &Error{r.line, column + 1, fmt.Sprintf("%q is not a number", cell), c.remedy(cell)}
		}
		if !math.IsNaN(v) {
			sum, known = sum+v, true
		}
	}
	return orGap(sum, known), nil
}

// remedy says what to do about a cell that is no number.
func (c *columns) remedy(cell string) string {
	switch {
	case strings.ContainsAny(cell, ",.") && strings.ContainsAny(cell, "0123456789"):
		return "if numbers have a decimal comma, say --decimal-comma"
	case strings.IndexAny(cell, "0123456789") == 0:
		return "take units off the numbers"
	case c.time < 0:
		return "a row is a time and a value, or a value alone"
	}
	return "leave the row out, or name another column with --column"
}

// points are what the rows hold.
func (c *columns) points() (points, error) {
	if !c.anyRows && c.left > 0 {
		return points{}, &Error{What: fmt.Sprintf("none of %d rows is what --where asks for", c.left), Remedy: "look at the cells of that column"}
	}
	p := points{name: c.name(), rows: &c.plain}
	if c.time >= 0 && !c.index {
		var err error
		if p, err = c.stamps.points(); err == nil {
			err = c.end(&p)
		}
		if err != nil {
			return p, err
		}
		if err := c.mixed(p.rows); err != nil {
			return p, err
		}
	}
	p.kind = c.kind()
	if counterName(p.name) && rises(p.rows) {
		p.kind = Counts
		p.takeIncreases()
	}
	p.notes = append(p.notes, c.notes...)
	if c.left > 0 {
		p.notes = append(p.notes, fmt.Sprintf("Left out %d rows that --where does not ask for.", c.left))
	}
	if c.blank > 0 {
		p.notes = append(p.notes, fmt.Sprintf("Passed over %d rows without time and value.", c.blank))
	}
	return p, nil
}

// mixed refuses rows of several series, which a column of words tells apart.
func (c *columns) mixed(rows *timeline) error {
	if len(c.words) == 0 || 10*timesOf(rows) > 9*rows.len() {
		return nil
	}
	for _, column := range c.words {
		seen := c.labels[column]
		if len(seen) < 2 || len(seen) > rows.len()/2 {
			continue
		}
		names := firstOf(seen, 5)
		return &Error{What: fmt.Sprintf("rows of %d kinds share their times: column %s has %s", len(seen), c.title(column), strings.Join(names, ", ")),
			Remedy: fmt.Sprintf("choose one with --where '%s=%s'", c.title(column), names[0])}
	}
	return nil
}

// timesOf is how many times rows have.
func timesOf(rows *timeline) (n int) {
	var before int64
	for i, r := range rows.sorted().all() {
		if i == 0 || r.at != before {
			n++
		}
		before = r.at
	}
	return n
}

// cellAt is a cell of a row, which may be short.
func cellAt(r row, column int) string {
	if column >= len(r.cells) {
		return ""
	}
	return r.cells[column]
}
