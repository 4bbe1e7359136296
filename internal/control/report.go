package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"flyball/scaling"
)

// A Report is what a dry run would have had beside what there was, in some time.
type Report struct {
	From    time.Time      `json:"from"`
	To      time.Time      `json:"to"`
	Unread  int            `json:"unread,omitempty"` // lines of the log that are no records, such as half ones
	Targets []TargetReport `json:"targets"`
}

// A TargetReport is that of one target.
type TargetReport struct {
	Target scaling.ResourceID `json:"target"`
	Hours  float64            `json:"hours"` // that are compared
	There  Course             `json:"there"` // as its present autoscaler had it
	Would  Course             `json:"would"` // as it would have been
	More   float64            `json:"more"`  // hours with more than there was
	Less   float64            `json:"less"`  // hours with less than there was
	// Most is when the two were farthest apart.
	Most *Apart `json:"most,omitempty"`
	// Ahead is what predictive policies forecast.
	Ahead []Ahead `json:"ahead,omitempty"`
}

// Ahead is what a predictive policy forecast for some hours.
type Ahead struct {
	Policy string           `json:"policy"`
	Scales bool             `json:"scales"`
	Hours  int              `json:"hours"`
	Needed float64          `json:"capacityHours"`
	Least  scaling.Capacity `json:"least"`
	Most   scaling.Capacity `json:"most"`
	// Outcome is how its forecasts have turned out, as far as that is known; nil: it is not.
	Outcome *Outcome `json:"outcome,omitempty"`
}

// A Course is how much capacity there was, or would have been.
type Course struct {
	Hours   float64          `json:"capacityHours"` // capacity times hours
	Changes int              `json:"changes"`
	Least   scaling.Capacity `json:"least"`
	Most    scaling.Capacity `json:"most"`
}

// Apart is how far two capacities were from each other, and why.
type Apart struct {
	At    time.Time        `json:"at"`
	There scaling.Capacity `json:"there"`
	Would scaling.Capacity `json:"would"`
	Why   string           `json:"why,omitempty"` // the last decision before
}

// CompareFile is Compare of an audit log.
func CompareFile(name string, from, to time.Time) (Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return Report{}, fmt.Errorf("open the audit log: %w; flyball control --dry-run writes one, and --audit names another", err)
	}
	defer f.Close()
	return Compare(f, from, to)
}

// Compare reads what a dry run would have had beside what there was, in some time, from an audit
// log. Zero times are the beginning of the log, and its end.
func Compare(log io.Reader, from, to time.Time) (Report, error) {
	compared := map[scaling.ResourceID]*comparing{}
	lines := bufio.NewReader(log)
	var first, last time.Time
	unread := 0
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // a line without an end is being written
		}
		if err != nil {
			return Report{}, fmt.Errorf("read the audit log: %w", err)
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			unread++
			continue
		}
		if first.IsZero() {
			first = r.At
		}
		last = r.At
		if !to.IsZero() && r.At.After(to) {
			break
		}
		c := compared[r.Target]
		if c == nil {
			c = &comparing{from: from}
			compared[r.Target] = c
		}
		c.add(r)
	}
	if unread > 0 && first.IsZero() {
		return Report{}, errors.New("no line of the file is a record: give the audit log of flyball control")
	}
	report := Report{From: from, To: to, Unread: unread}
	if from.IsZero() {
		report.From = first
	}
	if to.IsZero() {
		report.To = last
	}
	for _, id := range slices.Sorted(maps.Keys(compared)) {
		c := compared[id]
		c.report.Ahead = c.ahead(report.From, report.To)
		if c.begun || len(c.report.Ahead) > 0 {
			c.until(report.To)
			c.report.Target = id
			report.Targets = append(report.Targets, c.report)
		}
	}
	return report, nil
}

// comparing compares one target, record by record.
type comparing struct {
	from         time.Time
	begun        bool
	at           time.Time
	there, would scaling.Capacity
	why          string
	report       TargetReport
	forecasts    map[string]*foretold // by policy
}

// foretold is what was forecast of each hour last, and how that turned out.
type foretold struct {
	scales  bool
	hours   map[int64]scaling.Capacity // by the seconds at which they begin
	outcome Outcome
}

// foresees takes over a forecast: for hours that have not passed it counts in the place of those before.
func (c *comparing) foresees(r Record) {
	f := c.forecasts[r.Forecast.Policy]
	if f == nil {
		f = &foretold{hours: map[int64]scaling.Capacity{}}
		if c.forecasts == nil {
			c.forecasts = map[string]*foretold{}
		}
		c.forecasts[r.Forecast.Policy] = f
	}
	f.scales = r.Forecast.Scales
	for i, capacity := range r.Forecast.Capacity {
		if hour := r.Forecast.Start.Add(time.Duration(i) * time.Hour); hour.Add(time.Hour).After(r.At) {
			f.hours[hour.Unix()] = capacity
		}
	}
	if o := r.Forecast.Before; o != nil && !r.At.Before(c.from) {
		f.outcome.Hours, f.outcome.Off, f.outcome.Load = f.outcome.Hours+o.Hours, f.outcome.Off+o.Off, f.outcome.Load+o.Load
	}
}

