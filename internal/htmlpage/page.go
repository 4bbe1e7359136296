// Package htmlpage writes the page of a report: one file that needs nothing else, has the
// colours of light and of dark surroundings, and can be read on small screens and on paper.
package htmlpage

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"io"
	"time"

	"flyball/internal/chart"
)

// Widths of the pictures, in pixels: a page has both, and shows the one that fits.
const (
	Wide   = 1080
	Narrow = 372
)

// A Page is a page in the making. It is written by hand and not by html/template, which
// finds methods by names of any kind: with it, the linker would keep every method of the
// SDK's clients, 7 MiB of them.
type Page struct{ bytes.Buffer }

//go:embed page.css
var style string

// Add writes markup with the values in place of its verbs, all of which are text or
// stand in quoted attributes.
func (p *Page) Add(markup string, values ...any) {
	escaped := make([]any, len(values))
	for i, v := range values {
		escaped[i] = html.EscapeString(fmt.Sprint(v))
	}
	fmt.Fprintf(p, markup, escaped...)
}

// Begin writes all up to the heading.
func (p *Page) Begin(heading, about, description string) {
	p.Add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="%s">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%s: %s</title>
<style>
`, description, heading, about)
	p.WriteString(style)
	p.Add("</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n", heading)
}

// End writes the page's end, and all of it to a writer.
func (p *Page) End(w io.Writer) error {
	p.Add("</main>\n</body>\n</html>\n")
	_, err := p.WriteTo(w)
	return err
}

// A Tile is one figure of a summary, with what to know beside it.
type Tile struct{ Name, Value, Note string }

// Tiles writes what to see first.
func (p *Page) Tiles(tiles []Tile) {
	p.Add("<dl>\n")
	for _, t := range tiles {
		p.Add("<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>\n", t.Name, t.Value, t.Note)
	}
	p.Add("</dl>\n")
}

// Picture draws a figure for wide and for small screens, with a caption.
func (p *Page) Picture(f chart.Figure, caption string) error {
	p.Add("<figure>\n")
	for _, picture := range []struct {
		id    string
		width int
	}{{"wide", Wide}, {"small", Narrow}} {
		p.Add(`<div class="%s">`, picture.id)
		if err := f.WriteSVG(p, chart.Options{Width: picture.width, ID: picture.id}); err != nil {
			return err
		}
		p.Add("</div>\n")
	}
	p.Add("<figcaption>%s</figcaption>\n</figure>\n", caption)
	return nil
}

// Time writes a time, as people read it and as programs do.
func (p *Page) Time(t time.Time, layout string) {
	p.Add(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), t.UTC().Format(layout))
}
