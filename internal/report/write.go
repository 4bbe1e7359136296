package report

import (
	"fmt"
	"io"
	"path/filepath"

	"flyball/internal/chart"
	"flyball/internal/htmlpage"
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
	return r.Figure().WriteSVG(w, chart.Options{Width: htmlpage.Wide, Background: true, ID: "run"})
}

// WriteHTML writes the run as one page that needs nothing else: picture, figures,
// activities and events.
func (r Run) WriteHTML(w io.Writer) error {
	var p page
	p.head(r)
	p.Tiles(r.Summary().Tiles())
	p.conditions(r.Conditions)
	if err := p.figure(r); err != nil {
		return err
	}
	if r.Service != "" {
		p.activities(r.Activities)
		p.events(r.Events)
	}
	return p.End(w)
}
