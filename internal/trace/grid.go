package trace

import (
	"fmt"
	"math"
	"time"
)

// What a wrong time can make of a small file is bounded: a trace has so many steps at most, and
// of a file with few rows so many for each and some.
const (
	maxCells    = 40_000_000
	cellsOfFile = 1_000_000
	cellsOfRow  = 1_000
)

// trace puts what a file holds at equal steps.
func (p points) trace(o Options) (Trace, error) {
	t := Trace{Name: p.name, Kind: p.kind, Notes: p.notes}
	if o.Kind != Unknown {
		t.Kind = o.Kind
	}
	if p.rows == nil || p.rows.len() == 0 {
		return t, errEmpty
	}
	rows := p.rows.sorted()
	if !p.times {
		return numbered(t, rows, o)
	}
	if p.events {
		return counted(t, rows, o)
	}
	rows = t.withoutStrays(rows)
	rows, err := t.once(rows, p.local && o.Zone == time.UTC && o.Kind == Unknown)
	if err != nil {
		return t, err
	}
	if err := t.place(rows, p.step); err != nil {
		return t, err
	}
	t.settleKind(o)
	t.fill(o)
	if o.Step > 0 && t.Step > 0 && o.Step != t.Step {
		return t.At(o.Step)
	}
	return t, nil
}

// numbered is a trace without times.
func numbered(t Trace, rows *timeline, o Options) (Trace, error) {
	first := rows.first().at
	if span := rows.last().at - first; span > int64(10*rows.len()+maxRows/200) {
		return t, &Error{Line: rows.last().line, What: fmt.Sprintf("the numbers of the rows go from %d to %d, and there are %d rows", first, first+span, rows.len()), Remedy: "number rows one by one, or give them times"}
	}
	for _, r := range rows.all() {
		at := int(r.at - first)
		if at < len(t.Values) {
			return t, &Error{Line: r.line, What: fmt.Sprintf("row number %d is there twice", r.at), Remedy: "leave one out"}
		}
		for len(t.Values) < at {
			t.Values = append(t.Values, math.NaN())
		}
		t.Values = append(t.Values, r.value)
	}
	t.settleKind(o)
	t.Step = o.Step
	return t, nil
}

// counted is a trace of single events: a step without one had none.
func counted(t Trace, rows *timeline, o Options) (Trace, error) {
	t.Step = o.Step
	if t.Step == 0 {
		t.Step = time.Minute
	}
	rows = t.withoutStrays(rows)
	t.Start = time.Unix(0, rows.first().at).UTC().Truncate(t.Step)
	cells := (rows.last().at-t.Start.UnixNano())/int64(t.Step) + 1
	if err := t.bound(cells, rows); err != nil {
		return t, err
	}
	t.Values = make([]float64, cells)
	for _, r := range rows.all() {
		t.Values[(r.at-t.Start.UnixNano())/int64(t.Step)] += r.value
	}
	return t, nil
}

// bound refuses a trace of too many steps.
func (t *Trace) bound(cells int64, rows *timeline) error {
	if cells <= min(maxCells, cellsOfFile+int64(rows.len())*cellsOfRow) {
		return nil
	}
	last := rows.last()
	return &Error{Line: last.line, What: fmt.Sprintf("%d steps of %s from %s to %s", cells, t.Step, t.Start.Format(time.RFC3339), time.Unix(0, last.at).UTC().Format(time.RFC3339)),
		Remedy: "leave out rows that lie far away, or take longer steps with --step"}
}

// withoutStrays leaves out a few rows that lie far from all others, as a wrong year does.
func (t *Trace) withoutStrays(rows *timeline) *timeline {
	n := rows.len()
	few := max(1, n/1000)
	if n < 10 {
		return rows
	}
	at := func(i int) int64 { return rows.at(i).at }
	far := func(gap, span int64) bool { return gap > 10*span && gap > int64(24*time.Hour) }
	from, to := 0, n
	for i := 1; i <= few; i++ {
		if far(at(i)-at(i-1), at(n-1-few)-at(i)) {
			from = i
		}
		if far(at(n-i)-at(n-i-1), at(n-i-1)-at(from)) {
			to = n - i
		}
	}
	for i := range n - to + from {
		if i >= from {
			i += to - from
		}
		t.note("Left out %s, at %s: it lies far from all other rows.", lineOf(rows.at(i)), time.Unix(0, at(i)).UTC().Format(time.RFC3339))
	}
	return rows.between(from, to)
}

