package simulation

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"flyball/internal/duration"
	"flyball/internal/threshold"
	"flyball/scaling"
	"flyball/sim"
)

// A Report is how a run went, as it is told.
type Report struct {
	Resource string
	Notes    []string // what is to be known about the scenario
	sim.Result
	Activities []scaling.Activity // of the scored time, in order; those without effect left out
}

// A Value is one that conditions are held against.
type Value struct {
	threshold.Name
	of func(Report) float64
}

// Values are those that conditions know, in the order in which they are listed.
func Values() []Value {
	number, percent, duration := threshold.Number, threshold.Percent, threshold.Duration
	v := func(name string, unit threshold.Unit, about string, of func(Report) float64) Value {
		return Value{threshold.Name{Name: name, Unit: unit, About: about}, of}
	}
	return []Value{
		v("slo", percent, "requests that were answered as agreed", func(r Report) float64 { return r.SLO() }),
		v("worst_minute", percent, "the same, of the worst minute", func(r Report) float64 { return r.WorstMinute.SLO }),
		v("worst_hour", percent, "the same, of the worst hour", func(r Report) float64 { return r.WorstHour.SLO }),
		v("bad_minutes", number, "minutes that broke the agreement", func(r Report) float64 { return float64(r.MinutesBad) }),
		v("dropped", number, "requests that were given up", func(r Report) float64 { return r.Dropped }),
		v("backlog", number, "requests or messages that wait at the end", func(r Report) float64 { return r.Backlog }),
		v("mean", duration, "response time, on average", func(r Report) float64 { return r.Mean.Seconds() }),
		v("p50", duration, "response time that half of the requests stay within", func(r Report) float64 { return r.P50.Seconds() }),
		v("p95", duration, "the same, of 95 %", func(r Report) float64 { return r.P95.Seconds() }),
		v("p99", duration, "the same, of 99 %", func(r Report) float64 { return r.P99.Seconds() }),
		v("cost", number, "dollars for the tasks", func(r Report) float64 { return r.Cost }),
		v("task_hours", number, "hours of tasks", func(r Report) float64 { return r.TaskHours }),
		v("tasks", number, "tasks that serve, on average", func(r Report) float64 { return r.Tasks }),
		v("use", percent, "of the tasks' capacity that was used", func(r Report) float64 { return 100 * r.Use }),
		v("at_max", number, "minutes at the maximum", func(r Report) float64 { return float64(r.MinutesAtMax) }),
		v("at_min", number, "minutes at the minimum", func(r Report) float64 { return float64(r.MinutesAtMin) }),
		v("scalings", number, "times that the capacity was set", func(r Report) float64 { out, in, _ := r.counts(); return float64(out + in) }),
		v("under", percent, "tasks that lacked, as a share of what was needed (theta U)", func(r Report) float64 { return r.Elasticity.UnderAccuracy }),
		v("over", percent, "tasks too many, as a share of what was needed (theta O)", func(r Report) float64 { return r.Elasticity.OverAccuracy }),
		v("under_time", percent, "time in which tasks lacked (tau U)", func(r Report) float64 { return r.Elasticity.UnderTimeshare }),
		v("over_time", percent, "time with tasks too many (tau O)", func(r Report) float64 { return r.Elasticity.OverTimeshare }),
		v("instability", percent, "time in which supply and demand moved apart (upsilon)", func(r Report) float64 { return r.Elasticity.Instability }),
	}
}

// Names are the names of the values, for conditions.
func Names() threshold.Names {
	var names threshold.Names
	for _, v := range Values() {
		names = append(names, v.Name)
	}
	return names
}

// Measured are the values of a report, by their names.
func (r Report) Measured() map[string]float64 {
	values := map[string]float64{}
	for _, v := range Values() {
		values[v.Name.Name] = v.of(r)
	}
	if r.Cost == 0 && r.TaskHours > 0 {
		delete(values, "cost") // without a price it is not known, and a condition on it must not pass
	}
	return values
}

// counts are how often the capacity was raised, lowered, and not set.
func (r Report) counts() (out, in, held int) {
	for _, a := range r.Result.Activities {
		out, in, held = out+a.Out, in+a.In, held+a.Held
	}
	return out, in, held
}

// WriteJSON writes the report for programs: every value by its name, durations in seconds.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r.Document())
}

// A Document is a report as JSON.
type Document struct {
	Resource    string             `json:"resourceId"`
	Start       time.Time          `json:"start"`
	End         time.Time          `json:"end"`
	Agreement   string             `json:"agreement"`
	Requests    float64            `json:"requests"`
	Late        float64            `json:"late"`
	Values      map[string]float64 `json:"values"`
	WorstMinute Worst              `json:"worstMinute"`
	WorstHour   Worst              `json:"worstHour"`
	Reasons     []Reason           `json:"reasons"`
	Activities  []scaling.Activity `json:"activities"`
	Notes       []string           `json:"notes,omitempty"`
}

