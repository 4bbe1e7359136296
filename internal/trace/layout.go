package trace

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A layout says what the columns of a table are.
type layout struct {
	titles []string // of all columns; empty where the table has no header
	time   int      // -1: rows have no times
	clock  int      // the time of day, where it has a column of its own; else -1
	index  bool     // the column of the time numbers the rows
	values []int    // which are added up
	words  []int    // columns that are neither
	where  map[int]string
	style  numberStyle
	unit   string // of the values, where a column says it
	notes  []string
}

// name is the name of the values.
func (l *layout) name() string {
	if len(l.values) != 1 || len(l.titles) == 0 {
		return ""
	}
	return l.titles[l.values[0]]
}

// title is how a column is called.
func (l *layout) title(column int) string {
	if column < len(l.titles) && l.titles[column] != "" {
		return l.titles[column]
	}
	return strconv.Itoa(column + 1)
}

// layoutOf finds out what the columns are, and which rows are not the header.
func layoutOf(sample []row, separator rune, o Options) (layout, []row, error) {
	l := layout{time: -1, clock: -1}
	head := headRows(sample, o)
	if head == len(sample) {
		if len(sample) > 0 {
			return l, nil, noValues(sample[len(sample)-1])
		}
		return l, nil, errEmpty
	}
	body := sample[head:]
	width := 0
	for _, r := range body {
		width = max(width, len(r.cells))
	}
	l.titles = titlesOf(sample[:head], width)
	l.findTime(body, width, o)
	if err := l.findValues(body, width, separator, o); err != nil {
		return l, nil, err
	}
	return l, body, l.findWhere(body, width, o)
}

// noValues refuses a table in which no row has a number.
func noValues(r row) error {
	if len(r.cells) > 0 && r.cells[len(r.cells)-1] != "" && r.line > 1 {
		return &Error{r.line, len(r.cells), fmt.Sprintf("%q is not a number", r.cells[len(r.cells)-1]), errEmpty.Remedy}
	}
	return errEmpty
}

// headRows is how many rows come before the first with a time, or with a value where none has
// a time.
func headRows(sample []row, o Options) int {
	for i, r := range sample {
		if timeCell(r, o) >= 0 {
			return i
		}
	}
	for i, r := range sample {
		if v, ok := (numberStyle{decimalComma: o.Comma}).parse(r.cells[len(r.cells)-1]); ok && !math.IsNaN(v) {
			return i
		}
	}
	return len(sample)
}

// timeCell is the first cell that is a time.
func timeCell(r row, o Options) int {
	return slices.IndexFunc(r.cells, func(cell string) bool { return len(readings(cell, o.Zone, o.Order)) > 0 })
}

// titlesOf are the names in the last row of the header, or in the one that CloudWatch's console
// calls Label.
func titlesOf(head []row, width int) []string {
	for i := len(head) - 1; i >= 0; i-- {
		if len(head[i].cells) > 1 && strings.EqualFold(head[i].cells[0], "label") {
			return head[i].cells
		}
	}
	for i := len(head) - 1; i >= 0; i-- {
		if len(head[i].cells) == width {
			return head[i].cells
		}
	}
	return nil
}

// timeNames are the usual names of a column of times.
var timeNames = regexp.MustCompile(`(?i)^"?(time|timestamp|date|datetime|date_time|ts|@timestamp|_time|_time_utc|period|minute|hour|day|when|start)"?$`)

// findTime finds the column of times: by its name, or the first that has them.
func (l *layout) findTime(body []row, width int, o Options) {
	var found []int
	for column := range width {
		if share(body, column, func(cell string) bool { return cell == "" || len(readings(cell, o.Zone, o.Order)) > 0 }) >= 0.5 && timeCellAt(body, column, o) {
			found = append(found, column)
		}
	}
	if named := slices.IndexFunc(found, func(c int) bool { return timeNames.MatchString(l.title(c)) }); named > 0 {
		found = found[named:]
	}
	switch {
	case len(found) > 0:
		l.time = found[0]
		if next := l.time + 1; next < width && (share(body, next, clockCell.MatchString) >= 0.9 || hourName.MatchString(l.title(next))) && !strings.Contains(cellAt(body[0], l.time), ":") {
			l.clock = next
		}
	case width > 1 && numbersRows(body, 0) && (len(l.titles) == 0 || width == 2 || l.titles[0] == ""):
		l.time, l.index = 0, true
	}
}

