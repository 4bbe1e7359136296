package trace

import (
	"fmt"
	"math"
	"time"

	"flyball/internal/duration"
)

// What a wrong time can make of a small file is bounded: a trace has so many steps at most, and
// of a file with few rows so many for each and some.
const (
	maxCells    = 40_000_000
	cellsOfFile = 1_000_000
	cellsOfRow  = 1_000
)

// series puts what a file holds at equal steps.
func (p points) series(o Options) (Series, error) {
	t := Series{Name: p.name, Kind: p.kind, Notes: p.notes, values: &column[float64]{}}
	if o.Kind != Unknown {
		t.Kind = o.Kind
	}
	if p.rows == nil || p.rows.len() == 0 {
		return t, errEmpty
	}
	rows := p.rows.sorted() // which reads all of them
	if err := rows.err(); err != nil {
		return t, err
	}
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
func numbered(t Series, rows *timeline, o Options) (Series, error) {
	first := rows.first().at
	if span := rows.last().at - first; span > int64(10*rows.len()+maxRows/200) {
		return t, &Error{Line: rows.last().line, What: fmt.Sprintf("the numbers of the rows go from %d to %d, and there are %d rows", first, first+span, rows.len()), Remedy: "number rows one by one, or give them times"}
	}
	for _, r := range rows.all() {
		at := int(r.at - first)
		if at < t.Len() {
			return t, &Error{Line: r.line, What: fmt.Sprintf("row number %d is there twice", r.at), Remedy: "leave one out"}
		}
		for t.Len() < at {
			t.values.append(math.NaN())
		}
		t.values.append(r.value)
	}
	t.settleKind(o)
	t.Step = o.Step
	return t, rows.err()
}

// counted is a trace of single events: a step without one had none.
func counted(t Series, rows *timeline, o Options) (Series, error) {
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
	placed := placing{to: t.values, counts: true, none: 0}
	for _, r := range rows.all() {
		placed.add((r.at-t.Start.UnixNano())/int64(t.Step), r.value)
	}
	placed.end()
	return t, rows.err()
}

// bound refuses a trace of too many steps.
func (t *Series) bound(cells int64, rows *timeline) error {
	if cells <= min(maxCells, cellsOfFile+int64(rows.len())*cellsOfRow) {
		return nil
	}
	last := rows.last()
	return &Error{Line: last.line, What: fmt.Sprintf("%d steps of %s from %s to %s", cells, duration.String(t.Step), t.Start.Format(time.RFC3339), time.Unix(0, last.at).UTC().Format(time.RFC3339)),
		Remedy: "leave out rows that lie far away, or take longer steps with --step"}
}

// withoutStrays leaves out a few rows that lie far from all others, as a wrong year does.
func (t *Series) withoutStrays(rows *timeline) *timeline {
	n := rows.len()
	few := max(1, n/1000)
	if n < 10 {
		return rows
	}
	edge := edgesOf(rows, few+2)
	at := func(i int) int64 { return edge(i).at }
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
		t.note(fmt.Sprintf("Left out %s, at %s: it lies far from all other rows.", lineOf(edge(i)), time.Unix(0, at(i)).UTC().Format(time.RFC3339)))
	}
	return rows.between(from, to)
}

// edgesOf are so many points at either end, by their places.
func edgesOf(rows *timeline, most int) func(i int) point {
	var first, last []point
	n := rows.len()
	for i, p := range rows.all() {
		if i < most {
			first = append(first, p)
		}
		if i >= n-most {
			last = append(last, p)
		}
	}
	return func(i int) point {
		if i < len(first) {
			return first[i]
		}
		return last[i-(n-len(last))]
	}
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
func (t *Series) once(rows *timeline, local bool) (*timeline, error) {
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
		t.note(fmt.Sprintf("Left out %s that repeat a time and its value.", rowsOf(same)))
	}
	if joined > 0 {
		t.note(fmt.Sprintf("Joined %s with another of the same time: %s.", rowsOf(joined), map[bool]string{true: "they were added up", false: "their mean was taken"}[t.Kind == Counts]))
	}
	return kept.after(rows), nil
}

// rowsOf counts rows.
func rowsOf(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// place puts rows at their steps; step is that of a file that names it.
func (t *Series) place(rows *timeline, step time.Duration) error {
	if rows.len() == 1 {
		t.values, t.Start, t.Step = &rows.values, time.Unix(0, rows.first().at).UTC(), step
		return nil
	}
	g, err := gridOf(rows, t.Kind == Counts)
	if err != nil {
		return err
	}
	t.Step, t.Start = g.step, time.Unix(0, g.start).UTC()
	if err := t.bound(g.cell(rows.last().at)+1, rows); err != nil {
		return err
	}
	if g.form == exact && rows.runs.len() == 0 {
		t.values = &rows.values // each has its step
		return nil
	}
	placed := placing{to: t.values, counts: t.Kind == Counts, none: absent}
	for _, r := range rows.all() {
		placed.add(g.cell(r.at), r.value)
	}
	placed.end()
	if text := g.describe(rows, t.Kind == Counts); text != "" {
		t.note(text)
	}
	return rows.err()
}

// A placing puts values at their steps, which do not go back. Those of one step are added up if they
// are counts, and their mean is taken if not.
type placing struct {
	to     *column[float64]
	counts bool
	none   float64 // what a step without a row is

	begun bool
	at    int64 // the step of the last row
	sum   float64
	known int
}

// add takes the next row.
func (p *placing) add(at int64, v float64) {
	if p.begun && at != p.at {
		p.end()
	}
	for !p.begun && int64(p.to.len()) < at {
		p.to.append(p.none)
	}
	if p.begun, p.at = true, at; !math.IsNaN(v) {
		p.sum, p.known = p.sum+v, p.known+1
	}
}

// end ends the step of the last row.
func (p *placing) end() {
	switch {
	case p.known == 0:
		p.to.append(math.NaN())
	case p.counts:
		p.to.append(p.sum)
	default:
		p.to.append(p.sum / float64(p.known))
	}
	p.begun, p.sum, p.known = false, 0, 0
}

// settleKind says what values are that nothing tells of.
func (t *Series) settleKind(o Options) {
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
func (t *Series) looksCounted() bool {
	missing := false
	for _, v := range t.values.all() {
		if v == 0 || v < 0 || v != math.Trunc(v) && !math.IsNaN(v) {
			return false
		}
		missing = missing || isAbsent(v)
	}
	return missing
}
