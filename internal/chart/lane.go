package chart

import (
	"fmt"
	"slices"
)

// A packed lane has rows, in which no bar covers another.
type packed struct {
	Lane
	rows int
	row  []int // of each mark
}

type packedLanes []packed

// laneRows packs all lanes.
func (l layout) laneRows() packedLanes {
	lanes := make(packedLanes, len(l.figure.Lanes))
	for i, lane := range l.figure.Lanes {
		lanes[i] = l.pack(lane)
	}
	return lanes
}

// pack gives each mark the first row that is free.
func (l layout) pack(lane Lane) packed {
	p := packed{Lane: Lane{lane.Title, slices.Clone(lane.Marks)}, rows: 1}
	slices.SortStableFunc(p.Marks, func(a, b Mark) int { return a.From.Compare(b.From) })
	var free []float64 // from where on each row is
	for _, m := range p.Marks {
		if m.To.IsZero() {
			p.row = append(p.row, 0)
			continue
		}
		row := slices.IndexFunc(free, func(x float64) bool { return x <= l.x(m.From)+0.5 })
		if row < 0 {
			row = len(free)
			free = append(free, 0)
		}
		free[row] = l.x(m.To)
		p.row = append(p.row, row)
		p.rows = max(p.rows, row+1)
	}
	return p
}

func (p packed) height(l layout) float64 {
	h := laneSpace + float64(p.rows)*rowHeight
	if !l.wide {
		h += rowHeight - 4 // the title stands above
	}
	return h
}

func (p packedLanes) height(l layout) float64 {
	if len(p) == 0 {
		return 0
	}
	total := 8.0
	for _, lane := range p {
		total += lane.height(l)
	}
	return total
}

func (d *drawing) lanes(lanes packedLanes, top float64) {
	top += 8
	if len(lanes) > 0 {
		for _, x := range d.verticals {
			d.line("g", x, top+laneSpace/2, x, top-8+lanes.height(d.layout))
		}
	}
	for _, lane := range lanes {
		y := top + laneSpace
		if d.wide {
			d.text("s e", d.left-10, y+rowHeight/2+4, lane.Title)
		} else {
			d.text("s", 8, y+11, lane.Title)
			y += rowHeight - 4
		}
		d.line("g", d.left, y-laneSpace/2, d.right, y-laneSpace/2)
		for i, m := range lane.Marks {
			if m.From.After(d.figure.To) || !m.To.IsZero() && m.To.Before(d.figure.From) || m.To.IsZero() && m.From.Before(d.figure.From) {
				continue
			}
			d.printf(`<g><title>%s</title>`, escape(m.Title))
			if m.To.IsZero() {
				d.moment(m, y, d.room(lane.Marks, i))
			} else {
				d.bar(m, y+float64(lane.row[i])*rowHeight)
			}
			d.printf("</g>")
		}
		top += lane.height(d.layout)
	}
}

// room is how far the next moment is.
func (d *drawing) room(marks []Mark, i int) float64 {
	for _, m := range marks[i+1:] {
		if m.To.IsZero() {
			return d.x(m.From) - d.x(marks[i].From)
		}
	}
	return d.width - d.x(marks[i].From)
}

// moment draws a mark of a moment, and its label if the next leaves room for it.
func (d *drawing) moment(m Mark, y, room float64) {
	x, c := d.clampX(m.From), y+rowHeight/2
	d.printf(`<rect class="h" x="%s" y="%s" width="14" height="%d"/>`, px(x-7), px(y), rowHeight)
	switch m.Shape {
	case Up:
		d.printf(`<path class="k%d" d="M%s %sl5.5 9h-11z"/>`, m.Color, px(x), px(c-5))
	case Down:
		d.printf(`<path class="k%d" d="M%s %sl5.5 -9h-11z"/>`, m.Color, px(x), px(c+5))
	case Cross:
		d.printf(`<path class="%s" d="M%s %sl8 8m0 -8l-8 8"/>`, m.Color.line(), px(x-4), px(c-4))
	default:
		d.printf(`<circle class="k%d" cx="%s" cy="%s" r="3"/>`, m.Color, px(x), px(c))
	}
	if width := textWidth(m.Label, 11); m.Label != "" && width+18 < room {
		d.text(m.Color.text(), x+8, c+4, m.Label)
	}
}

// bar draws a mark of some time, with its label in it if it fits.
func (d *drawing) bar(m Mark, y float64) {
	from, to := d.clampX(m.From), d.clampX(m.To)
	d.printf(`<rect class="b c%d k%d" x="%s" y="%s" width="%s" height="%d" rx="2.5"/>`, m.Color, m.Color, px(from), px(y+1.5), px(max(to-from, 2)), rowHeight-4)
	if m.Label != "" && textWidth(m.Label, 11)+8 <= to-from {
		d.text("s", from+5, y+rowHeight/2+3.5, m.Label)
	}
}

// guides draws the part of the lines through all panels that is between two heights.
func (d *drawing) guides(top, bottom float64) {
	for _, lane := range d.figure.Lanes {
		for _, m := range lane.Marks {
			if m.Guide && !m.From.Before(d.figure.From) && !m.From.After(d.figure.To) {
				d.line(fmt.Sprintf("v c%d", m.Color), d.x(m.From), top, d.x(m.From), bottom)
			}
		}
	}
}
