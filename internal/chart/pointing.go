package chart

import (
	"slices"
	"strings"
	"time"
)

// columns lays narrow columns over the panels that tell all values of their time when
// they are pointed at.
func (d *drawing) columns(bottom float64) {
	const width = 7.0
	if d.figure.To.Sub(d.figure.From) <= 0 {
		return
	}
	count := int((d.right - d.left) / width)
	step := d.figure.To.Sub(d.figure.From) / time.Duration(count)
	for i := range count {
		from := d.figure.From.Add(time.Duration(i) * step)
		told := d.figure.valuesAt(from, from.Add(step))
		if told == "" {
			continue
		}
		d.printf(`<rect class="h" x="%s" y="%d" width="%s" height="%s"><title>%s</title></rect>`,
			px(d.x(from)), headHeight, px(d.x(from.Add(step))-d.x(from)), px(bottom-headHeight), escape(told))
	}
}

// valuesAt tells the last value of each line in some time, a panel a row.
func (f Figure) valuesAt(from, to time.Time) string {
	layout := time.TimeOnly
	if f.days() {
		layout = "Mon 2 Jan 15:04"
	}
	rows := []string{from.Add(to.Sub(from) / 2).UTC().Format(layout)}
	for _, p := range f.Panels {
		s := scale{unit: p.Unit}
		var values []string
		for _, series := range p.Series {
			if series.Faint && series.Label == "" { // the background of another
				continue
			}
			if v, ok := series.at(from, to); ok {
				values = append(values, strings.TrimSpace(series.Label+" "+s.value(v)))
			}
		}
		if len(values) > 0 {
			rows = append(rows, p.Title+": "+strings.Join(values, ", "))
		}
	}
	if len(rows) == 1 {
		return ""
	}
	return strings.Join(rows, "\n")
}

// at is the last value that a series has in some time.
func (s Series) at(from, to time.Time) (float64, bool) {
	after, _ := slices.BinarySearchFunc(s.Points, to, func(p Point, t time.Time) int { return p.At.Compare(t) })
	if after == 0 {
		return 0, false
	}
	p := s.Points[after-1]
	if !s.stepped() && p.At.Before(from.Add(-s.Gap)) || s.stepped() && !s.end(after-1, to).After(from) {
		return 0, false
	}
	return p.Value, true
}

// days reports whether a time of day alone does not tell when it is.
func (f Figure) days() bool { return f.To.Sub(f.From) > day }
