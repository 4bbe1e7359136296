package demo

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/guptarohit/asciigraph"

	"flyball/internal/terminal"
)

// A backlogScreen shows both lanes, and events, as they come.
type backlogScreen interface {
	show(at time.Time, lanes [2]moment)
	event(at time.Time, text string)
	close()
}

// newBacklogScreen returns live charts on a terminal, and plain lines elsewhere.
func newBacklogScreen(w io.Writer, started time.Time) backlogScreen {
	if f := terminal.Of(w, 78, 24); f != nil {
		return &lanesChart{frames: terminal.Frames{W: f}, started: started}
	}
	return &lanesLines{w: w, started: started}
}

// lanesLines prints a line every few moments, and each event.
type lanesLines struct {
	w       io.Writer
	started time.Time
	count   int
}

const lanesLineEvery = 8 // 20 s of the server's clock

func (l *lanesLines) show(at time.Time, lanes [2]moment) {
	if l.count%(20*lanesLineEvery) == 0 {
		fmt.Fprintf(l.w, "         %-34s%s\n", laneTitles[0], laneTitles[1])
		fmt.Fprintln(l.w, "   time  queue  a task  workers  waited      queue  a task  workers  waited")
	}
	if l.count%lanesLineEvery == 0 {
		fmt.Fprintf(l.w, "%7s  %s     %s\n", since(at, l.started), lanes[0], lanes[1])
	}
	l.count++
}

// String is a moment as a line of a table has it.
func (m moment) String() string {
	late := " "
	if m.waited > agreed {
		late = "!"
	}
	return fmt.Sprintf("%5d  %6.0f  %2d of %-2d %5.0f s%s", m.Waiting, m.PerTask(), m.Running, m.Desired, m.waited.Seconds(), late)
}

func (l *lanesLines) event(at time.Time, text string) {
	fmt.Fprintf(l.w, "%7s  %s\n", since(at, l.started), text)
}

func (l *lanesLines) close() {}

// lanesChart redraws the plots of both lanes, side by side, and the latest events.
type lanesChart struct {
	frames  terminal.Frames
	started time.Time
	at      time.Time
	lanes   [2][]moment
	events  []string
}

func (c *lanesChart) show(at time.Time, lanes [2]moment) {
	c.at = at
	for i, m := range lanes {
		c.lanes[i] = append(c.lanes[i], m)
	}
	_ = c.frames.Draw(c.frame)
}

func (c *lanesChart) event(at time.Time, text string) {
	c.events = append(c.events, since(at, c.started)+"  "+text)
}

func (c *lanesChart) close() {}

// lanesEvents is how many events are shown.
const lanesEvents = 2

// frame is one picture, at most height-1 lines of at most width columns.
func (c *lanesChart) frame(width, height int) []string {
	if len(c.lanes[0]) == 0 {
		return nil
	}
	column := (width - 3) / 2
	rows := max(2, min(6, (height-lanesEvents-7)/4-1))
	tops := c.tops()
	left, right := c.lane(0, column, rows, tops), c.lane(1, column, rows, tops)
	out := []string{clip(since(c.at, c.started)+" on the server's clock; grey: what was agreed", width-1)}
	for i := range left {
		out = append(out, pad(left[i], column)+"  "+right[i])
	}
	for _, e := range c.events[max(0, len(c.events)-lanesEvents):] {
		out = append(out, clip(e, width-1))
	}
	return out[:min(len(out), height-1)]
}

// tops are the upper ends of the plots, which both lanes share so that they can be
// compared.
func (c *lanesChart) tops() (top struct{ queue, perTask, waited float64 }) {
	top.queue, top.perTask, top.waited = burst, 200, 20
	for _, lane := range c.lanes {
		for _, m := range lane {
			top.queue = max(top.queue, float64(m.Waiting))
			top.waited = max(top.waited, m.waited.Seconds())
		}
	}
	return top
}

// lane are the plots of a lane.
func (c *lanesChart) lane(i, width, rows int, top struct{ queue, perTask, waited float64 }) []string {
	moments := c.lanes[i]
	last := moments[len(moments)-1]
	of := func(value func(moment) float64) []float64 {
		values := make([]float64, len(moments))
		for k, m := range moments {
			values[k] = value(m)
		}
		return values
	}
	always := func(v float64) []float64 { return of(func(moment) float64 { return v }) }
	out := []string{clip(laneTitles[i], width)}
	add := func(title string, top float64, colors []asciigraph.AnsiColor, data ...[]float64) {
		out = append(out, clip(title, width))
		out = append(out, strings.Split(asciigraph.PlotMany(data,
			asciigraph.Height(rows), asciigraph.Width(max(8, width-9)), asciigraph.LowerBound(0), asciigraph.UpperBound(top),
			asciigraph.Precision(0), asciigraph.SeriesColors(colors...)), "\n")...)
	}
	blue, grey := asciigraph.Blue, asciigraph.DarkGray
	add(fmt.Sprintf("queue: %d wait", last.Waiting), top.queue, []asciigraph.AnsiColor{blue}, of(func(m moment) float64 { return float64(m.Waiting) }))
	add(fmt.Sprintf("backlog per worker: %.0f of 100", last.PerTask()), top.perTask, []asciigraph.AnsiColor{grey, blue},
		always(agreed.Seconds()/perMessage.Seconds()), of(func(m moment) float64 { return min(m.PerTask(), top.perTask) }))
	add(fmt.Sprintf("workers: %d running of %d", last.Running, last.Desired), mostWorkers, []asciigraph.AnsiColor{asciigraph.Yellow, asciigraph.Green},
		of(func(m moment) float64 { return float64(m.Desired) }), of(func(m moment) float64 { return float64(m.Running) }))
	color := asciigraph.Green
	if last.waited > agreed {
		color = asciigraph.Red
	}
	add(fmt.Sprintf("waited: %.0f s of 10 s", last.waited.Seconds()), top.waited, []asciigraph.AnsiColor{grey, color},
		always(agreed.Seconds()), of(func(m moment) float64 { return m.waited.Seconds() }))
	return out
}

// escapes are the codes of colours, which take no column.
var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// pad fills a line up to a number of columns, and ends its colours.
func pad(line string, width int) string {
	columns := utf8.RuneCountInString(escapes.ReplaceAllString(line, ""))
	return line + "\x1b[0m" + strings.Repeat(" ", max(0, width-columns))
}
