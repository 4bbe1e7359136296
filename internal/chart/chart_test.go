package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return noon.Add(time.Duration(minutes * float64(time.Minute))) }

// example has something of everything.
func example() Figure {
	return Figure{
		Title: "web", Description: "a load of twenty minutes", From: at(0), To: at(20),
		Panels: []Panel{
			{Title: "Users", Unit: Whole, Height: 56, Series: []Series{{Color: Blue, Style: Area, Points: []Point{{at(1), 0}, {at(6), 50}, {at(18), 50}}}}},
			{Title: "Latency", Unit: Seconds, Series: []Series{
				{Label: "p50", Color: Violet, Faint: true, Points: []Point{{at(1), 0.1}, {at(6), 0.2}, {at(18), 0.12}}},
				{Label: "p95", Color: Violet, Points: []Point{{at(1), 0.2}, {at(6), 0.75}, {at(18), 0.13}}},
			}},
			{Title: "CPU utilization", Unit: Percent, AtLeast: 100, Levels: []Level{{50, "target"}},
				Series: []Series{{Label: "average", Color: Amber, Style: Steps, Gap: time.Minute, Points: []Point{{at(0), 20}, {at(1), 80}, {at(5), 45}}}}},
			{Title: "Queue", Empty: "no queue"},
		},
		Lanes: []Lane{
			{Title: "Activities", Marks: []Mark{
				{From: at(6), Shape: Up, Color: Amber, Label: "4", Title: "from 2 to 4", Guide: true},
				{From: at(12), Shape: Down, Color: Blue, Label: "2", Title: "from 4 to 2", Guide: true},
				{From: at(13), Title: "not scaled"}, {From: at(14), Shape: Cross, Color: Red, Title: "failed"},
			}},
			{Title: "Alarms", Marks: []Mark{
				{From: at(5), To: at(9), Color: Amber, Label: "high"}, {From: at(8), To: at(15), Color: Blue, Label: "low"},
			}},
		},
	}
}

func draw(t testing.TB, f Figure, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteSVG(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThePictureIsTheGoldenOne(t *testing.T) {
	for name, o := range map[string]Options{"wide": {Width: 900, Background: true, ID: "w"}, "narrow": {Width: 372, ID: "n"}} {
		file := filepath.Join("testdata", name+".svg")
		got := draw(t, example(), o)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the %s picture has changed: look at it, then run the test with -update", name)
		}
	}
}

// wellFormed reads a picture as XML, and returns its texts.
func wellFormed(t testing.TB, svg string) (texts []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("not well-formed: %v in %s", err, svg)
		}
		if data, ok := token.(xml.CharData); ok {
			texts = append(texts, string(data))
		}
	}
}

var coordinate = regexp.MustCompile(`-?\d+(\.\d+)?`)

func TestAnyFigureIsWellFormedAndInsideItsBounds(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) Point {
		return Point{at(rapid.Float64Range(-30, 60).Draw(t, "minute")), rapid.Float64().Draw(t, "value")}
	})
	mark := rapid.Custom(func(t *rapid.T) Mark {
		m := Mark{From: at(rapid.Float64Range(-30, 60).Draw(t, "from")), Shape: Shape(rapid.IntRange(0, 3).Draw(t, "shape")),
			Label: rapid.String().Draw(t, "label"), Title: rapid.String().Draw(t, "title"), Guide: rapid.Bool().Draw(t, "guide")}
		if rapid.Bool().Draw(t, "lasts") {
			m.To = m.From.Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "seconds")) * time.Second)
		}
		return m
	})
	rapid.Check(t, func(t *rapid.T) {
		f := Figure{Title: rapid.String().Draw(t, "title"), From: at(0), To: at(rapid.Float64Range(0, 30).Draw(t, "to"))}
		for range rapid.IntRange(0, 3).Draw(t, "panels") {
			f.Panels = append(f.Panels, Panel{
				Title: rapid.String().Draw(t, "name"), Unit: Unit(rapid.IntRange(0, 3).Draw(t, "unit")),
				Levels: []Level{{rapid.Float64().Draw(t, "level"), "level"}},
				Series: []Series{{Style: Style(rapid.IntRange(0, 3).Draw(t, "style")), Points: rapid.SliceOfN(point, 0, 5).Draw(t, "points"),
					Gap: time.Duration(rapid.IntRange(0, 2).Draw(t, "gap")) * time.Minute}},
			})
		}
		f.Lanes = []Lane{{Title: "lane", Marks: rapid.SliceOfN(mark, 0, 5).Draw(t, "marks")}}
		var b bytes.Buffer
		if err := f.WriteSVG(&b, Options{Width: rapid.IntRange(0, 1200).Draw(t, "width"), ID: rapid.String().Draw(t, "id")}); err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(&b); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			element, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range element.Attr {
				if a.Name.Local == "d" || a.Name.Local == "x" || a.Name.Local == "y" {
					for _, n := range coordinate.FindAllString(a.Value, -1) {
						if v, err := strconv.ParseFloat(n, 64); err != nil || math.Abs(v) > 3000 {
							t.Fatalf("%s of %s is outside of the picture", a.Value, element.Name.Local)
						}
					}
					if strings.ContainsAny(a.Value, "NI") {
						t.Fatalf("%s is no place", a.Value)
					}
				}
			}
		}
	})
}

