package console

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The size of a sparkline, in units of its own picture.
const (
	sparkWidth  = 120
	sparkHeight = 28
)

// A sparkline is a small chart of one metric, as the numbers of an SVG.
type sparkline struct {
	Points string  // of a polyline
	Goal   float64 // where the target is drawn, from above; below 0 it is not
	Last   float64 // the newest value
	Most   float64
}

// newSparkline draws datapoints between two times, and a target unless that is 0; nil without any.
func newSparkline(points []datapoint, from, to time.Time, goal float64) *sparkline {
	if len(points) == 0 {
		return nil
	}
	s := &sparkline{Goal: -1, Last: points[len(points)-1].value}
	for _, p := range points {
		s.Most = math.Max(s.Most, p.value)
	}
	top := math.Max(s.Most, goal) * 1.05
	if top == 0 {
		top = 1
	}
	y := func(v float64) float64 { return sparkHeight - 1 - v/top*(sparkHeight-2) }
	var b strings.Builder
	for _, p := range points {
		x := p.at.Sub(from).Seconds() / to.Sub(from).Seconds() * sparkWidth
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y(p.value))
	}
	s.Points = strings.TrimSpace(b.String())
	if goal > 0 {
		s.Goal = y(goal)
	}
	return s
}
