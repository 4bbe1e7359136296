package live

import (
	"fmt"
	"math"
	"strings"
	"time"

	"flyball/internal/load"
)

// labelWidth is that of what stands left of the plots: a name, a value, and the axis.
const labelWidth = 22

// A panel is one plot.
type panel struct {
	title  string
	now    string                // the newest value
	color  int                   // of the terminal
	unit   func(float64) string  // how a value of the axis is written
	least  float64               // the axis reaches this value, at least
	value  func(*column) float64 // NaN where there is none
	future func(float64) float64 // what is planned at a share of the time; may be nil
}

// Colours of the terminal.
const (
	red, green, yellow, blue = 31, 32, 33, 34
)

// panels are those that there are.
func (v *View) panels() []panel {
	rate, share := 0.0, 0.0
	if seconds := v.last.Length.Seconds(); seconds > 0 {
		rate = float64(v.last.Requests-v.last.Errors) / seconds
	}
	if v.last.Requests > 0 {
		share = 100 * float64(v.last.Errors) / float64(v.last.Requests)
	}
	throughput := panel{
		title: "throughput", now: number(rate) + "/s", color: blue, unit: number, least: 1,
		value: func(c *column) float64 { return float64(c.requests-c.errors) / c.seconds },
	}
	if v.Open {
		throughput.least = v.peak
		throughput.future = func(at float64) float64 { return v.Schedule.Level(time.Duration(at * float64(v.end))) }
	}
	panels := []panel{
		throughput,
		{
			title: "latency p95", now: short(v.last.Latency.P95), color: yellow, least: 0.001, value: (*column).p95,
			unit: func(s float64) string { return short(time.Duration(s * float64(time.Second))) },
		},
		{
			title: "errors", now: number(share) + " %", color: red, least: 1, value: (*column).share,
			unit: func(percent float64) string { return number(percent) + " %" },
		},
	}
	if t := v.last.Tasks; t != nil {
		panels = append(panels, panel{
			title: "tasks", now: fmt.Sprintf("%d of %d", t.Running, t.Desired), color: green, unit: number, least: 1,
			value: func(c *column) float64 { return c.tasks },
		})
	}
	return panels
}

// A column is some time of the load.
type column struct {
	seconds          float64
	requests, errors int
	answers          []load.Histogram
	tasks            float64 // NaN if that is not known
}

func (c *column) p95() float64 {
	p95 := load.Histogram(nil).Latency(c.answers...).P95
	if p95 == 0 {
		return math.NaN()
	}
	return p95.Seconds()
}

// share is that of the requests that failed, in percent.
func (c *column) share() float64 { return 100 * float64(c.errors) / float64(c.requests) }

// columns are the load so far, of which a whole one has so many. Where a column is shorter
// than a second, several are the same one.
func (v *View) columns(count int) []*column {
	columns := make([]*column, count)
	elapsed := 0.0
	for _, line := range v.history.Lines() {
		from := v.place(elapsed, count)
		elapsed += line.Seconds
		to := max(from+1, v.place(elapsed, count))
		if columns[from] == nil {
			columns[from] = &column{tasks: math.NaN()}
		}
		c := columns[from]
		c.seconds += line.Seconds
		c.requests += line.Requests
		for _, n := range line.Failures {
			c.errors += n
		}
		c.answers = append(c.answers, line.Histogram())
		if line.Tasks != nil {
			c.tasks = float64(line.Tasks.Running)
		}
		for i := from + 1; i < to; i++ {
			columns[i] = c
		}
	}
	return columns
}

// place is the column of a time. What comes after the end is in the last.
func (v *View) place(seconds float64, count int) int {
	return min(int(seconds/v.end.Seconds()*float64(count)+1e-6), count-1)
}

// panel draws one: bars, of which a row has eight heights, right of its name and axis.
func (v *View) panel(p panel, columns []*column, rows int) []string {
	values := make([]float64, len(columns))
	top := p.least
	for i, c := range columns {
		values[i] = math.NaN()
		if c != nil {
			if i > 0 && columns[i-1] == c {
				values[i] = values[i-1]
			} else {
				values[i] = p.value(c)
			}
		}
		if values[i] > top {
			top = values[i]
		}
	}
	top = roundUp(top)
	out := make([]string, rows)
	for row := range rows {
		label, axis := "", ""
		switch row {
		case 0:
			label, axis = p.title, p.unit(top)
		case 1:
			label = p.now
		}
		if rows == 1 {
			label = p.title + " " + p.now
			axis = ""
		}
		out[row] = fmt.Sprintf("%-12s%*s ", clip(label, labelWidth-2), labelWidth-2-max(12, len([]rune(clip(label, labelWidth-2)))), axis) +
			v.paint(90, "│") + v.bars(p, values, top, rows, row)
	}
	return out
}

// bars are a row of a plot, the uppermost of which is 0.
func (v *View) bars(p panel, values []float64, top float64, rows, row int) string {
	const heights = " ▁▂▃▄▅▆▇█"
	var bars, planned strings.Builder
	for i, value := range values {
		if math.IsNaN(value) {
			mark := " "
			if p.future != nil && i > 0 && v.place(v.last.Elapsed.Seconds(), len(values)) <= i {
				if level := p.future((float64(i) + 0.5) / float64(len(values))); level > 0 && rowOf(level, top, rows) == row {
					mark = "·"
				}
			}
			planned.WriteString(mark)
			continue
		}
		if planned.Len() > 0 {
			bars.WriteString(planned.String())
			planned.Reset()
		}
		eighths := int(math.Round(value/top*float64(8*rows))) - 8*(rows-1-row)
		if row == rows-1 && value > 0 {
			eighths = max(eighths, 1) // little is not nothing
		}
		bars.WriteRune([]rune(heights)[min(max(eighths, 0), 8)])
	}
	return v.paint(p.color, bars.String()) + v.paint(90, planned.String())
}

// rowOf is the row in which a value ends.
func rowOf(value, top float64, rows int) int {
	return min(max(rows-int(math.Ceil(value/top*float64(rows)-1e-9)), 0), rows-1)
}

// axis writes the times of the load below its plots.
func (v *View) axis(width int) string {
	line := []rune(strings.Repeat(" ", labelWidth+width))
	const marks = 4
	for i := range marks + 1 {
		text := []rune(v.shown(v.end * time.Duration(i) / marks))
		at := labelWidth - 1 + width*i/marks
		if i == marks {
			at = labelWidth + width - len(text)
		}
		copy(line[at:], text)
	}
	return v.paint(90, strings.TrimRight(string(line), " "))
}

// roundUp is the next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten.
func roundUp(value float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, m := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8} {
		if m*power >= value*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// number writes a value with three digits that count, and all of its whole ones.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// short writes how long something took, with three digits that count.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Second:
		return number(float64(d)/float64(time.Millisecond)) + " ms"
	}
	return number(d.Seconds()) + " s"
}

// paint gives a text a colour.
func (v *View) paint(color int, s string) string {
	if v.plain || s == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", color, s)
}

func (v *View) bold(s string) string { return v.paint(1, s) }

// spread puts one text at the left and one at the right, of which the left gives way.
func spread(left, right string, width int) string {
	left = clip(left, max(0, width-len([]rune(right))-2))
	return left + strings.Repeat(" ", max(2, width-len([]rune(left))-len([]rune(right)))) + right
}

// clip cuts a text to a width, and makes one line of it.
func clip(s string, width int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= width {
		return string(runes)
	}
	return string(runes[:max(0, width-1)]) + "…"
}
