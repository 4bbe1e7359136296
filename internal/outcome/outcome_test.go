package outcome_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"flyball/alarm"
	"flyball/internal/outcome"
	"flyball/internal/simulation"
	"flyball/scaling"
	"flyball/sim"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func after(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

// tracked is a run of three hours, of which the second has ten times the requests, with a
// target of so many percent.
func tracked(t *testing.T, name string, target float64) outcome.Run {
	t.Helper()
	rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	bounds, err := scaling.NewBounds(1, 20)
	if err != nil {
		t.Fatal(err)
	}
	run := outcome.Run{Name: name, Report: simulation.Report{Resource: "shop/<web>"}, Recording: &outcome.Recording{}}
	run.Result, err = sim.Run(sim.Scenario{
		Start: start, Bounds: bounds, Initial: 1, Price: sim.Price{VCPUHour: 4},
		Service:  sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Start: 30 * time.Second},
		Policies: []sim.Policy{sim.Tracking("cpu", rule, sim.Metric{Quantity: sim.CPUUtilization}, sim.Pace{})},
		Observer: sim.Observer{Minute: run.Recording.Minute, Activity: run.Recording.Activity, Alarm: run.Recording.Alarm},
	}, func(yield func(sim.Minute) bool) {
		for i := range 180 {
			requests := 60.0
			if i/60 == 1 {
				requests = 600
			}
			if !yield(sim.Minute{Requests: requests}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func written(t *testing.T, write func(*strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Of a million minutes the one highest and the one lowest stay in the picture.
func TestLongRunsKeepTheirExtremes(t *testing.T) {
	o := outcome.Outcome{Run: outcome.Run{Recording: &outcome.Recording{}}}
	const minutes = 1_000_000
	for i := range minutes {
		requests := 700.0
		if i == 123_456 {
			requests = 98_000
		}
		o.Recording.Minute(sim.Record{Time: after(i), Requests: requests, Serving: 3})
	}
	o.Start, o.End = start, after(minutes)
	svg := written(t, func(b *strings.Builder) error { return o.WriteSVG(b) })
	if !strings.Contains(svg, ">100000<") {
		t.Error("no axis up to the highest minute")
	}
	if len(svg) > 1<<20 {
		t.Errorf("%d bytes", len(svg))
	}
}

// Attempts in a row for the same reason are one decision, and more decisions than are
// listed are counted.
func TestDecisionsAreBounded(t *testing.T) {
	o := outcome.Outcome{Run: outcome.Run{Recording: &outcome.Recording{}}}
	held := []scaling.Reason{{Code: scaling.AlreadyAtMaxCapacity, Capacity: 4}}
	for i := range 1000 {
		o.Recording.Activity(scaling.Activity{ID: fmt.Sprint("h", i), From: 4, To: 4, Status: scaling.Failed, NotScaled: held, Start: after(i)})
	}
	page := written(t, func(b *strings.Builder) error { return o.WriteHTML(b) })
	if !strings.Contains(page, "Not scaled, 1000 times until 2026-03-02 16:39<small>already at the maximum capacity of 4</small>") {
		t.Errorf("no decision of 1000 attempts in %s", page)
	}
	for i := range 1000 {
		a := scaling.Activity{ID: fmt.Sprint("s", i), From: 4, To: scaling.Capacity(4 + 1 - 2*(i%2)), Status: scaling.Pending, Start: after(1000 + i)}
		o.Recording.Activity(a)
		o.Recording.Activity(a.Requested().Fulfilled(a.Start))
	}
	page = written(t, func(b *strings.Builder) error { return o.WriteHTML(b) })
	if !strings.Contains(page, "And 501 more") || strings.Count(page, "<tr><td>") != 500 {
		t.Errorf("%d rows of 1001 decisions", strings.Count(page, "<tr><td>"))
	}
}

// A target of 90 needs fewer tasks than one of 30, and the arithmetic of both says why.
func TestDifferencesAreExplained(t *testing.T) {
	low, high := tracked(t, "low", 30), tracked(t, "high", 90)
	differences := outcome.Differences(low, high)
	if len(differences) == 0 {
		t.Fatal("no difference")
	}
	for _, d := range differences {
		if d.Tasks <= d.Against || !d.To.After(d.From) || !strings.Contains(d.Because, "against a target of 30 need") || !strings.Contains(d.Because, "high had ") {
			t.Errorf("%+v", d)
		}
	}
	if same := outcome.Differences(low, low); len(same) != 0 {
		t.Errorf("a run differs from itself: %+v", same)
	}
	text := written(t, func(b *strings.Builder) error {
		return outcome.Outcome{Run: low, Against: []outcome.Run{high}}.WriteText(b)
	})
	for _, want := range []string{"low", "high", "difference", "low asked for ", " more than high at 2026-03-02 0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Both columns and why they differ are in every form, and names do no harm in any.
func TestForms(t *testing.T) {
	o := outcome.Outcome{Run: tracked(t, "a|b", 30), Against: []outcome.Run{tracked(t, "<old>", 90)}}
	markdown := written(t, func(b *strings.Builder) error { return o.WriteMarkdown(b) })
	for _, want := range []string{"**Simulated: shop/&lt;web>**", `|  | a\|b | &lt;old> | difference |`, "| Cost | $", `- a\|b asked for `} {
		if !strings.Contains(markdown, want) {
			t.Errorf("no %q in\n%s", want, markdown)
		}
	}
	page := written(t, func(b *strings.Builder) error { return o.WriteHTML(b) })
	for _, want := range []string{"<h1>Simulation of shop/&lt;web&gt;</h1>", "Tasks, &lt;old&gt;", "asked for", "TargetTracking-cpu-AlarmHigh in ALARM", "Scale-out from 1 to "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if refs := regexp.MustCompile(`(?:href|src)=|<script|<old>|<web>`).FindAllString(page, -1); len(refs) > 0 {
		t.Errorf("the page has %v", refs)
	}
	var read struct {
		Name    string
		Values  map[string]float64
		Against []struct {
			Name        string
			Values      map[string]float64
			Differences []outcome.Difference
		}
	}
	if err := json.Unmarshal([]byte(written(t, func(b *strings.Builder) error { return o.WriteJSON(b) })), &read); err != nil {
		t.Fatal(err)
	}
	if read.Name != "a|b" || len(read.Against) != 1 || len(read.Against[0].Differences) == 0 || !(read.Values["cost"] > read.Against[0].Values["cost"]) {
		t.Errorf("%+v", read)
	}
}

// An alarm that comes and goes from minute to minute is one mark of a picture of two days.
func TestAlarmsThatFlicker(t *testing.T) {
	o := outcome.Outcome{Run: outcome.Run{Recording: &outcome.Recording{}}}
	for i := range 2880 {
		o.Recording.Minute(sim.Record{Time: after(i)})
		o.Recording.Alarm(after(i), "cpu-AlarmHigh", []alarm.State{alarm.Alarm, alarm.OK}[i%2])
	}
	o.Start, o.End = start, after(2880)
	svg := written(t, func(b *strings.Builder) error { return o.WriteSVG(b) })
	if n := strings.Count(svg, "in ALARM, "); n != 1 || !strings.Contains(svg, ", 1440 times") {
		t.Errorf("%d marks", n)
	}
}

// A chart has its columns and all of its requests, however long it is.
func TestAChartOfAnyLength(t *testing.T) {
	for _, minutes := range []int{1, 1023, 1024, 1025, 100_000} {
		var r outcome.Recording
		for i := range minutes {
			r.Minute(sim.Record{Time: after(i), Requests: 700, Serving: 3, Needed: 2})
		}
		text := written(t, func(b *strings.Builder) error { return r.WriteChart(b, 80) })
		if !strings.Contains(text, "700 ┼") || !strings.Contains(text, "needed") {
			t.Errorf("%d minutes:\n%s", minutes, text)
		}
	}
}