// lineOf names a row.
func lineOf(r point) string {
	if r.line == 0 {
		return "a value"
	}
	return fmt.Sprintf("line %d", r.line)
}

// once makes one row of those of one time: the same value is there twice by mistake, counts add
// up, of gauges the mean is taken. Of local times without a zone few such rows are the hour
// that is there twice when clocks change.
func (t *Trace) once(rows *timeline, local bool) (*timeline, error) {
	if timesOf(rows) == rows.len() {
		return rows, nil
	}
	kept, same, joined := &timeline{}, 0, 0
	var these []point // of one time
	join := func() error {
		first, last := these[0], these[len(these)-1]
		sum, known := 0.0, 0
		alike := true
		for _, r := range these {
			if math.IsNaN(r.value) {
				continue
			}
			alike = alike && (known == 0 || r.value == sum/float64(known))
			sum, known = sum+r.value, known+1
		}
		value := sum / float64(known) // NaN where none is known
		switch {
		case len(these) == 1:
		case alike:
			same += len(these) - 1
		case t.Kind == Unknown || local:
			return &Error{Line: last.line, What: fmt.Sprintf("%s is there twice, with %v and %v", time.Unix(0, first.at).UTC().Format(time.RFC3339), first.value, last.value),
				Remedy: "local times need their zone when clocks change (--zone Europe/Berlin); rows that belong together need --values counts or --values gauges"}
		case t.Kind == Counts:
			value = sum
			joined += len(these) - 1
		default:
			joined += len(these) - 1
		}
		kept.add(point{first.at, value, first.line})
		return nil
	}
	for _, r := range rows.all() {
		if len(these) > 0 && these[0].at != r.at {
			if err := join(); err != nil {
				return nil, err
			}
			these = these[:0]
		}
		these = append(these, r)
	}
	if err := join(); err != nil {
		return nil, err
	}
	if same > 0 {
		t.note("Left out %s that repeat a time and its value.", rowsOf(same))
	}
	if joined > 0 {
		t.note("Joined %s with another of the same time: %s.", rowsOf(joined), map[bool]string{true: "they were added up", false: "their mean was taken"}[t.Kind == Counts])
	}
	return kept, nil
}

// rowsOf counts rows.
func rowsOf(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// place puts rows at their steps; step is that of a file that names it.
func (t *Trace) place(rows *timeline, step time.Duration) error {
	if rows.len() == 1 {
		t.Values, t.Start, t.Step = rows.values, time.Unix(0, rows.first().at).UTC(), step
		return nil
	}
	g, err := gridOf(rows, t.Kind == Counts)
	if err != nil {
		return err
	}
	t.Step, t.Start = g.step, time.Unix(0, g.start).UTC()
	cells := g.cell(rows.last().at) + 1
	if err := t.bound(cells, rows); err != nil {
		return err
	}
	if g.form == exact && len(rows.runs) == 1 {
		t.Values = rows.values // each has its step
		return nil
	}
	t.Values = make([]float64, cells)
	known := make([]int32, cells)
	for _, r := range rows.all() {
		if !math.IsNaN(r.value) {
			t.Values[g.cell(r.at)] += r.value
			known[g.cell(r.at)]++
		}
	}
	for i, n := range known {
		switch {
		case n == 0:
			t.Values[i] = math.NaN()
		case n > 1 && t.Kind != Counts:
			t.Values[i] /= float64(n)
		}
	}
	if text := g.describe(rows, t.Kind == Counts); text != "" {
		t.note("%s", text)
	}
	t.absent = g.absent(rows)
	return nil
}

// settleKind says what values are that nothing tells of.
func (t *Trace) settleKind(o Options) {
	if t.Kind != Unknown {
		return
	}
	t.Kind = o.Assume
	if t.Kind == Unknown && t.looksCounted() {
		t.Kind = Counts
	}
}

// looksCounted is whether values are whole, some steps have no row and none has a zero: so
// CloudWatch tells of counts.
func (t *Trace) looksCounted() bool {
	for _, v := range t.Values {
		if v == 0 || v < 0 || v != math.Trunc(v) && !math.IsNaN(v) {
			return false
		}
	}
	return len(t.absent) > 0
}
