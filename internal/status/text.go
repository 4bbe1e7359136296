package status

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/duration"
	"flyball/internal/resource"
)

// lineWidth is that of a terminal, in which all but names that are longer fit.
const lineWidth = 80

// detailed is how many resources are told of in detail; of more it is those that fail.
const detailed = 12

// WriteText prints the status for people.
func (s *Status) WriteText(w io.Writer) error {
	p := &printer{now: s.Now}
	p.line("%s  %s  %s%s", s.Endpoint, s.Region, s.Now.UTC().Format("2006-01-02 15:04:05 UTC"), s.pace())
	if len(s.Resources) == 0 {
		p.line("")
		p.wrapped(0, fmt.Sprintf("There are no services in region %s yet, nor scalable targets. flyball run starts a program or an image as one, and flyball demo shows one.", s.Region))
		if len(s.Elsewhere) > 0 {
			p.line("The server has other regions, at which --region looks: %s", strings.Join(s.Elsewhere, ", "))
		}
	} else {
		p.table(s.Resources)
		p.details(s.Resources)
	}
	if len(s.Alarms) > 0 {
		p.line("\nALARMS OF NO POLICY")
		for _, a := range s.Alarms {
			p.alarm(a, a.Name+": "+a.Rule)
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func (s *Status) pace() string {
	if s.Speed == 1 {
		return ""
	}
	return fmt.Sprintf("  (%gx speed)", s.Speed)
}

// A printer writes the text of a status at a time of its clock.
type printer struct {
	strings.Builder
	now time.Time
}

func (p *printer) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// wrapped writes a text over several lines, the further ones indented.
func (p *printer) wrapped(indent int, text string) {
	margin := strings.Repeat(" ", indent)
	line := ""
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > lineWidth-indent:
			p.line("%s%s", margin, line)
			line, margin = "  "+word, strings.Repeat(" ", indent)
		default:
			line += " " + word
		}
	}
	p.line("%s%s", margin, line)
}

// widestName is the width of names up to which a row has them in line.
const widestName = 30

// table writes a row for each resource.
func (p *printer) table(resources []Resource) {
	width := len("SERVICE")
	for _, r := range resources {
		if n := len(r.Name); n <= widestName {
			width = max(width, n)
		}
	}
	p.line("\n%-*s  %9s  %7s  %9s  %12s  %s", width, "SERVICE", "RUNNING", "HEALTHY", "MIN-MAX", "METRIC", "STATE")
	for _, r := range resources {
		name := r.Name
		if len(name) > width {
			p.line("%s", name)
			name = ""
		}
		limits := "-"
		if r.Target != nil {
			limits = fmt.Sprintf("%d-%d", r.Target.Min, r.Target.Max)
		}
		p.line("%-*s  %9s  %7s  %9s  %12s  %s", width, name, fmt.Sprintf("%d/%d", r.Running, r.Desired),
			healthy(r.Healthy), limits, r.Target.metric(), r.State)
	}
}

// healthy is the number of healthy targets, or a dash for a service that has none.
func healthy(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

// metric is the value of the metric that asks for the most, against its target.
func (t *Target) metric() string {
	text, most := "-", 0.0
	if t == nil {
		return text
	}
	for _, p := range t.Policies {
		switch {
		case p.Goal == nil:
		case p.Value == nil:
			if text == "-" {
				text = "?/" + number(*p.Goal)
			}
		case *p.Value / *p.Goal >= most:
			text, most = number(*p.Value)+"/"+number(*p.Goal), *p.Value / *p.Goal
		}
	}
	return text
}

// number writes a value with the digits that are worth reading.
func number(v float64) string {
	switch {
	case v >= 1e6 || v <= -1e6:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v > -1 && v < 1:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// details writes of each resource what its row has no room for.
func (p *printer) details(resources []Resource) {
	left := 0
	for _, r := range resources {
		if len(resources) > detailed && len(r.Why) == 0 {
			left++
			continue
		}
		if r.Target != nil || len(r.Why) > 0 {
			p.resource(r)
		}
	}
	if left > 0 {
		p.line("\nPolicies, alarms and schedules of one: flyball status %s", resources[0].Name)
	}
}

func (p *printer) resource(r Resource) {
	p.line("\n%s", r.Name)
	for _, why := range r.Why {
		p.wrapped(2, "failing: "+why)
	}
	t := r.Target
	if t == nil {
		return
	}
	if len(t.Suspended) > 0 {
		p.line("  suspended: %s", strings.Join(t.Suspended, ", "))
	}
	for _, policy := range t.Policies {
		p.policy(policy)
	}
	for _, s := range t.Schedules {
		p.schedule(s)
	}
	if len(t.Policies)+len(t.Schedules) == 0 {
		noun := "service"
		if r.Kind == resource.Function {
			noun = "function"
		}
		p.line("  no policy and no schedule scales this %s", noun)
	}
}

func (p *printer) policy(policy Policy) {
	value := ""
	switch {
	case policy.Goal != nil && policy.Value != nil:
		value = fmt.Sprintf(", is %s since %s", number(*policy.Value), policy.At.UTC().Format("15:04:05"))
	case policy.Goal != nil:
		value = ", has no data yet"
	}
	p.wrapped(2, fmt.Sprintf("policy %s: %s%s", policy.Name, policy.Rule, value))
	if policy.Forecast != nil {
		p.forecast(*policy.Forecast)
	}
	if len(policy.Alarms) == 0 && policy.Type != string(aastypes.PolicyTypePredictiveScaling) { // which follows none
		p.line("    no alarm names this policy")
	}
	for _, a := range policy.Alarms {
		text := a.Rule
		if policy.Goal == nil { // the alarm is the user's own, with a name of some meaning
			text = a.Name + ": " + text
		}
		p.alarm(a, text)
	}
}

func (p *printer) alarm(a Alarm, text string) {
	state := a.State
	switch state {
	case "":
		state, text = "MISSING", a.Name
	case "INSUFFICIENT_DATA":
		state = "NO DATA"
	}
	p.line("    %-7s %8s  %s", state, age(p.now, a.Since), text)
}

func (p *printer) forecast(f Forecast) {
	if f.Lacks != "" || len(f.Hours) == 0 {
		p.wrapped(4, "no forecast: "+cmp.Or(f.Lacks, "none is made yet"))
		return
	}
	var hours []string
	for _, h := range f.Hours {
		hours = append(hours, fmt.Sprintf("%s at %s", number(h.Capacity), h.At.UTC().Format("15:04")))
	}
	p.wrapped(4, "forecast capacity: "+strings.Join(hours, ", "))
}

func (p *printer) schedule(s Schedule) {
	next := "has no run left"
	if !s.Next.IsZero() {
		next = fmt.Sprintf("next %s, in %s", s.Next.UTC().Format("2006-01-02 15:04 UTC"), duration.Rough(s.Next.Sub(p.now)))
	}
	for _, end := range []struct {
		name string
		to   *int32
	}{{"min", s.Min}, {"max", s.Max}} {
		if end.to != nil {
			next += fmt.Sprintf(", %s %d", end.name, *end.to)
		}
	}
	p.wrapped(2, fmt.Sprintf("schedule %s: %s; %s", s.Name, s.Rule, next))
}

// age is how long ago something was.
func age(now, since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return duration.Rough(now.Sub(since))
}