// ahead is what was forecast for the hours that end in some time.
func (c *comparing) ahead(from, to time.Time) (all []Ahead) {
	for _, policy := range slices.Sorted(maps.Keys(c.forecasts)) {
		f := c.forecasts[policy]
		a := Ahead{Policy: policy, Scales: f.scales}
		for at, capacity := range f.hours {
			if end := time.Unix(at, 0).Add(time.Hour); end.After(to) || !end.After(from) {
				continue
			}
			if a.Hours == 0 {
				a.Least = capacity
			}
			a.Hours, a.Needed = a.Hours+1, a.Needed+float64(capacity)
			a.Least, a.Most = min(a.Least, capacity), max(a.Most, capacity)
		}
		if f.outcome.Hours > 0 {
			a.Outcome = &f.outcome
		}
		if a.Hours > 0 || a.Outcome != nil {
			all = append(all, a)
		}
	}
	return all
}

func (c *comparing) add(r Record) {
	if r.Event == Forecasts {
		c.foresees(r)
	}
	if a := r.Activity; a != nil && a.Status == scaling.Pending {
		c.why = a.Details
		if c.why == "" {
			c.why = a.Cause
		}
	}
	if r.Event == Left || r.Event == Missing {
		c.until(r.At)
		c.at = time.Time{}
		return
	}
	if r.Event != Compared || r.Seen == nil || r.Shadow == nil {
		return
	}
	c.until(r.At)
	counts := !r.At.Before(c.from)
	if c.begun && counts && !c.at.IsZero() {
		if r.Seen.Desired != c.there {
			c.report.There.Changes++
		}
		if *r.Shadow != c.would {
			c.report.Would.Changes++
		}
	}
	c.at, c.there, c.would = r.At, r.Seen.Desired, *r.Shadow
	if counts {
		c.note(r.At)
	}
}

// until counts the time from the last comparison to another.
func (c *comparing) until(to time.Time) {
	if c.at.IsZero() || !to.After(c.from) {
		return
	}
	since := c.at
	if since.Before(c.from) {
		since = c.from
		c.note(since)
	}
	hours := to.Sub(since).Hours()
	if hours <= 0 {
		return
	}
	r := &c.report
	r.Hours += hours
	r.There.Hours += hours * float64(c.there)
	r.Would.Hours += hours * float64(c.would)
	switch {
	case c.would > c.there:
		r.More += hours
	case c.would < c.there:
		r.Less += hours
	}
	c.at = to
}

// note counts what there is now.
func (c *comparing) note(at time.Time) {
	r := &c.report
	for capacity, course := range map[*scaling.Capacity]*Course{&c.there: &r.There, &c.would: &r.Would} {
		if !c.begun {
			course.Least = *capacity
		}
		course.Least, course.Most = min(course.Least, *capacity), max(course.Most, *capacity)
	}
	c.begun = true
	if apart := distance(c.there, c.would); apart > 0 && (r.Most == nil || apart > distance(r.Most.There, r.Most.Would)) {
		r.Most = &Apart{At: at, There: c.there, Would: c.would, Why: c.why}
	}
}

func distance(a, b scaling.Capacity) scaling.Capacity { return max(a, b) - min(a, b) }

// String tells the report as lines of text.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %s to %s\n", r.From.UTC().Format("2006-01-02 15:04"), r.To.UTC().Format("2006-01-02 15:04 UTC"))
	if r.Unread > 0 {
		fmt.Fprintf(&b, "left out, since they are no records: %d lines of the log\n", r.Unread)
	}
	if len(r.Targets) == 0 {
		b.WriteString("nothing was compared: this is the log of no dry run, or it has not looked at anything yet\n")
	}
	for _, t := range r.Targets {
		fmt.Fprintf(&b, "\n%s\n", t.Target)
		for _, a := range t.Ahead {
			b.WriteString(a.String())
		}
		if t.Hours == 0 {
			continue
		}
		fmt.Fprintf(&b, "  there was   %8.1f task-hours, %d to %d, %s\n", t.There.Hours, t.There.Least, t.There.Most, changes(t.There.Changes))
		fmt.Fprintf(&b, "  would be    %8.1f task-hours, %d to %d, %s", t.Would.Hours, t.Would.Least, t.Would.Most, changes(t.Would.Changes))
		if t.There.Hours > 0 {
			fmt.Fprintf(&b, " (%+.1f %%)", 100*(t.Would.Hours/t.There.Hours-1))
		}
		fmt.Fprintf(&b, "\n  apart       more in %.1f of %.1f hours, less in %.1f\n", t.More, t.Hours, t.Less)
		if m := t.Most; m != nil {
			fmt.Fprintf(&b, "  most        at %s: %d there, %d would be", m.At.UTC().Format("2006-01-02 15:04"), m.There, m.Would)
			if m.Why != "" {
				fmt.Fprintf(&b, " (%s)", m.Why)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// String tells what was forecast as a line of text.
func (a Ahead) String() string {
	text := fmt.Sprintf("  forecast    %8.1f task-hours, %d to %d, by policy %s", a.Needed, a.Least, a.Most, a.Policy)
	if !a.Scales {
		text += ", which does not scale"
	}
	if a.Outcome != nil {
		text += "; it was " + a.Outcome.String()
	}
	return text + "\n"
}

func changes(n int) string {
	if n == 1 {
		return "1 change"
	}
	return fmt.Sprintf("%d changes", n)
}
