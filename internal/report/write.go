package report

import (
	"io"

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

// WriteHTML writes the run as one page that needs nothing else: picture, figures,
// activities and events.
func (r Run) WriteHTML(w io.Writer) error {
	var p page
	p.head(r)
	p.tiles(r.Summary().Tiles())
	if err := p.figure(r); err != nil {
		return err
	}
	p.activities(r.Activities)
	p.events(r.Events)
	p.add("</main>\n</body>\n</html>\n")
	_, err := p.WriteTo(w)
	return err
}
