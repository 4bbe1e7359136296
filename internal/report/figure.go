package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"flyball/internal/chart"
)

// Figure is the picture of a run.
func (r Run) Figure() chart.Figure {
	f := chart.Figure{
		Title: r.title(), Description: r.describe(), From: r.From, To: r.To,
	}
	if len(r.Balancer.Requests) > 0 {
		f.Panels = r.balancerPanels()
	}
	if len(r.Load) > 0 {
		length := stretchLength(r.Load, r.From, r.To, mostPoints)
		f.Panels = loadPanels(stretches(r.Load, r.From, r.To, length), 3*length)
	}
	if r.Service != "" {
		f.Panels = append(f.Panels, r.cpuPanel(), r.tasksPanel())
		f.Lanes = r.lanes()
	}
	return f
}

func (r Run) title() string {
	if r.Service == "" {
		return "Load on " + r.Of
	}
	return "Load and scaling of " + string(r.Service)
}

// balancerPanels are what the load balancer tells: requests a real second, and latency.
func (r Run) balancerPanels() []chart.Panel {
	rate := func(counts []Datapoint) []chart.Point {
		rates := points(counts)
		for i := range rates {
			rates[i].Value *= r.Speed / minute.Seconds()
		}
		return rates
	}
	latency := func(label string, faint bool, values []Datapoint) chart.Series {
		return chart.Series{Label: label, Color: chart.Violet, Faint: faint, Style: chart.Step, Points: points(values), Gap: minute}
	}
	requests := chart.Panel{Title: "Requests per second", Height: 80, Series: []chart.Series{
		{Label: "all", Color: chart.Blue, Style: chart.Steps, Points: rate(r.Balancer.Requests), Gap: minute},
	}}
	if len(r.Balancer.Failures) > 0 {
		requests.Series = append(requests.Series,
			chart.Series{Label: "5xx", Color: chart.Red, Style: chart.Steps, Points: rate(r.Balancer.Failures), Gap: minute})
	}
	return []chart.Panel{requests, {Title: "Latency", Unit: chart.Seconds, Series: []chart.Series{
		latency("p50", true, r.Balancer.P50), latency("p95", false, r.Balancer.P95), latency("p99", true, r.Balancer.P99),
	}}}
}

func (r Run) tasksPanel() chart.Panel {
	running, gap := r.runningTasks()
	return chart.Panel{
		Title: "Tasks", Unit: chart.Whole, Height: 96, AtLeast: 1,
		Series: []chart.Series{
			{Label: "running", Color: chart.Teal, Style: chart.Steps, Points: running, Gap: gap},
			{Label: "desired", Color: chart.Neutral, Style: chart.Step, Points: points(r.Desired)},
		},
		Empty: "no datapoint of the service's tasks",
	}
}

// runningTasks are those of the record, which knows them by the second, and before and after
// it those of the metric; and how long one of them holds at most.
func (r Run) runningTasks() ([]chart.Point, time.Duration) {
	var known []chart.Point
	for _, line := range r.Load {
		if line.Tasks != nil {
			known = append(known, chart.Point{At: line.Time, Value: float64(line.Tasks.Running)})
		}
	}
	measured := points(r.Running)
	if len(known) < 2 {
		return measured, minute
	}
	first, last := known[0].At, known[len(known)-1].At
	before, _ := slices.BinarySearchFunc(measured, first, func(p chart.Point, t time.Time) int { return p.At.Compare(t) })
	after, _ := slices.BinarySearchFunc(measured, last, func(p chart.Point, t time.Time) int { return p.At.Compare(t) })
	all := slices.Concat(measured[:before], known, measured[after:])
	return all, max(minute, 3*last.Sub(first)/time.Duration(len(known)-1))
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

func points(datapoints []Datapoint) []chart.Point {
	points := make([]chart.Point, len(datapoints))
	for i, r := range datapoints {
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
