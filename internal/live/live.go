// Package live shows a load in a terminal while it goes on: throughput, latency, errors
// and tasks over the whole time that it takes, which fill from the left.
//
//	view := live.New(os.Stdout, live.Load{Title: "demo/web", Schedule: schedule, Speed: 1})
//	plan.Report = view.Show
package live

import (
	"fmt"
	"io"
	"os"
	"time"

	"flyball/internal/duration"
	"flyball/internal/load"
	"flyball/internal/terminal"
)

// A Load is what is shown, as it was planned.
type Load struct {
	Title    string        // what it is on
	Schedule load.Schedule // in real time
	Open     bool          // its levels are requests per second
	Speed    float64       // how many times faster the load's times run
}

// A View draws a load anew with each of its seconds.
type View struct {
	Load
	frames  terminal.Frames
	plain   bool // without colours
	end     time.Duration
	peak    float64
	lines   *load.Recorder
	history load.History

	last             load.Second
	requests, errors int
	err              string // one of the errors
	said             string // in place of it
}

// The least that a view needs.
const (
	leastWidth  = 60
	leastHeight = 16
)

// New returns a view in a terminal; nil if w is none that is large enough.
func New(w io.Writer, l Load) *View {
	file := terminal.Of(w, leastWidth, leastHeight)
	if file == nil {
		return nil
	}
	v := newView(l)
	v.frames.W = file
	v.plain = os.Getenv("NO_COLOR") != ""
	return v
}

func newView(l Load) *View {
	return &View{Load: l, end: l.Schedule.Duration(), peak: l.Schedule.Peak(), lines: load.NewRecorder(nil, time.Time{}, 1)}
}

// Show adds a second and draws.
func (v *View) Show(s load.Second) {
	v.add(s)
	_ = v.frames.Draw(v.frame)
}

// Say shows a text below the next pictures in place of errors, until there are answers.
func (v *View) Say(text string) { v.said = text }

func (v *View) add(s load.Second) {
	v.last = s
	v.requests += s.Requests
	v.errors += s.Errors
	if s.Err != "" {
		v.err = s.Err
	}
	if s.Requests > s.Errors {
		v.said = ""
	}
	v.history.Add(v.lines.Line(s))
}

// frame is the picture.
func (v *View) frame(width, height int) []string {
	width = min(width-1, 160) // a line of the full width would be broken by some terminals
	panels := v.panels()
	plot := width - labelWidth
	rows := min(max((height-6)/len(panels)-1, 1), 5)
	out := []string{v.bold(v.head(width)), v.now(width), ""}
	columns := v.columns(plot)
	for _, p := range panels {
		out = append(out, v.panel(p, columns, rows)...)
		out = append(out, "")
	}
	out[len(out)-1] = v.axis(plot)
	return append(out, v.foot(width))
}

// head says what is loaded, and how far it is.
func (v *View) head(width int) string {
	elapsed, end := v.shown(v.last.Elapsed), v.shown(v.end)
	share := min(100, int(100*v.last.Elapsed/max(v.end, 1)))
	right := fmt.Sprintf("%s of %s  %d %%", elapsed, end, share)
	if v.last.Elapsed > v.end+time.Second {
		right = "waiting for the last answers"
	}
	return spread(v.Title, right, width)
}

// shown is a real duration in the time of the load.
func (v *View) shown(d time.Duration) string {
	return duration.String(time.Duration(float64(d) * v.Speed).Round(time.Second))
}

// now says what the level is, and latency in the last second.
func (v *View) now(width int) string {
	level := fmt.Sprintf("%.0f users", v.last.Level)
	if v.Open {
		level = fmt.Sprintf("%.4g requests/s due", v.last.Level)
	}
	level += fmt.Sprintf(", %d under way", v.last.InFlight)
	l := v.last.Latency
	return spread(level, fmt.Sprintf("p50 %s  p95 %s  p99 %s", short(l.P50), short(l.P95), short(l.P99)), width)
}

// foot says what there was in all.
func (v *View) foot(width int) string {
	text := fmt.Sprintf("%d requests, %d failed", v.requests, v.errors)
	switch {
	case v.said != "":
		text += ". " + v.said
	case v.err != "":
		text += ": " + v.err
	}
	return clip(text, width)
}
