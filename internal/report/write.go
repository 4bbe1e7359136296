package report

import (
	"fmt"
	"io"
	"path/filepath"

	"flyball/internal/chart"
)

// Widths of the pictures, in pixels: a page has both, and shows the one that fits.
const (
	wide   = 1080
	narrow = 372
)

// A Writer writes a run in one form.
type Writer func(Run, io.Writer) error

// WriterOf is the writer of the form that a file's name says.
func WriterOf(name string) (Writer, error) {
	switch filepath.Ext(name) {
	case ".html":
		return Run.WriteHTML, nil
	case ".svg":
		return Run.WriteSVG, nil
	case ".json":
		return Run.WriteJSON, nil
	}
	return nil, fmt.Errorf("%s ends in none of .html, .svg and .json, which say what is to be written", name)
}

// WriteSVG draws the run as a picture of its own.
func (r Run) WriteSVG(w io.Writer) error {
	return r.Figure().WriteSVG(w, chart.Options{Width: wide, Background: true, ID: "run"})
}

// WriteHTML writes the run as one page that needs nothing else: picture, figures,
// activities and events.
func (r Run) WriteHTML(w io.Writer) error {
	var p page
	p.head(r)
	p.tiles(r.Summary().Tiles())
	p.conditions(r.Conditions)
	if err := p.figure(r); err != nil {
		return err
	}
	if r.Service != "" {
		p.activities(r.Activities)
		p.events(r.Events)
	}
	p.add("</main>\n</body>\n</html>\n")
	_, err := p.WriteTo(w)
	return err
}
