package outcome

import (
	"fmt"
	"io"
	"strings"

	"flyball/internal/htmlpage"
)

const (
	mostListed   = 500 // decisions in a table; those beyond are counted
	fewDecisions = 50  // are shown without being asked for
)

// WriteHTML writes the outcome as one page that needs nothing else.
func (o Outcome) WriteHTML(w io.Writer) error {
	var p htmlpage.Page
	p.Begin("Simulation of "+o.Resource, "simulated scaling", o.describe())
	p.Add(`<p class="when">%s UTC</p>`+"\n", o.When())
	if len(o.Against) == 0 {
		p.Tiles(o.tiles())
	} else {
		o.writeTable(&p)
	}
	caption := "Point at the picture for its values and for why each decision was taken. Times are UTC."
	switch each := o.Recording.each; {
	case o.Recording.length() >= long:
		caption += fmt.Sprintf(" Lines are averages of %d minutes, bands go from the lowest to the highest of them.", each)
	case each > 1:
		caption += fmt.Sprintf(" Lines go through the lowest and the highest minute of every %d.", each)
	}
	if err := p.Picture(o.figure(), caption); err != nil {
		return err
	}
	for _, note := range o.notes() {
		p.Add("<p>Note: %s</p>\n", note)
	}
	for _, run := range o.runs() {
		p.WriteString("<details")
		if len(run.Recording.decisions) <= fewDecisions {
			p.WriteString(" open")
		}
		p.Add("><summary><h2>%s</h2></summary>\n", titled("Decisions", run.Name, o.Against))
		run.Recording.writeDecisions(&p)
		p.Add("</details>\n")
	}
	return p.End(w)
}

func (o Outcome) tiles() []htmlpage.Tile {
	var tiles []htmlpage.Tile
	for _, f := range o.Facts() {
		tiles = append(tiles, htmlpage.Tile{Name: f.Name, Value: f.Text, Note: f.Note})
	}
	return tiles
}

// writeTable writes the runs side by side, and where they differ most.
func (o Outcome) writeTable(p *htmlpage.Page) {
	head, rows := o.table()
	p.Add(`<div class="scroll"><table class="compared"><thead><tr>`)
	for _, cell := range head {
		p.Add(`<th scope="col">%s</th>`, cell)
	}
	p.Add("</tr></thead>\n<tbody>\n")
	for _, row := range rows {
		p.Add("<tr>")
		for _, cell := range row {
			p.Add("<td>%s</td>", cell)
		}
		p.Add("</tr>\n")
	}
	p.Add("</tbody></table></div>\n<h2>The largest differences</h2>\n<ul>\n")
	for _, sentence := range o.explained() {
		p.Add("<li>%s</li>\n", sentence)
	}
	p.Add("</ul>\n")
}

func (r *Recording) writeDecisions(p *htmlpage.Page) {
	listed := r.decisions[:min(len(r.decisions), mostListed)]
	rows := make([]htmlpage.Activity, len(listed))
	for i, d := range listed {
		rows[i] = htmlpage.Activity{At: d.At, From: d.From, To: d.To, Headline: d.headline(), Notes: []string{d.Why, d.Cause}}
	}
	p.Activities(stamp, rows)
	if more := len(r.decisions) - len(listed) + r.more; more > 0 {
		p.Add("<p>And %s more: --json prints all of them.</p>\n", more)
	}
}

// describe is the outcome in words.
func (o Outcome) describe() string {
	parts := []string{o.When()}
	for _, run := range o.runs() {
		for _, f := range run.Facts() {
			parts = append(parts, strings.TrimPrefix(fmt.Sprintf("%s, %s: %s", run.Name, f.Name, f.Text), ", "))
		}
	}
	return strings.Join(parts, ". ") + "."
}
