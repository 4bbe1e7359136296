package simulation

import (
	"fmt"
	"io"

	"github.com/guptarohit/asciigraph"

	"flyball/sim"
)

// A Sketch is a run in a few hundred steps of equal length, however long it is.
type Sketch struct {
	each  int // minutes of a step
	steps []stretch
}

// A stretch is a step of a sketch: totals of its minutes.
type stretch struct{ minutes, requests, serving, needed float64 }

// mostSteps are enough for any terminal.
const mostSteps = 512

// Add adds a minute.
func (s *Sketch) Add(r sim.Record) {
	if s.each == 0 {
		s.each = 1
	}
	if n := len(s.steps); n == 0 || int(s.steps[n-1].minutes) == s.each {
		if n == mostSteps {
			s.halve()
		}
		s.steps = append(s.steps, stretch{})
	}
	last := &s.steps[len(s.steps)-1]
	last.minutes++
	last.requests += r.Requests
	last.serving += float64(r.Serving)
	last.needed += float64(r.Needed)
}

// halve makes one step of each two.
func (s *Sketch) halve() {
	for i := 0; i < len(s.steps); i += 2 {
		a, b := s.steps[i], s.steps[i+1]
		s.steps[i/2] = stretch{a.minutes + b.minutes, a.requests + b.requests, a.serving + b.serving, a.needed + b.needed}
	}
	s.steps, s.each = s.steps[:len(s.steps)/2], 2*s.each
}

// WriteChart draws requests, and tasks beside those that were needed, so many columns
// wide, for a terminal.
func (s *Sketch) WriteChart(w io.Writer, width int) error {
	if len(s.steps) == 0 {
		return nil
	}
	var requests, serving, needed []float64
	for _, step := range s.steps {
		requests = append(requests, step.requests/step.minutes)
		serving = append(serving, step.serving/step.minutes)
		needed = append(needed, step.needed/step.minutes)
	}
	const axis = 10 // columns, of the numbers at its side
	options := func(caption string, more ...asciigraph.Option) []asciigraph.Option {
		return append(more, asciigraph.Height(8), asciigraph.Width(max(20, width-axis)), asciigraph.LowerBound(0), asciigraph.Precision(0), asciigraph.Caption(caption))
	}
	_, err := fmt.Fprintf(w, "\n%s\n\n%s\n", asciigraph.Plot(requests, options("requests a minute")...),
		asciigraph.PlotMany([][]float64{needed, serving}, options("tasks",
			asciigraph.SeriesColors(asciigraph.DarkGray, asciigraph.Green), asciigraph.SeriesLegends("needed", "serving"))...))
	return err
}