// A Reason is how often the capacity was set for it, or why it was not.
type Reason struct {
	Reason string `json:"reason"`
	Out    int    `json:"out"`
	In     int    `json:"in"`
	Held   int    `json:"held"`
}

// A Worst time is when the smallest share was answered as agreed.
type Worst struct {
	At  time.Time `json:"at,omitzero"`
	SLO float64   `json:"slo"`
}

// Document is the report for programs.
func (r Report) Document() Document {
	out := Document{
		Resource: r.Resource, Start: r.Start, End: r.End, Agreement: Describe(r.Agreement), Requests: r.Requests, Late: r.Late,
		Values: r.Measured(), WorstMinute: Worst(r.WorstMinute), WorstHour: Worst(r.WorstHour),
		Reasons: []Reason{}, Activities: r.Activities, Notes: r.Notes,
	}
	for _, a := range r.Result.Activities {
		out.Reasons = append(out.Reasons, Reason(a))
	}
	if out.Activities == nil {
		out.Activities = []scaling.Activity{}
	}
	return out
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n\n", r.Resource, r.When())
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("agreement", "%s: kept for %s of %s requests", Describe(r.Agreement), percent(r.SLO()), count(r.Requests))
	if r.Alone < r.Agreement.Share {
		line("", "no number of tasks keeps it: of requests that do not wait, %s are answered in time", percent(100*r.Alone))
	}
	line("", "broken in %s of %s minutes", count(float64(r.MinutesBad)), count(float64(r.Minutes)))
	if r.WorstMinute.SLO < 100 {
		line("worst", "minute %s: %s; hour %s: %s", r.WorstMinute.At.Format("2006-01-02 15:04"), percent(r.WorstMinute.SLO), r.WorstHour.At.Format("2006-01-02 15:04"), percent(r.WorstHour.SLO))
	}
	line("latency", "mean %s, p50 %s, p95 %s, p99 %s", short(r.Mean), short(r.P50), short(r.P95), short(r.P99))
	if r.Dropped >= 0.5 {
		line("dropped", "%s requests", count(r.Dropped))
	}
	if r.Backlog >= 0.5 {
		line("backlog", "%s wait at the end", count(r.Backlog))
	}
	line("tasks", "%.2f on average, %s task-hours, %s of their capacity used", r.Tasks, count(r.TaskHours), percent(100*r.Use))
	if r.Cost > 0 {
		line("cost", "$%.2f, $%.2f in 30 days", r.Cost, r.Cost*30*24*60/float64(max(1, r.Minutes)))
	}
	line("bounds", "%s at the maximum, %s at the minimum", minutes(r.MinutesAtMax), minutes(r.MinutesAtMin))
	e := r.Elasticity
	line("elasticity", "too few: %s of the time, by %s of what was needed; too many: %s, by %s; unstable %s",
		percent(e.UnderTimeshare), percent(e.UnderAccuracy), percent(e.OverTimeshare), percent(e.OverAccuracy), percent(e.Instability))
	out, in, _ := r.counts()
	line("scaled", "%d times out, %d times in", out, in)
	for _, a := range r.Result.Activities {
		if a.Held > 0 && a.Out+a.In == 0 {
			line("", "%s: %d times not scaled", a.Reason, a.Held)
			continue
		}
		line("", "%s: %d out, %d in", a.Reason, a.Out, a.In)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// percent writes a percentage with as many digits as tell it from 100 %.
func percent(v float64) string {
	for digits := 1; digits < 5; digits++ {
		text := fmt.Sprintf("%.*f", digits, v)
		if v >= 100 || !strings.HasPrefix(text, "100") {
			return text + " %"
		}
	}
	return fmt.Sprintf("%.5f %%", v)
}

// count writes a number with separators of thousands.
func count(v float64) string {
	digits := fmt.Sprintf("%.0f", math.Abs(v))
	if v > 0 && v < 10 && v != math.Trunc(v) {
		return fmt.Sprintf("%.1f", v)
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// short writes a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return duration.String(d.Round(time.Second))
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(max(1, d/1000).Truncate(time.Microsecond)).Round(10 * time.Microsecond).String()
	}
	return d.String()
}

// minutes writes how many minutes something took.
func minutes(n int) string {
	if n == 0 {
		return "0 min"
	}
	return duration.Words(time.Duration(n) * time.Minute)
}
