package policydoc_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"flyball/internal/policydoc"
)

// Files beside policies that are refused, with what is said; beyond is what a schema cannot say.
var besideRefused = []struct{ text, want, beyond string }{
	{"limit: {}\n", "limit is not known", ""},
	{"limits: {scaleOutPerMinute: 0}\n", `limits.scaleOutPerMinute: "0" limits nothing`, ""},
	{"limits: {scaleInPerMinute: 0.5}\n", `"0.5" limits nothing`, ""},
	{"limits: {scaleInPerMinute: 0%}\n", "limits nothing", ""},
	{"limits: {scaleInPerMinute: ''}\n", "limits nothing", ""},
	{"targets: {service/a/b: {limits: {scaleInPerMinute: fast}}}\n", "targets.service/a/b.limits.scaleInPerMinute: \"fast\" limits nothing", ""},
	{"targets: {service/a/b: {paused: true}}\n", "put it into quotes", ""},
	{"metrics: [{namespace: A, prometheus: {url: 'http://p', query: up}}]\n", "it has no metric", ""},
	{"metrics: [{namespace: A, metric: B}]\n", "names 0 places", ""},
	{"metrics: [{namespace: A, metric: B, running: false}]\n", "names 0 places", ""},
	{"metrics: [{namespace: A, metric: B, running: true, sqs: {queue: q}}]\n", "names 2 places", ""},
	{"metrics: [{namespace: A, metric: B, prometheus: {url: 'http://p'}}]\n", "it has no query", ""},
	{"metrics: [{namespace: A, metric: B, prometheus: {url: 'http://p', query: ''}}]\n", "it has no query", ""},
	{"metrics: [{namespace: A, metric: B, http: {url: 'http://p', value: users}}]\n", "no JSON pointer", ""},
	{"metrics: [{namespace: A, metric: B, sqs: {queue: q, attribute: Messages}}]\n", "Messages is not known", ""},
	{"metrics: [{namespace: A, metric: B, kubernetes: {namespace: n, resource: r, name: x, metric: disk}}]\n", "disk is not known", ""},
	{"metrics: [{namespace: A, metric: B, running: true}, {namespace: A, metric: B, running: true}]\n", "is there twice", "one metric twice"},
}

// documented is the file in docs/control.md.
func documented(t *testing.T) string {
	page, err := os.ReadFile("../../docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(metrics:.*?)```").FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/control.md shows no flyball.yaml")
	}
	return string(found[1])
}

// An editor with the schema and the reader take and refuse the same.
func TestTheSchemaOfWhatIsBesidePoliciesIsWhatTheReaderReads(t *testing.T) {
	text, err := policydoc.BesideSchema()
	if err != nil {
		t.Fatal(err)
	}
	valid := validator(t, text)
	for _, good := range []string{
		documented(t), "limits: {scaleOutPerMinute: 10, scaleInPerMinute: '12.5%'}\n", "limits: {scaleOutPerMinute: '007'}\n",
		"targets: {service/a/b: {paused: ''}}\n", "metrics: []\n",
		"metrics: [{namespace: A, metric: B, running: false, http: {url: 'http://p', value: ''}}]\n",
	} {
		if _, err := policydoc.ReadBeside(strings.NewReader(good)); err != nil {
			t.Errorf("%s\nis not read: %v", good, err)
		}
		if err := valid(good); err != nil {
			t.Errorf("%s\nis not valid: %v", good, err)
		}
	}
	for _, c := range besideRefused {
		if _, err := policydoc.ReadBeside(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.text, err, c.want)
		}
		if err := valid(c.text); (err == nil) != (c.beyond != "") {
			t.Errorf("%s\nvalid: %v; beyond a schema: %q", c.text, err, c.beyond)
		}
	}
}
