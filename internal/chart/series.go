package chart

import (
	"math"
	"strings"
	"time"
)

func (s Series) stepped() bool { return s.Style == Step || s.Style == Steps }

func (s Series) filled() bool { return s.Style == Area || s.Style == Steps }

// end is until when the value of a step holds.
func (s Series) end(i int, last time.Time) time.Time {
	until := last
	if i+1 < len(s.Points) {
		until = s.Points[i+1].At
	}
	if held := s.Points[i].At.Add(s.Gap); s.Gap > 0 && held.Before(until) {
		return held
	}
	return until
}

// series draws a line, piece by piece: a piece ends where values are missing.
func (d *drawing) series(plot plot, s Series) {
	class := s.Color.line()
	if s.Faint {
		class += " f"
	}
	for _, piece := range d.pieces(plot, s) {
		piece = reduce(piece)
		path := trace(piece)
		if s.filled() {
			base := px(plot.y(0))
			d.printf(`<path class="a k%d" d="%sL%s %sL%s %sZ"/>`, s.Color, path, px(piece[len(piece)-1].x), base, px(piece[0].x), base)
		}
		if len(piece) == 1 {
			d.printf(`<circle class="k%d" cx="%s" cy="%s" r="2.5"/>`, s.Color, px(piece[0].x), px(piece[0].y))
			continue
		}
		d.printf(`<path class="%s" d="%s"/>`, class, path)
	}
}

// A spot is a place in the picture.
type spot struct{ x, y float64 }

// pieces are the parts of a line within the figure's time.
func (d *drawing) pieces(plot plot, s Series) [][]spot {
	var pieces [][]spot
	var piece []spot
	var until time.Time // the piece goes on until then
	for i, p := range s.Points {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || p.At.After(d.figure.To) {
			continue
		}
		end := s.end(i, d.figure.To)
		if !s.stepped() && p.At.Before(d.figure.From) || s.stepped() && !end.After(d.figure.From) {
			continue
		}
		if len(piece) > 0 && s.Gap > 0 && p.At.After(until) {
			pieces = append(pieces, piece)
			piece = nil
		}
		y := plot.y(p.Value)
		piece = append(piece, spot{d.clampX(p.At), y})
		until = p.At.Add(s.Gap)
		if s.stepped() {
			piece = append(piece, spot{d.clampX(end), y})
			until = end
		}
	}
	if len(piece) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// reduce keeps of each column of half a pixel the first, lowest, highest and last
// spot: the line looks the same, however many values it has.
func reduce(piece []spot) []spot {
	const column = 0.5
	var kept []spot
	for i := 0; i < len(piece); {
		j, low, high := i, i, i
		for ; j < len(piece) && math.Floor(piece[j].x/column) == math.Floor(piece[i].x/column); j++ {
			if piece[j].y < piece[low].y {
				low = j
			}
			if piece[j].y > piece[high].y {
				high = j
			}
		}
		last := -1
		for _, k := range []int{i, min(low, high), max(low, high), j - 1} {
			if k > last {
				kept = append(kept, piece[k])
				last = k
			}
		}
		i = j
	}
	return kept
}

// trace is a path through spots.
func trace(piece []spot) string {
	var b strings.Builder
	for i, s := range piece {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(px(s.x))
		b.WriteByte(' ')
		b.WriteString(px(s.y))
	}
	return b.String()
}
