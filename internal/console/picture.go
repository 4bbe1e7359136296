package console

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"flyball/internal/chart"
)

// chartColors are the colours of a saved picture, by the roles of lines.
var chartColors = map[string]chart.Color{
	"metric": chart.Blue, "load": chart.Neutral, "good": chart.Teal, "desired": chart.Amber, "bad": chart.Red, "target": chart.Neutral, "threshold": chart.Amber,
}

// markShapes are how decisions look.
var markShapes = map[string]struct {
	chart.Shape
	chart.Color
}{
	"out": {chart.Up, chart.Amber}, "in": {chart.Down, chart.Blue}, "failed": {chart.Cross, chart.Red},
}

// pictureWidth is that of a saved picture, in pixels.
const pictureWidth = 1080

// picture sends charts as a picture to be saved: what the script draws, in SVG.
func (v *visit) picture(c charts) error {
	f := chart.Figure{Title: strings.TrimSuffix(strings.TrimPrefix(v.r.URL.Path, "/console/"), "/charts"), From: moment(c.From), To: moment(c.To)}
	for _, p := range c.Panels {
		f.Panels = append(f.Panels, figurePanel(p))
	}
	lane := chart.Lane{Title: "Activities"}
	for _, m := range c.Marks {
		if look, scaled := markShapes[m.Kind]; scaled {
			lane.Marks = append(lane.Marks, chart.Mark{From: moment(m.At), Shape: look.Shape, Color: look.Color, Title: m.Label, Guide: true})
		}
	}
	if len(lane.Marks) > 0 {
		f.Lanes = append(f.Lanes, lane)
	}
	var text bytes.Buffer
	if err := f.WriteSVG(&text, chart.Options{Width: pictureWidth, Background: true}); err != nil {
		return err
	}
	// It is to be saved: as a page of this server it would not be allowed its own styles.
	v.w.Header().Set("Content-Type", "application/octet-stream")
	v.w.Header().Set("Content-Disposition", `attachment; filename="charts.svg"`)
	_, err := v.w.Write(text.Bytes())
	return err
}

// figurePanel is a panel as pictures have it.
func figurePanel(p panel) chart.Panel {
	out := chart.Panel{Title: strings.TrimSuffix(p.Title+", "+p.Unit, ", ")}
	if p.Steps {
		out.Unit = chart.Whole
	}
	for _, s := range p.Series {
		line := chart.Series{Label: s.Label, Color: chartColors[s.Role]}
		if p.Steps {
			line.Style = chart.Step
		}
		for i, value := range s.Values {
			if value != nil {
				line.Points = append(line.Points, chart.Point{At: moment(p.Times[i]), Value: *value})
			}
		}
		out.Series = append(out.Series, line)
	}
	for _, l := range p.Lines {
		out.Levels = append(out.Levels, chart.Level{Value: l.Value, Label: l.Label})
	}
	return out
}

// moment is a time of a chart.
func moment(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)).UTC() }

// charts sends charts for the script, or as a picture.
func (v *visit) charts(c charts) error {
	if v.r.FormValue("as") == "svg" && v.r.Method == http.MethodGet {
		return v.picture(c)
	}
	return v.json(c)
}
