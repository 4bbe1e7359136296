package report

import (
	"fmt"
	"strings"
	"time"

	"flyball/internal/chart"
	"flyball/internal/load"
)

// Figure is the picture of a run.
func (r Run) Figure() chart.Figure {
	f := chart.Figure{
		Title: "Load and scaling of " + string(r.Service), Description: r.describe(), From: r.From, To: r.To,
	}
	const noRecord = "no record of a load"
	users, requests, latency := r.loadSeries()
	if len(r.Load) > 0 {
		f.Panels = append(f.Panels,
			chart.Panel{Title: users.Label, Unit: chart.Whole, Height: 56, Series: []chart.Series{users.unnamed()}, Empty: noRecord},
			chart.Panel{Title: "Requests per second", Unit: chart.Number, Height: 80, Series: requests, Empty: noRecord},
			chart.Panel{Title: "Latency", Unit: chart.Seconds, Height: 96, Series: latency, Empty: noRecord},
		)
	}
	f.Panels = append(f.Panels, r.cpuPanel(), chart.Panel{
		Title: "Tasks", Unit: chart.Whole, Height: 96, AtLeast: 1,
		Series: []chart.Series{
			{Label: "running", Color: chart.Teal, Style: chart.Steps, Points: points(r.Running), Gap: minute},
			{Label: "desired", Color: chart.Neutral, Style: chart.Step, Points: points(r.Desired)},
		},
		Empty: "no datapoint of the service's tasks",
	})
	f.Lanes = r.lanes()
	return f
}

func (r Run) cpuPanel() chart.Panel {
	p := chart.Panel{
		Title: "CPU utilization", Unit: chart.Percent, Height: 96, AtLeast: 100,
		Series: []chart.Series{{Label: "average", Color: chart.Amber, Style: chart.Steps, Points: points(r.CPU), Gap: minute}},
		Empty:  "no datapoint of CPUUtilization",
	}
	for _, policy := range r.Policies {
		if policy.CPUTarget > 0 {
			p.Levels = append(p.Levels, chart.Level{Value: policy.CPUTarget, Label: "target"})
		}
	}
	return p
}

func points(readings []Reading) []chart.Point {
	points := make([]chart.Point, len(readings))
	for i, r := range readings {
		points[i] = chart.Point{At: r.At, Value: r.Value}
	}
	return points
}

