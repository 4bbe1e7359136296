package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/internal/client"
	"flyball/internal/load"
	"flyball/internal/loadtest"
	"flyball/internal/report"
	"flyball/internal/trace"
	"flyball/scaling"
)

// loadTestPath is where load tests are started, listed and stopped by calls.
const loadTestPath = "/console/api/load-tests"

// A loadTestsPage lists load tests, and starts one.
type loadTestsPage struct {
	Tests    []loadtest.View
	Typed    map[string]string // the values of the form, by the names of its fields
	Kinds    []choice
	Patterns []choice
	Services []string // to choose from
	Problem  string   // why none was started
}

// A choice is one of a list.
type choice struct{ Value, Text string }

// Choices of the form.
var (
	loadKinds    = []choice{{string(loadtest.Service), "Service"}, {string(loadtest.LoadBalancer), "Load balancer"}, {string(loadtest.Queue), "Queue"}}
	loadPatterns = []choice{{"steady", "Up to the level, and there"}, {"wave", "Up, and down again"}, {"spike", "A fifth, with a spike"}, {"steps", "In five steps"}, {"trace", "That of a file"}}
)

// namesOffered is how many names of services the form offers.
const namesOffered = 200

// loadTests shows the form and the tests that there are.
func (c *console) loadTests(v *visit) error {
	return c.showLoadTests(v, http.StatusOK, typedLoad(v.r.FormValue), "")
}

func (c *console) showLoadTests(v *visit, status int, typed map[string]string, problem string) error {
	p := loadTestsPage{Typed: typed, Kinds: loadKinds, Patterns: loadPatterns, Problem: problem}
	if err := v.Client.Own(v.r.Context(), http.MethodGet, loadTestPath, v.place(url.Values{}), &p.Tests); err != nil {
		return err
	}
	if state, err := c.snapshots.of(v.r.Context(), v.Visitor); err == nil { // names are a help, and no more
		for _, r := range state.Resources[:min(len(state.Resources), namesOffered)] {
			p.Services = append(p.Services, r.Name)
		}
	}
	refresh := 0
	if slices.ContainsFunc(p.Tests, loadtest.View.Runs) {
		refresh = int(mostOften.Milliseconds())
	}
	c.show(v, status, "load_tests.html", page{Title: "Load tests", Section: "load-tests", Live: true, Refresh: refresh, Body: p})
	return nil
}

// place adds which account is meant; the client adds the region.
func (v *visit) place(q url.Values) url.Values {
	q.Set("account", v.Account)
	return q
}

// typedLoad are the values of the form: those that were typed, or the workshop's.
func typedLoad(value func(string) string) map[string]string {
	w := loadtest.Workshop()
	usual := map[string]string{
		"kind": string(w.Kind), "name": "", "path": w.Path, "pattern": w.Pattern, "unit": "users", "level": number(w.Level), "ramp": "5m", "duration": "20m",
	}
	for name, otherwise := range usual {
		usual[name] = cmp.Or(value(name), otherwise)
	}
	return usual
}

// startLoadTest starts the one that was typed, or that of the workshop on the same target.
func (c *console) startLoadTest(v *visit) error {
	typed := typedLoad(v.r.PostFormValue)
	if v.r.PostFormValue("preset") != "" {
		kept := map[string]bool{"kind": true, "name": true, "path": true}
		typed = typedLoad(func(name string) string {
			if kept[name] {
				return v.r.PostFormValue(name)
			}
			return ""
		})
	}
	q := url.Values{}
	for name, value := range typed {
		q.Set(name, value)
	}
	if typed["pattern"] == "trace" {
		shape, err := readShape(v.r)
		if err != nil {
			return c.showLoadTests(v, http.StatusBadRequest, typed, sentence(err))
		}
		q.Set("shape", shape)
	}
	var started loadtest.View
	err := v.Client.Own(v.r.Context(), http.MethodPost, loadTestPath, v.place(q), &started)
	if refused, ok := errors.AsType[*client.Rejected](err); ok && refused.Status < http.StatusInternalServerError {
		return c.showLoadTests(v, refused.Status, typed, refused.Text)
	}
	if err != nil {
		return err
	}
	http.Redirect(v.w, v.r, linksOf(v).To("load-tests", started.ID), http.StatusSeeOther)
	return nil
}

// Bounds of the file of a trace: in bytes, and how many levels are made of it.
const (
	maxTrace    = 4 << 20
	mostOfTrace = 500
)

// readShape reads the file of a trace, as shares of its highest value.
func readShape(r *http.Request) (string, error) {
	file, _, err := r.FormFile("file")
	if err != nil {
		return "", errors.New("choose the file of a trace: a table of times and counts, an answer of CloudWatch or an access log, of 4 MiB at most")
	}
	defer file.Close()
	t, err := trace.Read(file, trace.Options{Assume: trace.Counts})
	if err != nil {
		return "", err
	}
	each := (len(t.Values) + mostOfTrace - 1) / mostOfTrace
	var levels []float64
	for some := range slices.Chunk(t.Values, max(each, 1)) {
		sum := 0.0
		for _, value := range some {
			if value > 0 { // a gap is nothing
				sum += value
			}
		}
		levels = append(levels, sum/float64(len(some)))
	}
	most := 0.0
	for _, level := range levels {
		most = max(most, level)
	}
	if len(levels) < 2 || !(most > 0) || math.IsInf(most, 1) {
		return "", errors.New("the trace has no load in it, or is of one step only")
	}
	shares := make([]string, len(levels))
	for i, level := range levels {
		shares[i] = strconv.FormatFloat(level/most, 'f', 4, 64)
	}
	return strings.Join(shares, ","), nil
}

// loadTestCell leads to the form, with a target that is named.
func loadTestCell(v *visit, kind loadtest.Kind, name string) cell {
	q := url.Values{"kind": {string(kind)}, "name": {name}}
	if kind == loadtest.Queue {
		q.Set("unit", "rate")
	}
	return cell{Text: "Start", Link: pathTo([]string{"load-tests"}) + linksOf(v).with(q.Encode())}
}

// readLoadTest reads the test that an address names.
func readLoadTest(v *visit) (view loadtest.View, err error) {
	err = v.Client.Own(v.r.Context(), http.MethodGet, loadTestPath, v.place(url.Values{"id": {v.r.PathValue("id")}}), &view)
	if refused, ok := errors.AsType[*client.Rejected](err); ok && refused.Status == http.StatusGone {
		err = &missing{refused.Text}
	}
	return view, err
}

// loadTest shows one test while it runs, and after it.
func (c *console) loadTest(v *visit) error {
	view, err := readLoadTest(v)
	if err != nil {
		return err
	}
	refresh := 0
	if view.Runs() {
		refresh = int(mostOften.Milliseconds())
	}
	body := loadPage{view, loadDecisions(v, view)}
	c.show(v, http.StatusOK, "load_test.html", page{Title: "Load test on " + view.Name, Section: "load-tests", Live: true, Refresh: refresh, Body: body})
	return nil
}

// stopLoadTest ends one.
func (c *console) stopLoadTest(v *visit) error {
	var view loadtest.View
	if err := v.Client.Own(v.r.Context(), http.MethodPost, loadTestPath+"/stop", v.place(url.Values{"id": {v.r.PathValue("id")}}), &view); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, linksOf(v).To("load-tests", view.ID), http.StatusSeeOther)
	return nil
}

// loadTestCharts serves load, throughput, latency and tasks over one time axis.
func (c *console) loadTestCharts(v *visit) error {
	view, err := readLoadTest(v)
	if err != nil {
		return err
	}
	out := charts{From: seconds(view.Began), To: seconds(view.Ends), Marks: []mark{}}
	if n := len(view.Lines); n > 0 && !view.Runs() {
		out.To = seconds(view.Lines[n-1].Time)
	}
	for _, p := range loadPanels(view) {
		out.add(p)
	}
	out.mark(loadDecisions(v, view))
	return v.charts(out)
}

// A loadPage is a load test, and what was scaled meanwhile.
type loadPage struct {
	loadtest.View
	Decisions []decision
}

// loadDecisions are the decisions about the service behind a load test, newest first.
func loadDecisions(v *visit, view loadtest.View) []decision {
	behind := view.Behind()
	if behind.Name == "" {
		return nil
	}
	end := v.clock.Now
	if !view.Runs() && view.Ends.Before(end) {
		end = view.Ends
	}
	run, err := readRun(v, behind.Cluster, behind.Name, window{From: view.Began, To: end})
	if err != nil {
		return nil // it is gone, or not to be read: the load is told all the same
	}
	return decisionsOf(run, keptActivities(v, run))
}

