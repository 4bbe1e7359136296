package outcome

import (
	"fmt"
	"io"

	"github.com/guptarohit/asciigraph"
)

// WriteChart draws requests, and tasks beside those that were needed, so many columns
// wide, for a terminal.
func (r *Recording) WriteChart(w io.Writer, width int) error {
	if len(r.steps) == 0 {
		return nil
	}
	const axis = 10 // columns, of the numbers at its side
	options := func(caption string, more ...asciigraph.Option) []asciigraph.Option {
		return append(more, asciigraph.Height(8), asciigraph.Width(max(20, width-axis)), asciigraph.LowerBound(0), asciigraph.Precision(0), asciigraph.Caption(caption))
	}
	_, err := fmt.Fprintf(w, "\n%s\n\n%s\n", asciigraph.Plot(r.means(load), options("requests a minute")...),
		asciigraph.PlotMany([][]float64{r.means(needed), r.means(serving)}, options("tasks",
			asciigraph.SeriesColors(asciigraph.DarkGray, asciigraph.Green), asciigraph.SeriesLegends("needed", "serving"))...))
	return err
}
