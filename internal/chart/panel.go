package chart

import (
	"cmp"
	"math"
	"slices"
)

// panel draws one, with its title at the top.
func (d *drawing) panel(p Panel, top float64) {
	s := newScale(p.highest(), p.Unit, int(max(2, p.height()/32)))
	plot := plot{d.layout, s, top + headHeight, p.height()}
	d.heading(p, s, top+headHeight-10)
	for _, x := range d.verticals {
		d.line("g", x, plot.top, x, plot.top+plot.height)
	}
	for _, v := range s.ticks() {
		d.line("g", d.left, plot.y(v), d.right, plot.y(v))
		d.text("mu s e", d.left-7, plot.y(v)+4, s.tick(v))
	}
	d.guides(max(top, headHeight), plot.top+plot.height)
	if p.empty() {
		d.text("n mu m", (d.left+d.right)/2, plot.top+plot.height/2+4, cmp.Or(p.Empty, "no data"))
		return
	}
	for _, level := range p.Levels {
		d.line("d c0", d.left, plot.y(level.Value), d.right, plot.y(level.Value))
	}
	for _, faint := range []bool{true, false} {
		for _, series := range p.Series {
			if series.Faint == faint {
				d.series(plot, series)
			}
		}
	}
	if d.wide {
		d.names(plot, p)
	}
}

// heading is the title with its unit and, where there is no room beside the lines,
// their names in their colours.
func (d *drawing) heading(p Panel, s scale, y float64) {
	x := d.left
	if !d.wide {
		x = 8
	}
	d.printf(`<text x="%s" y="%s"><tspan class="t">%s</tspan><tspan class="mu s" dx="6">%s</tspan></text>`, px(x), px(y), escape(p.Title), s.suffix())
	if d.wide {
		return
	}
	var names []name
	for _, series := range p.Series {
		if len(series.Points) > 0 && len(p.Series) > 1 {
			names = append(names, name{text: series.Label, class: series.Color.text()})
		}
	}
	for _, level := range p.Levels {
		names = append(names, name{text: level.Label + " " + s.value(level.Value), class: Neutral.text()})
	}
	d.printf(`<text class="s e" x="%s" y="%s">`, px(d.right), px(y))
	for _, n := range names {
		d.printf(`<tspan class="%s" dx="9">%s</tspan>`, n.class, escape(n.text))
	}
	d.printf("</text>")
}

// highest is the highest value that the axis has to reach.
func (p Panel) highest() float64 {
	highest := p.AtLeast
	for _, level := range p.Levels {
		highest = max(highest, finite(level.Value))
	}
	for _, series := range p.Series {
		for _, point := range series.Points {
			highest = max(highest, finite(point.Value))
		}
	}
	return highest
}

func (p Panel) empty() bool {
	return !slices.ContainsFunc(p.Series, func(s Series) bool { return len(s.Points) > 0 })
}

// finite is 0 for what cannot be drawn.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// A plot is where a panel's lines are.
type plot struct {
	layout
	scale
	top, height float64
}

// y is where a value is; values that the axis does not have are at its edge.
func (p plot) y(v float64) float64 {
	return p.top + p.height*(1-min(max(v/p.scale.top, 0), 1))
}

// A name is written beside what it names.
type name struct {
	text  string
	class string
	x, y  float64
}

// names writes the names of lines where they end and those of levels at the right,
// none over another.
func (d *drawing) names(plot plot, p Panel) {
	var names []name
	for _, level := range p.Levels {
		names = append(names, name{level.Label + " " + plot.value(level.Value), Neutral.text(), d.right + 7, plot.y(level.Value)})
	}
	for _, series := range slices.Backward(p.Series) { // of the same value, the last is named first
		if n := len(series.Points); n > 0 && series.Label != "" {
			last := series.Points[n-1]
			x := d.clampX(last.At)
			if series.stepped() {
				x = d.clampX(series.end(n-1, d.figure.To))
			}
			if d.right-x < 80 { // beside the plot, where there is room
				x = d.right
			}
			names = append(names, name{series.Label, series.Color.text(), x + 7, plot.y(last.Value)})
		}
	}
	spread(names, plot.top+2, plot.top+plot.height)
	for _, n := range names {
		d.text("n "+n.class, n.x, n.y+4, n.text)
	}
}

// spread moves names apart, as little as it takes, within bounds.
func spread(names []name, top, bottom float64) {
	const apart = 13
	slices.SortStableFunc(names, func(a, b name) int { return cmp.Compare(a.y, b.y) })
	for i := range names {
		names[i].y = max(names[i].y, top)
		if i > 0 {
			names[i].y = max(names[i].y, names[i-1].y+apart)
		}
	}
	for i := len(names) - 1; i >= 0; i-- {
		names[i].y = min(names[i].y, bottom)
		if i < len(names)-1 {
			names[i].y = min(names[i].y, names[i+1].y-apart)
		}
	}
}
