package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"strings"
	"time"

	"flyball/internal/chart"
)

// A page is the report in HTML. It is written by hand and not by html/template, which
// finds methods by names of any kind: with it, the linker would keep every method of the
// SDK's clients, 7 MiB of them.
type page struct{ bytes.Buffer }

//go:embed page.css
var style string

// add writes markup with the values in place of its verbs, all of which are text or
// stand in quoted attributes.
func (p *page) add(markup string, values ...any) {
	escaped := make([]any, len(values))
	for i, v := range values {
		escaped[i] = html.EscapeString(fmt.Sprint(v))
	}
	fmt.Fprintf(p, markup, escaped...)
}

func (p *page) head(r Run) {
	p.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="%s">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%s: load and scaling</title>
<style>
`, r.describe(), r.subject())
	p.WriteString(style)
	p.add("</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n", r.subject())
	p.add(`<p class="when">%s, `, r.From.UTC().Format("2 January 2006"))
	p.time(r.From)
	p.add(" to ")
	p.time(r.To)
	p.add(" UTC")
	if r.Speed != 1 {
		p.add(", on a clock that runs %s times faster", r.Speed)
	}
	p.add("</p>\n")
}

func (p *page) tiles(tiles []Tile) {
	p.add("<dl>\n")
	for _, t := range tiles {
		p.add("<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>\n", t.Name, t.Value, t.Note)
	}
	p.add("</dl>\n")
}

// conditions tells which of the conditions of --fail-if were met.
func (p *page) conditions(conditions []Condition) {
	if len(conditions) == 0 {
		return
	}
	p.add("<ul class=\"conditions\">\n")
	for _, c := range conditions {
		if c.Met {
			p.add(`<li class="met"><b>Failed</b> <code>%s</code> is met: %s</li>`+"\n", c.Condition, strings.Join(c.Because, ", "))
		} else {
			p.add(`<li><b>Passed</b> <code>%s</code> is not met</li>`+"\n", c.Condition)
		}
	}
	p.add("</ul>\n")
}

func (p *page) figure(r Run) error {
	p.add("<figure>\n")
	for _, picture := range []struct {
		id    string
		width int
	}{{"wide", wide}, {"small", narrow}} {
		p.add(`<div class="%s">`, picture.id)
		err := r.Figure().WriteSVG(p, chart.Options{Width: picture.width, ID: picture.id})
		if err != nil {
			return err
		}
		p.add("</div>\n")
	}
	p.add("<figcaption>Point at the picture for its values")
	if r.Service != "" {
		p.add(" and for why each activity was taken")
	}
	p.add(". Times are UTC")
	if r.Speed != 1 {
		p.add("; requests per second and latency are in real seconds")
	}
	p.add(".</figcaption>\n</figure>\n")
	return nil
}

func (p *page) activities(activities []Activity) {
	p.add("<h2>Scaling activities</h2>\n")
	if len(activities) == 0 {
		p.add("<p>None.</p>\n")
		return
	}
	p.add(`<div class="scroll"><table>
<thead><tr><th scope="col">Time</th><th scope="col">Tasks</th><th scope="col">What and why</th></tr></thead>
<tbody>
`)
	for _, a := range activities {
		p.activity(a)
	}
	p.add("</tbody></table></div>\n")
}

func (p *page) activity(a Activity) {
	p.add("<tr><td>")
	p.time(a.At)
	p.add("</td>\n<td class=\"n\">")
	switch {
	case a.Out():
		p.add(`<span class="out">%s → %s</span>`, a.From, a.To)
	case a.In():
		p.add(`<span class="in">%s → %s</span>`, a.From, a.To)
	default:
		p.add("%s", a.From)
	}
	p.add("</td>\n<td>%s", a.Headline())
	if unusual := a.Unusual(); unusual != "" {
		p.add(" (%s)", unusual)
	}
	for _, more := range []string{a.Details, a.Cause} {
		if more != "" {
			p.add("<small>%s</small>", more)
		}
	}
	p.add("</td></tr>\n")
}

func (p *page) events(events []Event) {
	if len(events) == 0 {
		return
	}
	p.add(`<details><summary><h2>Events of the service</h2></summary>
<div class="scroll"><table>
<thead><tr><th scope="col">Time</th><th scope="col">Event</th></tr></thead>
<tbody>
`)
	for _, e := range events {
		p.add("<tr><td>")
		p.time(e.At)
		p.add("</td>\n<td>%s</td></tr>\n", e.Text)
	}
	p.add("</tbody></table></div></details>\n")
}

func (p *page) time(t time.Time) {
	p.add(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), clock(t))
}
