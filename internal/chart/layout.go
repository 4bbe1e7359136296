package chart

import "time"

// Sizes, in pixels.
const (
	headHeight = 34 // of a panel's title, with the space above it
	plotHeight = 96 // of a panel's lines, unless it says otherwise
	rowHeight  = 20 // of a row of marks
	laneSpace  = 6  // above a lane
	axisHeight = 24 // of the times at the bottom
	roomy      = 600
)

// A layout says where things are.
type layout struct {
	figure      Figure
	width       float64
	left, right float64 // of the plots
	wide        bool    // names stand beside the lines, not above them
}

func newLayout(f Figure, width int) layout {
	l := layout{figure: f, width: float64(width), wide: width >= roomy}
	l.left, l.right = 40, l.width-10
	if l.wide {
		l.left, l.right = 92, l.width-104
	}
	return l
}

// x is where a time is.
func (l layout) x(t time.Time) float64 {
	span := l.figure.To.Sub(l.figure.From)
	if span <= 0 {
		return l.left
	}
	return l.left + (l.right-l.left)*float64(t.Sub(l.figure.From))/float64(span)
}

// clampX is where a time is, or the edge that it lies beyond.
func (l layout) clampX(t time.Time) float64 { return min(max(l.x(t), l.left), l.right) }

func (p Panel) height() float64 {
	if p.Height > 0 {
		return float64(p.Height)
	}
	return plotHeight
}

// panelsHeight is that of all panels with their titles.
func (l layout) panelsHeight() float64 {
	total := 0.0
	for _, p := range l.figure.Panels {
		total += headHeight + p.height()
	}
	return total
}

// textWidth is about how wide a text is: a letter of these fonts takes 0.56 of its
// size on average.
func textWidth(s string, size float64) float64 { return 0.56 * size * float64(len([]rune(s))) }
