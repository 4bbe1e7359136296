package telemetry_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flyball/internal/telemetry"
)

// exposed are the metrics of a scrape, each with the labels of its series.
func exposed(t *testing.T) map[string][]string {
	t.Helper()
	of := telemetry.New(full)
	happened(of)
	labels := map[string][]string{}
	label := regexp.MustCompile(`([a-z]+)="`)
	for line := range strings.Lines(scrape(t, of.Handler())) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(strings.ReplaceAll(line, " ", "{"), "{")
		for _, l := range label.FindAllStringSubmatch(rest, -1) {
			labels[name] = append(labels[name], l[1])
		}
		labels[name] = slices.Compact(slices.Sorted(slices.Values(append(labels[name], "job", "instance"))))
	}
	return labels
}

// queries are the texts under some names in a document, at any depth.
func queries(v any, names ...string) (found []string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			found = append(found, queries(item, names...)...)
		}
	case map[string]any:
		for name, item := range v {
			if text, ok := item.(string); ok && slices.Contains(names, name) {
				found = append(found, text)
			}
			found = append(found, queries(item, names...)...)
		}
	}
	return found
}

func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	there := exposed(t)
	files, err := filepath.Glob("../../examples/grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no dashboard", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard any
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(file, err)
		}
		asked := queries(dashboard, "expr", "definition")
		if len(asked) < 20 {
			t.Errorf("%s asks for %d things", file, len(asked))
		}
		for _, q := range asked {
			asksForWhatThereIs(t, there, q)
		}
	}
}

var (
	selector = regexp.MustCompile(`((?:flyball|process|go)_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+) *(?:=~|!~|!=|=)`)
	by       = regexp.MustCompile(`by \(([^)]*)\)`)
)

// asksForWhatThereIs holds a query to metrics that a scrape has, and their labels.
func asksForWhatThereIs(t *testing.T, there map[string][]string, query string) {
	t.Helper()
	found := selector.FindAllStringSubmatch(query, -1)
	if len(found) == 0 {
		t.Errorf("%q asks for no metric", query)
	}
	for _, m := range found {
		labels, ok := there[m[1]]
		if !ok {
			t.Errorf("%q: there is no metric %s", query, m[1])
			continue
		}
		used := matcher.FindAllStringSubmatch(m[2], -1)
		for _, grouped := range by.FindAllStringSubmatch(query, -1) {
			for name := range strings.SplitSeq(grouped[1], ",") {
				used = append(used, []string{"", strings.TrimSpace(name)})
			}
		}
		for _, u := range used {
			if !slices.Contains(labels, u[1]) {
				t.Errorf("%q: %s has no label %s", query, m[1], u[1])
			}
		}
	}
}

// The alerts that can be taken are what the docs say to watch.
func TestTheAlertsAreThoseOfTheDocs(t *testing.T) {
	alerts, err := os.ReadFile("../../examples/grafana/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, watched, _ := strings.Cut(strings.ReplaceAll(string(docs), `\|`, "|"), "## What to watch")
	there := exposed(t)
	rules := regexp.MustCompile(`(?m)^ +expr: (.*)$`).FindAllStringSubmatch(string(alerts), -1)
	for _, rule := range rules {
		asksForWhatThereIs(t, there, rule[1])
		if !strings.Contains(watched, "`"+rule[1]+"`") {
			t.Errorf("the docs do not say to watch %s", rule[1])
		}
	}
	for _, metric := range regexp.MustCompile("`[^`]*(flyball_(?:replica|lease)_\\w+)[^`]*`").FindAllString(watched, -1) {
		if !strings.Contains(string(alerts), "expr: "+strings.Trim(metric, "`")+"\n") {
			t.Errorf("there is no alert of %s", metric)
		}
	}
}

func TestTheDocsTellOfEachMetricAndOfNoOther(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for name := range exposed(t) {
		if strings.HasPrefix(name, "flyball_") {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, suffix)
			}
			there[name] = true
		}
	}
	told := map[string]bool{}
	for _, name := range regexp.MustCompile(`flyball_\w+`).FindAllString(string(text), -1) {
		if told[name] = true; !there[name] && name != "flyball_clock" {
			t.Errorf("the docs tell of %s, which there is not", name)
		}
	}
	for name := range there {
		if !told[name] {
			t.Errorf("the docs do not tell of %s", name)
		}
	}
}