// loadPanels draws the record of a test.
func loadPanels(view loadtest.View) []panel {
	points := map[string][]report.Datapoint{}
	add := func(label string, at time.Time, value float64) {
		points[label] = append(points[label], report.Datapoint{At: at, Value: value})
	}
	level := "users"
	if view.Open {
		level = "scheduled a second"
	}
	for _, line := range view.Lines {
		length := max(line.Seconds, 0.001)
		failed := 0
		for _, n := range line.Failures {
			failed += n
		}
		for _, scheduled := range []*float64{line.Users, line.Rate} {
			if scheduled != nil {
				add(level, line.Time, *scheduled)
			}
		}
		add("answers", line.Time, float64(line.Requests-failed)/length)
		add("errors", line.Time, float64(failed)/length)
		if line.Latency != (load.LineLatency{}) {
			add("p50", line.Time, line.Latency.P50*1000)
			add("p95", line.Time, line.Latency.P95*1000)
			add("p99", line.Time, line.Latency.P99*1000)
		}
		if line.Tasks != nil {
			add("desired", line.Time, float64(line.Tasks.Desired))
			add("running", line.Time, float64(line.Tasks.Running))
		}
	}
	drawn := func(p panel, wanted ...series) panel {
		p.draw(points, wanted)
		return p
	}
	return []panel{
		drawn(panel{ID: "load", Title: "Load"}, series{Label: level, Role: "load"}),
		drawn(panel{ID: "throughput", Title: "Throughput", Unit: "a real second"}, series{Label: "answers", Role: "metric"}, series{Label: "errors", Role: "bad"}),
		drawn(panel{ID: "latency", Title: "Latency", Unit: "ms"}, series{Label: "p50", Role: "metric"}, series{Label: "p95", Role: "desired"}, series{Label: "p99", Role: "bad"}),
		drawn(panel{ID: "tasks", Title: "Tasks", Steps: true}, series{Label: "desired", Role: "desired"}, series{Label: "running", Role: "good"}),
	}
}

// loadTestFile serves what is kept of a test: its record, or a report of it.
func (c *console) loadTestFile(v *visit) error {
	view, err := readLoadTest(v)
	if err != nil {
		return err
	}
	file := v.r.PathValue("file")
	var text bytes.Buffer
	switch file {
	case "record.jsonl":
		encoder := json.NewEncoder(&text)
		for _, line := range view.Lines {
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
	case "report.html", "report.svg", "report.json":
		write, err := report.WriterOf(file)
		if err != nil {
			return err
		}
		run, err := loadRun(v, view)
		if err != nil {
			return err
		}
		if err := write(run, &text); err != nil {
			return err
		}
	default:
		return &missing{"There is no file " + file + " of a load test; there are record.jsonl, report.html, report.svg and report.json."}
	}
	// It is to be saved: as a page of this server it would not be allowed its own styles.
	v.w.Header().Set("Content-Type", "application/octet-stream")
	v.w.Header().Set("Content-Disposition", `attachment; filename="load-test-`+view.ID+"-"+file+`"`)
	_, err = v.w.Write(text.Bytes())
	return err
}

// beforeLoad is how much of the time before a load its report shows.
const beforeLoad = 2 * time.Minute

// loadRun is the run that a report is made of, with the service's activities and metrics.
func loadRun(v *visit, view loadtest.View) (report.Run, error) {
	if len(view.Lines) == 0 {
		return report.Run{}, &missing{"Nothing has been recorded of this load test yet: a second has to pass."}
	}
	last := view.Lines[len(view.Lines)-1].Time
	from := view.Began.Add(-min(beforeLoad, last.Sub(view.Began)/5))
	behind := view.Behind()
	if behind.Name == "" {
		return report.Run{Of: view.Words() + " " + view.Name, From: from, To: last, Speed: view.Speed, Load: view.Lines}, nil
	}
	c := v.Client
	source := report.Source{AutoScaling: c.AutoScaling, CloudWatch: c.CloudWatch, ECS: c.ECS, LoadBalancing: c.LoadBalancing}
	run, err := report.Read(v.r.Context(), source, scaling.ServiceID(behind.Cluster, behind.Name), view.Lines, from, last)
	run.Speed = view.Speed
	return run, err
}