// clockCell is a time of day.
var clockCell = regexp.MustCompile(`^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AP]M)?$`)

// hourName is the name of a column of hours beside that of dates.
var hourName = regexp.MustCompile(`(?i)^(hour|hr|stunde)$`)

// timeCellAt is whether a column has a time at all.
func timeCellAt(body []row, column int, o Options) bool {
	return slices.ContainsFunc(body, func(r row) bool { return len(readings(cellAt(r, column), o.Zone, o.Order)) > 0 })
}

// numbersRows is whether a column numbers the rows: whole numbers that go up.
func numbersRows(body []row, column int) bool {
	last := int64(-1)
	for _, r := range body {
		n, err := strconv.ParseInt(cellAt(r, column), 10, 64)
		if err != nil || n <= last {
			return false
		}
		last = n
	}
	return true
}

// share is the share of rows whose cell is so.
func share(body []row, column int, is func(string) bool) float64 {
	n := 0
	for _, r := range body {
		if is(cellAt(r, column)) {
			n++
		}
	}
	return float64(n) / float64(len(body))
}

// findValues finds the column of values: the one that is asked for, the only one of numbers, or
// the only one with a usual name.
func (l *layout) findValues(body []row, width int, separator rune, o Options) error {
	numbers, err := l.numbers(body, width, separator, o)
	if err != nil {
		return err
	}
	switch {
	case o.Column == "*":
		l.values = numbers
	case o.Column != "":
		column := l.column(o.Column, width)
		if column < 0 {
			return &Error{What: fmt.Sprintf("no column %s", o.Column), Remedy: "the columns are " + l.list(allOf(width))}
		}
		l.values = []int{column}
	case len(numbers) == 1:
		l.values = numbers
	case len(numbers) > 1:
		chosen := usual(numbers, l.title)
		if chosen < 0 {
			return &Error{What: fmt.Sprintf("%d columns of numbers", len(numbers)), Remedy: "choose one with --column: " + l.list(numbers) + "; or add them up with --column '*'"}
		}
		l.values = []int{chosen}
		l.notes = append(l.notes, fmt.Sprintf("Took column %s of the columns of numbers %s; --column chooses another.", l.title(chosen), l.list(numbers)))
	}
	if len(l.values) == 0 {
		return l.noNumbers(body, width)
	}
	if err := l.unreadTime(body, width, numbers); err != nil {
		return err
	}
	for column := range width {
		if column != l.time && column != l.clock && !slices.Contains(l.values, column) && !slices.Contains(numbers, column) {
			l.words = append(l.words, column)
			if strings.EqualFold(l.title(column), "unit") {
				l.unit = cellAt(body[0], column)
			}
		}
	}
	return nil
}

// numbers are the columns of numbers, and how these are written.
func (l *layout) numbers(body []row, width int, separator rune, o Options) ([]int, error) {
	var found, numbered []int
	for column := range width {
		if column == l.time || column == l.clock {
			continue
		}
		var cells []string
		for _, r := range body {
			cells = append(cells, cellAt(r, column))
		}
		style, sure := styleOf(cells)
		if o.Comma {
			style, sure = numberStyle{decimalComma: true}, true
		}
		isNumber := func(cell string) bool { _, ok := style.parse(cell); return ok }
		if share(body, column, isNumber) < 0.9 || share(body, column, func(cell string) bool { return cell != "" }) == 0 {
			continue
		}
		if !sure && separator != ',' && separator != ' ' && share(body, column, func(cell string) bool { return strings.Contains(cell, ",") }) > 0 {
			return nil, &Error{body[0].line, column + 1, fmt.Sprintf("%q can be a number with thousands or with decimals", firstWith(cells, ",")),
				"say --decimal-comma, or write numbers without separators of thousands"}
		}
		if style.decimalComma {
			l.style = style
		}
		found = append(found, column)
		if numbersRows(body, column) && len(body) > 2 && l.title(column) == strconv.Itoa(column+1) {
			numbered = append(numbered, column)
		}
	}
	if len(numbered) > 0 && len(numbered) < len(found) && len(l.titles) > 0 {
		found = slices.DeleteFunc(found, func(c int) bool { return slices.Contains(numbered, c) })
	}
	return found, nil
}

// firstWith is the first cell with such a character.
func firstWith(cells []string, character string) string {
	i := slices.IndexFunc(cells, func(cell string) bool { return strings.Contains(cell, character) })
	return cells[max(i, 0)]
}

// noNumbers refuses a table without a column of numbers.
func (l *layout) noNumbers(body []row, width int) error {
	c := columns{layout: *l}
	for _, r := range body {
		last := cellAt(r, width-1)
		if _, ok := l.style.parse(last); !ok && width-1 != l.time {
			return &Error{r.line, width, fmt.Sprintf("%q is not a number", last), c.remedy(last)}
		}
	}
	return &Error{Line: body[0].line, What: "no column of values beside the times", Remedy: "name an access log or a table of times and values"}
}

// unreadTime refuses a column of words that differ from row to row where no column has times:
// they are times in a way that is not known.
func (l *layout) unreadTime(body []row, width int, numbers []int) error {
	if l.time >= 0 {
		return nil
	}
	for column := range width {
		seen := map[string]bool{}
		for _, r := range body {
			seen[cellAt(r, column)] = true
		}
		if len(seen) == len(body) && !slices.Contains(numbers, column) && !slices.Contains(l.values, column) {
			return errTime(body[0].line, column+1, cellAt(body[0], column))
		}
	}
	return nil
}

// usualNames are names by which a column of values is chosen from several.
var usualNames = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^(request_?counts?|requests?|num_?requests|total_?requests|number_?of_?requests|req(s|uests)?_?count)$`),
	regexp.MustCompile(`(?i)^(_?value|count|hits|invocations|messages|arrivals)$`),
	regexp.MustCompile(`(?i)^(sum|total)$`),
	regexp.MustCompile(`(?i)^(average|mean|avg)$`),
}

// usual is the one column with a usual name, or -1.
func usual(numbers []int, title func(int) string) int {
	for _, names := range usualNames {
		var found []int
		for _, column := range numbers {
			if names.MatchString(title(column)) {
				found = append(found, column)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return -1
}

// column finds a column by its name or its number.
func (l *layout) column(name string, width int) int {
	for column := range l.titles {
		if strings.EqualFold(l.titles[column], name) {
			return column
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= width {
		return n - 1
	}
	return -1
}

// list names columns.
func (l *layout) list(columns []int) string {
	var names []string
	for _, column := range columns {
		names = append(names, l.title(column))
	}
	return listed(names)
}

// findWhere finds the columns by which rows are chosen.
func (l *layout) findWhere(_ []row, width int, o Options) error {
	l.where = map[int]string{}
	for name, want := range o.Where {
		column := l.column(name, width)
		if column < 0 {
			return &Error{What: fmt.Sprintf("no column %s", name), Remedy: "the columns are " + l.list(allOf(width))}
		}
		l.where[column] = want
	}
	return nil
}

// allOf are the columns of a table.
func allOf(width int) []int {
	all := make([]int, width)
	for i := range all {
		all[i] = i
	}
	return all
}

// firstOf are some names of a set, in order.
func firstOf(set map[string]bool, n int) []string {
	names := slices.Sorted(maps.Keys(set))
	return names[:min(len(names), n)]
}

// kind judges values by their unit or their name.
func (l *layout) kind() Kind {
	if kind := kindOf(l.name()); kind != Unknown {
		return kind
	}
	return kindOfUnit(l.unit)
}
