package forecasting

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/guptarohit/asciigraph"

	"flyball/forecast"
	"flyball/internal/trace"
)

// WriteRow prints a forecast as a row of a batch: id,f1,f2,...
func WriteRow(w *csv.Writer, f Forecast) error {
	cells := make([]string, 1, 1+len(f.Result.Values))
	cells[0] = f.ID
	for _, v := range f.Result.Values {
		cells = append(cells, strconv.FormatFloat(v, 'g', 8, 64))
	}
	return w.Write(cells)
}

// WriteCSV prints a forecast as a table with a header: the time, or the number
// of the step if the history has no times, the forecast, and the bounds of
// each interval.
func WriteCSV(w io.Writer, history trace.Trace, r forecast.Result) error {
	out := bufio.NewWriter(w)
	first := "step"
	hasTimes := !history.Start.IsZero() && history.Step > 0
	if hasTimes {
		first = "time"
	}
	fmt.Fprintf(out, "%s,forecast", first)
	for _, in := range r.Intervals {
		fmt.Fprintf(out, ",lower%g,upper%[1]g", 100*in.Level)
	}
	fmt.Fprintln(out)
	for i, v := range r.Values {
		if hasTimes {
			fmt.Fprint(out, history.Time(len(history.Values)+i).Format(time.RFC3339))
		} else {
			fmt.Fprint(out, i+1)
		}
		fmt.Fprintf(out, ",%.8g", v)
		for _, in := range r.Intervals {
			fmt.Fprintf(out, ",%.8g,%.8g", in.Lower[i], in.Upper[i])
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// WriteChart draws the end of a history and its forecast with the first
// interval, width columns wide.
func WriteChart(w io.Writer, history trace.Trace, r forecast.Result, width int) error {
	const yAxis = 12
	columns := max(20, width-yAxis)
	past := history.Values[max(0, len(history.Values)-3*len(r.Values)):]
	total := len(past) + len(r.Values)
	line := func(from int, values []float64) []float64 {
		l := make([]float64, total)
		for i := range l {
			l[i] = math.NaN()
		}
		copy(l[from:], values)
		return l
	}
	lines := [][]float64{line(len(past), r.Values), line(0, past)}
	colors := []asciigraph.AnsiColor{asciigraph.Green, asciigraph.Default}
	legends := []string{"forecast", "history"}
	if len(r.Intervals) > 0 {
		in := r.Intervals[0]
		lines = append([][]float64{line(len(past), in.Lower), line(len(past), in.Upper)}, lines...)
		colors = append([]asciigraph.AnsiColor{asciigraph.DarkGray, asciigraph.DarkGray}, colors...)
		legends = append([]string{fmt.Sprintf("lower %g %%", 100*in.Level), fmt.Sprintf("upper %g %%", 100*in.Level)}, legends...)
	}
	_, err := fmt.Fprintln(w, asciigraph.PlotMany(lines, asciigraph.Height(16), asciigraph.Width(columns), asciigraph.YAxisValueFormatter(axis(lines)),
		asciigraph.SeriesColors(colors...), asciigraph.SeriesLegends(legends...)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nmade of:%s\n", parts(r.Methods))
	return err
}

// axis writes the values of a chart with three digits, those of usual size
// whole.
func axis(lines [][]float64) func(float64) string {
	highest := 0.0
	for _, line := range lines {
		for _, v := range line {
			if !math.IsNaN(v) {
				highest = max(highest, math.Abs(v))
			}
		}
	}
	if highest >= 100 && highest < 1e7 {
		return func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	}
	return func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
}

// parts names the methods with the most weight.
func parts(methods []forecast.Method) string {
	text := ""
	for _, m := range methods[:min(4, len(methods))] {
		text += fmt.Sprintf(" %s %.0f %%", m.Name, 100*m.Weight)
		if !math.IsNaN(m.Error) {
			text += fmt.Sprintf(" (error %.1f %%)", 100*m.Error)
		}
		text += ","
	}
	if len(methods) > 4 {
		return fmt.Sprintf("%s and %d more", text, len(methods)-4)
	}
	return text[:len(text)-1]
}