func (r Run) lanes() []chart.Lane {
	lanes := []chart.Lane{{Title: "Activities", Marks: r.activityMarks()}}
	for _, l := range []struct {
		title string
		spans []Span
	}{{"Alarms", r.Alarms}, {"Cooldowns", r.Cooldowns}, {"Deployments", r.Deployments}} {
		lane := chart.Lane{Title: l.title}
		for _, s := range l.spans {
			lane.Marks = append(lane.Marks, chart.Mark{
				From: s.From, To: s.To, Color: s.Kind.color(), Label: s.Label,
				Title: fmt.Sprintf("%s to %s\n%s", clock(s.From), clock(s.To), s.Title),
			})
		}
		if len(lane.Marks) > 0 {
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

func (k Kind) color() chart.Color {
	return [...]chart.Color{Outward: chart.Amber, Inward: chart.Blue, Good: chart.Teal, Bad: chart.Red}[k]
}

func (r Run) activityMarks() []chart.Mark {
	var marks []chart.Mark
	for _, a := range r.Activities {
		m := chart.Mark{From: a.At, Title: clock(a.At) + " " + a.sentence()}
		switch {
		case a.Failed:
			m.Shape, m.Color = chart.Cross, chart.Red
		case a.Out():
			m.Shape, m.Color, m.Label, m.Guide = chart.Up, chart.Amber, fmt.Sprint(a.To), true
		case a.In():
			m.Shape, m.Color, m.Label, m.Guide = chart.Down, chart.Blue, fmt.Sprint(a.To), true
		}
		marks = append(marks, m)
	}
	return marks
}

func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

// sentence says what an activity did and why.
func (a Activity) sentence() string {
	lines := []string{a.Headline()}
	for _, s := range []string{a.Details, a.Cause} {
		if s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

// Headline says what an activity did.
func (a Activity) Headline() string {
	switch {
	case a.Out():
		return fmt.Sprintf("Scale-out from %d to %d tasks", a.From, a.To)
	case a.In():
		return fmt.Sprintf("Scale-in from %d to %d tasks", a.From, a.To)
	case len(a.Why) > 0:
		return "Not scaled: " + strings.Join(a.Why, ", ")
	}
	return a.What
}

// Unusual is the status of an activity that was not simply successful.
func (a Activity) Unusual() string {
	if a.Status == "Successful" || len(a.Why) > 0 {
		return ""
	}
	return a.Status
}

// A named is a series with what its panel is called.
type named struct{ chart.Series }

func (n named) unnamed() chart.Series {
	n.Label = ""
	return n.Series
}

// mostPoints is how many a line made of the record has.
const mostPoints = 120

// loadSeries are the lines of the load's record: users or rate, requests a second, and
// latency, in stretches that are long enough to see.
func (r Run) loadSeries() (level named, requests, latency []chart.Series) {
	level = named{chart.Series{Label: "Users", Color: chart.Blue, Style: chart.Area}}
	answered := chart.Series{Label: "answered", Color: chart.Blue, Style: chart.Area}
	failed := chart.Series{Label: "failed", Color: chart.Red, Style: chart.Area}
	p50 := chart.Series{Label: "p50", Color: chart.Violet, Faint: true}
	p95 := chart.Series{Label: "p95", Color: chart.Violet}
	p99 := chart.Series{Label: "p99", Color: chart.Violet, Faint: true}
	for _, s := range stretches(r.Load, r.From, r.To, mostPoints) {
		if s.line.Rate != nil {
			level.Label = "Rate, requests per second"
			level.Points = append(level.Points, chart.Point{At: s.at, Value: *s.line.Rate})
		} else if s.line.Users != nil {
			level.Points = append(level.Points, chart.Point{At: s.at, Value: *s.line.Users})
		}
		if s.seconds > 0 {
			answered.Points = append(answered.Points, chart.Point{At: s.at, Value: float64(s.requests-s.failures) / s.seconds})
			failed.Points = append(failed.Points, chart.Point{At: s.at, Value: float64(s.failures) / s.seconds})
		}
		if l := s.latency(); l.Max > 0 {
			p50.Points = append(p50.Points, chart.Point{At: s.at, Value: l.P50.Seconds()})
			p95.Points = append(p95.Points, chart.Point{At: s.at, Value: l.P95.Seconds()})
			p99.Points = append(p99.Points, chart.Point{At: s.at, Value: l.P99.Seconds()})
		}
	}
	requests = []chart.Series{answered}
	if failures(r.Load) > 0 {
		requests = append(requests, failed)
	}
	return level, requests, []chart.Series{p50, p95, p99}
}

// A stretch is several seconds of a record, put together.
type stretch struct {
	at                 time.Time // the end
	line               load.Line // the last
	seconds            float64
	requests, failures int
	answers            []load.Histogram
}

func (s stretch) latency() load.Latency { return load.Histogram(nil).Latency(s.answers...) }

// stretches puts lines together so that there are at most so many.
func stretches(lines []load.Line, from, to time.Time, most int) []stretch {
	length := to.Sub(from) / time.Duration(most)
	var all []stretch
	var begin time.Time
	for _, line := range lines {
		if line.Time.Before(from) || line.Time.After(to) {
			continue
		}
		if len(all) == 0 || line.Time.Sub(begin) >= length {
			all = append(all, stretch{})
			begin = line.Time
		}
		s := &all[len(all)-1]
		s.at, s.line = line.Time, line
		s.seconds += line.Seconds
		s.requests += line.Requests
		s.failures += failures([]load.Line{line})
		s.answers = append(s.answers, line.Histogram())
	}
	return joinLast(all)
}

// joinLast takes a last stretch that is too short to be compared to the one before it.
func joinLast(all []stretch) []stretch {
	n := len(all) - 1
	if n < 1 || all[n].seconds > all[n-1].seconds/2 {
		return all
	}
	before, last := &all[n-1], all[n]
	before.at, before.line = last.at, last.line
	before.seconds += last.seconds
	before.requests += last.requests
	before.failures += last.failures
	before.answers = append(before.answers, last.answers...)
	return all[:n]
}

func failures(lines []load.Line) int {
	total := 0
	for _, line := range lines {
		for _, n := range line.Failures {
			total += n
		}
	}
	return total
}