func TestTextsOfStrangersStayTexts(t *testing.T) {
	f := example()
	const hostile = `</title><script>alert(1)</script>"'&` + "\x00\x1b"
	f.Title, f.Panels[0].Title, f.Panels[1].Series[0].Label, f.Lanes[0].Title = hostile, hostile, hostile, hostile
	f.Lanes[0].Marks[0].Title, f.Lanes[1].Marks[0].Label = hostile, hostile
	svg := draw(t, f, Options{Width: 900, ID: hostile})
	wellFormed(t, svg)
	if strings.Contains(svg, "<script") {
		t.Error("a title has become a script")
	}
}

func TestAPanelWithoutPointsSaysSo(t *testing.T) {
	texts := wellFormed(t, draw(t, example(), Options{Width: 900}))
	if !strings.Contains(strings.Join(texts, "\n"), "no queue") {
		t.Errorf("texts are %q, want the reason why a panel is empty in them", texts)
	}
	f := Figure{Panels: []Panel{{Title: "Latency", Unit: Seconds}}} // no time either
	if texts := wellFormed(t, draw(t, f, Options{})); !strings.Contains(strings.Join(texts, "\n"), "no data") {
		t.Errorf("texts are %q, want \"no data\"", texts)
	}
}

func TestPointingTellsAllValuesOfATime(t *testing.T) {
	got := example().valuesAt(at(6), at(6.5))
	want := "12:06:15\nUsers: 50\nLatency: p50 200 ms, p95 750 ms"
	if got != want {
		t.Errorf("at 12:06 it tells %q, want %q", got, want)
	}
	if got := example().valuesAt(at(5.2), at(5.4)); !strings.HasSuffix(got, "CPU utilization: average 45 %") {
		t.Errorf("in a step it tells %q, want its value", got)
	}
}

func TestEveryColorCanBeReadOnItsBackground(t *testing.T) {
	for name, p := range map[string]palette{"light": light, "dark": dark} {
		for _, c := range append(p.colors[:], p.ink, p.muted) {
			if got := contrast(t, c, p.background); got < 4.5 {
				t.Errorf("%s: %s has a contrast of %.2f, want 4.5", name, c, got)
			}
		}
	}
}

// contrast is that of two colours by the Web Content Accessibility Guidelines.
func contrast(t *testing.T, a, b string) float64 {
	luminance := func(color string) float64 {
		total := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			total += weight * v
		}
		return total
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func BenchmarkWriteSVG(b *testing.B) {
	f := example()
	for i := range f.Panels {
		points := make([]Point, 10_000)
		for j := range points {
			points[j] = Point{at(20 * float64(j) / float64(len(points))), math.Abs(math.Sin(float64(j)))}
		}
		f.Panels[i].Series = []Series{{Points: points}}
	}
	for b.Loop() {
		if err := f.WriteSVG(io.Discard, Options{Width: 1080}); err != nil {
			b.Fatal(err)
		}
	}
}
