package chart

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// WriteSVG draws the figure.
func (f Figure) WriteSVG(w io.Writer, o Options) error {
	l := newLayout(f, max(o.Width, 240))
	d := &drawing{w: bufio.NewWriter(w), layout: l}
	lanes := l.laneRows()
	bottom := l.panelsHeight() + lanes.height(l)
	height := bottom + axisHeight
	d.printf(`<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="%[5]st %[5]sd">`,
		px(l.width), px(height), px(l.width), px(height), escape(o.ID))
	d.printf(`<title id="%[1]st">%[2]s</title><desc id="%[1]sd">%[3]s</desc><style>%[4]s</style>`, escape(o.ID), escape(f.Title), escape(f.Description), style())
	if o.Background {
		d.printf(`<rect class="bg" width="100%%" height="100%%"/>`)
	}
	d.times(bottom)
	top := 0.0
	for _, p := range f.Panels {
		d.panel(p, top)
		top += headHeight + p.height()
	}
	d.columns(top)
	d.lanes(lanes, top)
	d.printf("</svg>\n")
	return d.w.Flush()
}

// A drawing is a picture in the making.
type drawing struct {
	layout
	w         *bufio.Writer
	verticals []float64 // where the ticks of time are
}

// printf writes; an error stays with the writer until the end.
func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d.w, format, args...) }

// text writes a text with its baseline at a place.
func (d *drawing) text(class string, x, y float64, s string) {
	d.printf(`<text class="%s" x="%s" y="%s">%s</text>`, class, px(x), px(y), escape(s))
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.printf(`<path class="%s" d="M%s %sL%s %s"/>`, class, px(x1), px(y1), px(x2), px(y2))
}

// times writes the times at the bottom and notes where they are.
func (d *drawing) times(bottom float64) {
	room := 64.0
	if !d.wide {
		room = 56
	}
	ticks, layout := timeTicks(d.figure.From, d.figure.To, max(2, int((d.right-d.left)/room)))
	for _, t := range ticks {
		x := d.x(t)
		d.verticals = append(d.verticals, x)
		text := t.UTC().Format(layout)
		if text == "00:00" && d.figure.days() {
			text = t.UTC().Format("2 Jan")
		}
		d.text("mu s m", x, bottom+18, text)
	}
	if d.wide {
		d.text("mu s", d.right+20, bottom+18, "UTC")
	}
}

// px writes a coordinate: a tenth of a pixel is fine enough.
func px(v float64) string {
	b := strconv.AppendFloat(nil, v, 'f', 1, 64)
	return string(bytes.TrimSuffix(b, []byte(".0")))
}

// escape makes a text fit for XML, whatever it is.
func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes all
	return b.String()
}
