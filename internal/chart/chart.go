// Package chart draws what happened over time: panels of lines above each other and
// lanes of marks below them, over one time axis, as SVG. Values go in, a picture comes
// out; it knows neither where the values are from nor what they mean.
//
//	figure := chart.Figure{
//		Title: "web, 26 November", From: from, To: to,
//		Panels: []chart.Panel{{
//			Title: "CPU utilization", Unit: chart.Percent,
//			Series: []chart.Series{{Label: "average", Color: chart.Amber, Points: points}},
//			Levels: []chart.Level{{Value: 50, Label: "target"}},
//		}},
//		Lanes: []chart.Lane{{Title: "Activities", Marks: []chart.Mark{{From: at, Shape: chart.Up, Label: "4", Title: "why"}}}},
//	}
//	err := figure.WriteSVG(w, chart.Options{Width: 1080})
//
// The picture has the colours of light and of dark surroundings and takes those that
// its viewer prefers, tells its values to a pointer without any script, and has no
// line that depends on colour alone: each is named where it ends.
package chart

import "time"

// A Figure is a whole picture.
type Figure struct {
	Title       string // for those who do not see it, as is the description
	Description string
	From, To    time.Time
	Panels      []Panel
	Lanes       []Lane
}

// A Panel has lines over one axis of values, which begins at 0.
type Panel struct {
	Title   string
	Unit    Unit
	Height  int // of the lines' part, in pixels; 96 by default
	Series  []Series
	Levels  []Level
	AtLeast float64 // the axis reaches this value, at least
	Empty   string  // what to say when no series has a point
}

// A Unit says how values are written.
type Unit int

// The units. Seconds are written as milliseconds where all are short.
const (
	Number  Unit = iota
	Whole        // a number of things, which is never broken
	Percent      // 0 to 100
	Seconds
)

// A Series is one line.
type Series struct {
	Label  string
	Color  Color
	Style  Style
	Faint  bool // stands behind the others
	Points []Point
	// Gap is the longest time between two points that belong together, or for steps how
	// long a value holds at most; 0 is any.
	Gap time.Duration
}

// A Point is a value at a time, or from it on for steps. Points are in order of time.
// Values that are not finite are left out.
type Point struct {
	At    time.Time
	Value float64
}

// A Style says how a line goes.
type Style int

// The styles.
const (
	Line  Style = iota // from point to point
	Area               // the same, filled down to 0
	Step               // each value holds until the next
	Steps              // the same, filled down to 0
)

// A Level is a value to compare with, such as a target.
type Level struct {
	Value float64
	Label string
}

// A Lane has what happened at moments, or for some time. Its bars do not cover each
// other: it grows by as many rows as it needs.
type Lane struct {
	Title string
	Marks []Mark
}

// A Mark is a moment, or some time if it has an end.
type Mark struct {
	From, To time.Time
	Shape    Shape // of a moment
	Color    Color
	Label    string // short; left out where there is no room
	Title    string // told when it is pointed at
	Guide    bool   // draw a line through all panels
}

// A Shape is how a moment looks.
type Shape int

// The shapes.
const (
	Dot Shape = iota
	Up
	Down
	Cross
)

// A Color is one of the few that a picture has.
type Color int

// The colours. Neutral is that of the text.
const (
	Neutral Color = iota
	Blue
	Teal
	Amber
	Red
	Violet
)

// Options say for which place a picture is.
type Options struct {
	Width      int    // in pixels; from 600 on there is room for names beside the lines
	Background bool   // paint one: for a file of its own
	ID         string // distinguishes pictures in one page
}
