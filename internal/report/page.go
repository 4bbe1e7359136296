package report

import (
	"strings"
	"time"

	"flyball/internal/htmlpage"
)

// A page is the report in HTML.
type page struct{ htmlpage.Page }

func (p *page) head(r Run) {
	p.Begin(r.subject(), "load and scaling", r.describe())
	p.Add(`<p class="when">%s, `, r.From.UTC().Format("2 January 2006"))
	p.time(r.From)
	p.Add(" to ")
	p.time(r.To)
	p.Add(" UTC")
	if r.Speed != 1 {
		p.Add(", on a clock that runs %s times faster", r.Speed)
	}
	p.Add("</p>\n")
}

// conditions tells which of the conditions of --fail-if were met.
func (p *page) conditions(conditions []Condition) {
	if len(conditions) == 0 {
		return
	}
	p.Add("<ul class=\"conditions\">\n")
	for _, c := range conditions {
		if c.Met {
			p.Add(`<li class="met"><b>Failed</b> <code>%s</code> is met: %s</li>`+"\n", c.Condition, strings.Join(c.Because, ", "))
		} else {
			p.Add(`<li><b>Passed</b> <code>%s</code> is not met</li>`+"\n", c.Condition)
		}
	}
	p.Add("</ul>\n")
}

func (p *page) figure(r Run) error {
	caption := "Point at the picture for its values"
	if r.Service != "" {
		caption += " and for why each activity was taken"
	}
	caption += ". Times are UTC"
	if r.Speed != 1 {
		caption += "; requests per second and latency are in real seconds"
	}
	return p.Picture(r.Figure(), caption+".")
}

func (p *page) activities(activities []Activity) {
	p.Add("<h2>Scaling activities</h2>\n")
	rows := make([]htmlpage.Activity, len(activities))
	for i, a := range activities {
		rows[i] = htmlpage.Activity{At: a.At, From: a.From, To: a.From, Headline: a.Headline(), Notes: []string{a.Details, a.Cause}}
		if a.Scaled {
			rows[i].To = a.To
		}
		if unusual := a.Unusual(); unusual != "" {
			rows[i].Headline += " (" + unusual + ")"
		}
	}
	p.Activities(time.TimeOnly, rows)
}

func (p *page) events(events []Event) {
	if len(events) == 0 {
		return
	}
	p.Add(`<details><summary><h2>Events of the service</h2></summary>
<div class="scroll"><table>
<thead><tr><th scope="col">Time</th><th scope="col">Event</th></tr></thead>
<tbody>
`)
	for _, e := range events {
		p.Add("<tr><td>")
		p.time(e.At)
		p.Add("</td>\n<td>%s</td></tr>\n", e.Text)
	}
	p.Add("</tbody></table></div></details>\n")
}

func (p *page) time(t time.Time) { p.Time(t, time.TimeOnly) }
