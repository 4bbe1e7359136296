package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"flyball/internal/terminal"
)

// A sample is what the demo saw at one moment.
type sample struct {
	at       time.Time // on the server's clock
	users    int
	requests int           // in the last real second
	p95      time.Duration // of their latencies
	cpu      float64       // percent of what the service has reserved
	desired  int
	running  int
}

// A screen shows samples and events as they come.
type screen interface {
	show(s sample)
	event(at time.Time, text string)
	close()
}

// newScreen returns a live chart on a terminal, and plain lines elsewhere.
func newScreen(w io.Writer, target float64, started time.Time) screen {
	if f := terminal.Of(w, 60, 24); f != nil {
		return &chart{frames: terminal.Frames{W: f}, target: target, started: started}
	}
	return &lines{w: w, started: started}
}

// lines prints a line every few samples, and each event.
type lines struct {
	w       io.Writer
	started time.Time
	count   int
}

const lineEvery = 2

func (l *lines) show(s sample) {
	if l.count%(20*lineEvery) == 0 {
		fmt.Fprintln(l.w, "   time  users  req/s  p95     CPU %  desired  running")
	}
	if l.count%lineEvery == 0 {
		fmt.Fprintf(l.w, "%7s  %5d  %5d  %-6s  %5.1f  %7d  %7d  %s\n", since(s.at, l.started), s.users, s.requests,
			s.p95.Round(10*time.Millisecond), s.cpu, s.desired, s.running, strings.Repeat("#", s.running))
	}
	l.count++
}

func (l *lines) event(at time.Time, text string) {
	fmt.Fprintf(l.w, "%7s  %s\n", since(at, l.started), text)
}

func (l *lines) close() {}

// chart redraws three plots and the latest events in place.
type chart struct {
	frames  terminal.Frames
	target  float64
	started time.Time
	samples []sample
	events  []string
}

const eventsShown = 6

func (c *chart) show(s sample) {
	c.samples = append(c.samples, s)
	c.draw()
}

func (c *chart) event(at time.Time, text string) {
	c.events = append(c.events, since(at, c.started)+"  "+text)
	c.draw()
}

func (c *chart) close() {}

func (c *chart) draw() {
	if len(c.samples) > 0 {
		_ = c.frames.Draw(c.frame)
	}
}

// frame is one picture, at most height-1 lines of at most width columns.
func (c *chart) frame(width, height int) []string {
	last := c.samples[len(c.samples)-1]
	plot := max(3, min(7, (height-eventsShown-10)/3))
	n := len(c.samples)
	load, cpu, target := make([]float64, n), make([]float64, n), make([]float64, n)
	desired, running := make([]float64, n), make([]float64, n)
	for i, s := range c.samples {
		load[i], cpu[i], target[i] = float64(s.users), s.cpu, c.target
		desired[i], running[i] = float64(s.desired), float64(s.running)
	}
	var out []string
	add := func(title string, top float64, colors []asciigraph.AnsiColor, data ...[]float64) {
		out = append(out, clip(title, width-1))
		out = append(out, strings.Split(asciigraph.PlotMany(data,
			asciigraph.Height(plot), asciigraph.Width(width-12), asciigraph.LowerBound(0), asciigraph.UpperBound(top),
			asciigraph.Precision(0), asciigraph.SeriesColors(colors...)), "\n")...)
	}
	add(fmt.Sprintf("users %d   %d requests/s   p95 %v   %s since the start, on the server's clock", last.users, last.requests,
		last.p95.Round(10*time.Millisecond), since(last.at, c.started)),
		users, []asciigraph.AnsiColor{asciigraph.Blue}, load)
	add(fmt.Sprintf("CPU %.0f %% of what is reserved; the policy's target is %.0f %%", last.cpu, c.target),
		100, []asciigraph.AnsiColor{asciigraph.DarkGray, asciigraph.Red}, target, cpu)
	add(fmt.Sprintf("tasks: %d running (green) of %d desired (yellow)", last.running, last.desired),
		maxTasks, []asciigraph.AnsiColor{asciigraph.Yellow, asciigraph.Green}, desired, running)
	out = append(out, "")
	first := max(0, len(c.events)-eventsShown)
	for _, e := range c.events[first:] {
		out = append(out, clip(e, width-1))
	}
	return out[:min(len(out), height-1)]
}

func clip(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}

// since is the time on the server's clock since the start, as 1h02m03s.
func since(at, started time.Time) string {
	d := at.Sub(started).Round(time.Second)
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}
