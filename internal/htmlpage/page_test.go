package htmlpage_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/internal/chart"
	"flyball/internal/htmlpage"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// page is one with a part of every kind, whose texts are hostile.
func page(t *testing.T) string {
	t.Helper()
	var p htmlpage.Page
	p.Begin(`<script>alert("heading")</script>`, "about & so on", `a "description"`)
	p.Tiles([]htmlpage.Tile{{"kept", "98 %", "<b>of all</b>"}})
	err := p.Picture(chart.Figure{Title: "<i>load</i>", From: noon, To: noon.Add(time.Hour)}, "a caption > none")
	if err != nil {
		t.Fatal(err)
	}
	p.Activities("15:04", []htmlpage.Activity{
		{At: noon, From: 2, To: 5, Headline: "out <2>", Notes: []string{"because", ""}},
		{At: noon.Add(time.Minute), From: 5, To: 3, Headline: "in"},
		{At: noon.Add(2 * time.Minute), From: 3, To: 3, Headline: "held"},
	})
	var text strings.Builder
	if err := p.End(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestTextsStayTextsAndElementsAreClosed(t *testing.T) {
	text := regexp.MustCompile(`<meta [^>]*`).ReplaceAllString(page(t), "$0/") // as XML has them
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && slices.Contains([]string{"script", "b", "i"}, start.Name.Local) {
			t.Errorf("a text became the element %s", start.Name.Local)
		}
	}
}

func TestAPageNeedsNothingElse(t *testing.T) {
	text := page(t)
	for _, never := range []string{"src=", "<link", "@import", "url(http"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if !strings.Contains(text, `content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Error("the page may load things")
	}
}

func TestActivitiesTellWhereTheyLed(t *testing.T) {
	text := page(t)
	for _, want := range []string{
		`<time datetime="2026-03-02T12:00:00Z">12:00</time>`, `<span class="out">2 → 5</span>`, `<span class="in">5 → 3</span>`,
		`<td class="n">3</td>`, "<small>because</small>", "out &lt;2&gt;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "<small></small>") {
		t.Error("an empty note is told")
	}
	var p htmlpage.Page
	if p.Activities("15:04", nil); p.String() != "<p>None.</p>\n" {
		t.Errorf("no activities are %q", p.String())
	}
}

func TestAPageIsNotTakenForWrittenWhereItIsNot(t *testing.T) {
	var p htmlpage.Page
	if err := p.End(full{}); err == nil {
		t.Error("no error")
	}
}

// A full writer has no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }
