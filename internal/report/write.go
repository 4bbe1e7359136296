package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"time"

	"flyball/internal/chart"
)

// Widths of the pictures, in pixels: a page has both, and shows the one that fits.
const (
	wide   = 1080
	narrow = 372
)

// WriteSVG draws the run as a picture of its own.
func (r Run) WriteSVG(w io.Writer) error {
	return r.Figure().WriteSVG(w, chart.Options{Width: wide, Background: true, ID: "run"})
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock": clock,
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"day":   func(t time.Time) string { return t.UTC().Format("2 January 2006") },
}).Parse(pageText))

// WriteHTML writes the run as one page that needs nothing else: picture, figures,
// activities and events.
func (r Run) WriteHTML(w io.Writer) error {
	draw := func(width int, id string) (template.HTML, error) {
		var b bytes.Buffer
		err := r.Figure().WriteSVG(&b, chart.Options{Width: width, ID: id})
		return template.HTML(b.String()), err
	}
	roomy, err := draw(wide, "wide")
	if err != nil {
		return err
	}
	small, err := draw(narrow, "narrow")
	if err != nil {
		return err
	}
	return page.Execute(w, struct {
		Run
		Description string
		Tiles       []Tile
		Wide, Small template.HTML
	}{r, r.describe(), r.Summary().Tiles(), roomy, small})
}
