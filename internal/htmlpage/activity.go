package htmlpage

import "time"

// An Activity is a row of a table of scaling activities.
type Activity struct {
	At       time.Time
	From, To int // tasks; the same where nothing was scaled
	Headline string
	Notes    []string // why, each in a line of its own; empty ones are left out
}

// Activities writes them as a table, with their times in a layout of package time.
func (p *Page) Activities(layout string, activities []Activity) {
	if len(activities) == 0 {
		p.Add("<p>None.</p>\n")
		return
	}
	p.Add(`<div class="scroll"><table>
<thead><tr><th scope="col">Time</th><th scope="col">Tasks</th><th scope="col">What and why</th></tr></thead>
<tbody>
`)
	for _, a := range activities {
		p.activity(layout, a)
	}
	p.Add("</tbody></table></div>\n")
}

func (p *Page) activity(layout string, a Activity) {
	p.Add("<tr><td>")
	p.Time(a.At, layout)
	p.Add("</td>\n<td class=\"n\">")
	switch {
	case a.To > a.From:
		p.Add(`<span class="out">%s → %s</span>`, a.From, a.To)
	case a.To < a.From:
		p.Add(`<span class="in">%s → %s</span>`, a.From, a.To)
	default:
		p.Add("%s", a.From)
	}
	p.Add("</td>\n<td>%s", a.Headline)
	for _, note := range a.Notes {
		if note != "" {
			p.Add("<small>%s</small>", note)
		}
	}
	p.Add("</td></tr>\n")
}
