package console

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/duration"
)

//go:embed templates
var sources embed.FS

// templates are the pages by their file names. Each is parsed with the layout of its own.
type templates map[string]*template.Template

func parseTemplates() (templates, error) {
	layout, err := template.New("layout.html").Funcs(functions).ParseFS(sources, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(sources, "templates/*.html")
	if err != nil {
		return nil, err
	}
	parsed := templates{}
	for _, name := range names {
		base := name[len("templates/"):]
		if base == "layout.html" || base == "parts.html" {
			continue
		}
		own, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if parsed[base], err = own.ParseFS(sources, name); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

func (t templates) execute(w io.Writer, name string, p page) error {
	found := t[name]
	if found == nil {
		return fmt.Errorf("there is no template %s", name)
	}
	return found.ExecuteTemplate(w, "layout.html", p)
}

// functions are what templates write values with.
var functions = template.FuncMap{
	"clock":        func(t any) string { return written(t, time.TimeOnly) },
	"moment":       func(t any) string { return written(t, time.DateTime) },
	"datetime":     func(t any) string { return written(t, time.RFC3339) },
	"ago":          func(now, t time.Time) string { return duration.Words(now.Sub(t)) },
	"number":       number,
	"outlook":      newOutlook,
	"milliseconds": func(d time.Duration) string { return number(float64(d) / float64(time.Millisecond)) },
	"duration":     duration.String,
	"value":        func(v *float64) float64 { return *v },
}

// written writes a time, or a pointer to one as the SDK has them.
func written(t any, form string) string {
	switch t := t.(type) {
	case time.Time:
		return t.UTC().Format(form)
	case *time.Time:
		return aws.ToTime(t).UTC().Format(form)
	}
	return ""
}

// number writes a value with the digits that are worth reading.
func number(v float64) string {
	switch size := math.Abs(v); {
	case size >= 1e6:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case size >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}
