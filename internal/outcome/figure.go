package outcome

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"flyball/internal/chart"
	"flyball/internal/htmlpage"
)

// colors are those of the runs.
var colors = [...]chart.Color{chart.Teal, chart.Violet, chart.Blue, chart.Red}

// MostAgainst is how many other runs a picture has colours for.
const MostAgainst = len(colors) - 1

// WriteSVG draws the outcome as a picture of its own.
func (o Outcome) WriteSVG(w io.Writer) error {
	return o.figure().WriteSVG(w, chart.Options{Width: htmlpage.Wide, Background: true, ID: "simulation"})
}

// figure is the picture of all runs over one axis of time.
func (o Outcome) figure() chart.Figure {
	r := o.Recording
	f := chart.Figure{Title: "Simulation of " + o.Resource, Description: o.describe(), From: r.start, To: o.End}
	f.Panels = append(f.Panels, chart.Panel{
		Title: "Requests a minute", Height: 80,
		Series: r.lines(load, "", chart.Blue, chart.Steps),
	})
	for i, run := range o.runs() {
		f.Panels = append(f.Panels, chart.Panel{
			Title: titled("Tasks", run.Name, o.Against), Unit: chart.Whole, Height: 110, AtLeast: o.most(),
			Series: slices.Concat(
				run.Recording.lines(running, "running", colors[i], chart.Steps),
				run.Recording.lines(needed, "needed", chart.Amber, chart.Step),
				run.Recording.lines(desired, "desired", chart.Neutral, chart.Step),
			),
		})
	}
	f.Panels = append(f.Panels,
		o.panel(use, "Utilization", chart.Percent, 100),
		o.panel(latency, "Latency, mean", chart.Seconds, 0),
		o.panel(missed, "Not answered as agreed", chart.Percent, 10),
	)
	for _, run := range o.runs() {
		lane := chart.Lane{Title: "Decisions", Marks: run.Recording.decisionMarks(o.End)}
		alarms := chart.Lane{Title: "Alarms", Marks: run.Recording.alarmMarks(o.End)}
		if len(o.Against) > 0 {
			lane.Title, alarms.Title = shorten(run.Name), "its alarms"
		}
		f.Lanes = append(f.Lanes, lane)
		if len(alarms.Marks) > 0 {
			f.Lanes = append(f.Lanes, alarms)
		}
	}
	return f
}

func titled(title, name string, against []Run) string {
	if len(against) == 0 {
		return title
	}
	return title + ", " + name
}

// shorten makes a name fit beside a lane.
func shorten(name string) string {
	const room = 13
	if letters := []rune(name); len(letters) > room {
		return string(letters[:room-1]) + "…"
	}
	return name
}

// most is the largest number of tasks of all runs: their panels have the same axis.
func (o Outcome) most() float64 {
	most := 1.0
	for _, run := range o.runs() {
		for _, s := range run.Recording.steps {
			most = max(most, s.high[desired].value, s.high[running].value, s.high[needed].value)
		}
	}
	return most
}

// panel is one with a line of each run.
func (o Outcome) panel(q quantity, title string, unit chart.Unit, atLeast float64) chart.Panel {
	p := chart.Panel{Title: title, Unit: unit, Height: 80, AtLeast: atLeast}
	for i, run := range o.runs() {
		style, label := chart.Step, run.Name
		if len(o.Against) == 0 {
			style, label = chart.Steps, ""
		}
		p.Series = append(p.Series, run.Recording.lines(q, shorten(label), colors[i], style)...)
	}
	return p
}

// long is a step in which lines up and down would be no lines any more.
const long = 2 * time.Hour

// lines are that of a quantity: where steps are long through their averages, before a band
// from the lowest to the highest values.
func (r *Recording) lines(q quantity, label string, color chart.Color, style chart.Style) []chart.Series {
	extremes := r.series(q, label, color, style)
	if r.length() < long {
		return []chart.Series{extremes}
	}
	extremes.Label, extremes.Faint, extremes.Style = "", true, chart.Step
	mean := chart.Series{Label: label, Color: color, Style: style, Gap: extremes.Gap}
	for i, v := range r.means(q) {
		mean.Points = append(mean.Points, chart.Point{At: r.at(i * r.each), Value: v})
	}
	if q == desired { // the band is that of running tasks
		return []chart.Series{mean}
	}
	return []chart.Series{extremes, mean}
}

// series is a line through the lowest and highest values of each step, where they were.
func (r *Recording) series(q quantity, label string, color chart.Color, style chart.Style) chart.Series {
	s := chart.Series{Label: label, Color: color, Style: style, Gap: 2 * r.length()}
	for _, step := range r.steps {
		first, second := step.low[q], step.high[q]
		if first.minute > second.minute {
			first, second = second, first
		}
		if first.value != first.value { // none in this step
			continue
		}
		s.Points = append(s.Points, chart.Point{At: r.at(first.minute), Value: first.value})
		if first.minute != second.minute {
			s.Points = append(s.Points, chart.Point{At: r.at(second.minute), Value: second.value})
		}
	}
	return s
}

// Marks nearer to each other than this part of a picture's width could not be pointed at.
const (
	markParts = 110
	told      = 4 // decisions of a mark that are told in full
	guides    = 40
)

// decisionMarks are marks of decisions, those together that are near.
func (r *Recording) decisionMarks(end time.Time) []chart.Mark {
	room := end.Sub(r.start) / markParts
	var marks []chart.Mark
	for i := 0; i < len(r.decisions); {
		j := i + 1
		for j < len(r.decisions) && r.decisions[j].At.Sub(r.decisions[i].At) < room {
			j++
		}
		marks = append(marks, markOf(r.decisions[i:j]))
		i = j
	}
	if len(marks) > guides {
		for i := range marks {
			marks[i].Guide = false
		}
	}
	return marks
}

// markOf is the mark of some decisions: it points to where they went all together.
func markOf(decisions []Decision) chart.Mark {
	first, last := decisions[0], decisions[len(decisions)-1]
	m := chart.Mark{From: first.At}
	switch scaled := slices.ContainsFunc(decisions, func(d Decision) bool { return d.From != d.To }); {
	case last.To > first.From:
		m.Shape, m.Color, m.Label, m.Guide = chart.Up, chart.Amber, fmt.Sprint(last.To), true
	case last.To < first.From:
		m.Shape, m.Color, m.Label, m.Guide = chart.Down, chart.Blue, fmt.Sprint(last.To), true
	case scaled:
		m.Color = chart.Amber
	}
	var lines []string
	if len(decisions) > 1 {
		lines = append(lines, fmt.Sprintf("%d decisions, from %d to %d tasks", len(decisions), first.From, last.To))
	}
	for i, d := range decisions {
		if i == told {
			lines = append(lines, fmt.Sprintf("and %d more", len(decisions)-told))
			break
		}
		lines = append(lines, d.At.Format(stamp)+" "+d.headline())
		for _, why := range []string{d.Why, d.Cause} {
			if why != "" {
				lines = append(lines, why)
			}
		}
	}
	m.Title = strings.Join(lines, "\n")
	return m
}

// alarmMarks are the times in which alarms were in ALARM, those of one alarm together
// between which there is no room.
func (r *Recording) alarmMarks(end time.Time) []chart.Mark {
	room := end.Sub(r.start) / (2 * markParts)
	latest := map[string]int{}
	var joined []alarmed
	for _, a := range r.alarms {
		if a.to.IsZero() {
			a.to = end
		}
		if i, ok := latest[a.name]; ok && a.from.Sub(joined[i].to) < room {
			joined[i].to = a.to
			joined[i].times++
			continue
		}
		latest[a.name] = len(joined)
		joined = append(joined, a)
	}
	var marks []chart.Mark
	for _, a := range joined {
		m := chart.Mark{From: a.from, To: a.to, Color: chart.Amber, Label: a.name}
		if strings.HasSuffix(a.name, "-AlarmLow") {
			m.Color = chart.Blue
		}
		m.Title = fmt.Sprintf("%s in ALARM, %s to %s", a.name, a.from.Format(stamp), a.to.Format(stamp))
		if a.times > 1 {
			m.Title += fmt.Sprintf(", %d times", a.times)
		}
		marks = append(marks, m)
	}
	return marks
}
