package console

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/report"
	"flyball/internal/status"
	"flyball/scaling"
)

// charts are what the script draws: panels over one time axis, with the decisions marked.
type charts struct {
	From   float64 `json:"from"` // seconds since 1970, as all times
	To     float64 `json:"to"`
	At     float64 `json:"at,omitempty"`
	Panels []panel `json:"panels"`
	Marks  []mark  `json:"marks"`
}

// A panel is one chart.
type panel struct {
	ID     string    `json:"id"`
	Title  string    `json:"title"`
	Unit   string    `json:"unit,omitempty"`
	Steps  bool      `json:"steps,omitempty"` // values hold until the next
	Times  []float64 `json:"times"`
	Series []series  `json:"series"`
	Lines  []line    `json:"lines,omitempty"`
}

// A series is one line of a panel, with a value for each time; null: none.
type series struct {
	Label  string     `json:"label"`
	Role   string     `json:"role"` // which colour it has
	Values []*float64 `json:"values"`
}

// A line is a target or a threshold.
type line struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
	Role  string  `json:"role"`
}

// A mark is a decision on the axis.
type mark struct {
	At    float64 `json:"at"`
	Kind  string  `json:"kind"`
	Label string  `json:"label"`
	ID    string  `json:"id"` // of what tells all about it on the page
}

// readRun reads what became of a service in a window.
func readRun(v *visit, cluster, service string, w window) (report.Run, error) {
	c := v.Client
	source := report.Source{AutoScaling: c.AutoScaling, CloudWatch: c.CloudWatch, ECS: c.ECS, LoadBalancing: c.LoadBalancing}
	return report.Read(v.r.Context(), source, scaling.ServiceID(cluster, service), nil, w.From, w.To)
}

// serviceCharts serves the charts of a service as JSON.
func (c *console) serviceCharts(v *visit) error {
	cluster, service := v.r.PathValue("cluster"), v.r.PathValue("service")
	w, err := windowOf(v.r.FormValue("range"), v.r.FormValue("at"), v.clock.Now)
	if err != nil {
		return err
	}
	run, err := readRun(v, cluster, service, w)
	if err != nil {
		return &missing{err.Error()}
	}
	out := charts{From: seconds(w.From), To: seconds(w.To), Marks: []mark{}}
	if !w.At.IsZero() {
		out.At = seconds(w.At)
	}
	found, err := c.resource(v, cluster, service)
	if err != nil {
		return err
	}
	out.add(loadPanel(run))
	if found.Target != nil {
		for _, p := range found.Target.Policies {
			if p.Forecast != nil {
				out.add(forecastPanel(v, found.Target.ResourceID, p, run, w))
				continue
			}
			one, err := policyPanel(v, p, w)
			if err != nil {
				return err
			}
			out.add(one)
		}
	}
	out.add(taskPanel(run, w))
	out.add(latencyPanel(run))
	out.mark(decisionsOf(run, nil))
	return v.charts(out)
}

// json sends a value for the script.
func (v *visit) json(value any) error {
	v.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(v.w).Encode(value)
}

// asPoints are datapoints as charts take them.
func asPoints(found []datapoint) []report.Datapoint {
	points := make([]report.Datapoint, len(found))
	for i, d := range found {
		points[i] = report.Datapoint{At: d.at, Value: d.value}
	}
	return points
}

// fromPoints are datapoints of a report as series have them.
func fromPoints(points []report.Datapoint) []datapoint {
	found := make([]datapoint, len(points))
	for i, p := range points {
		found[i] = datapoint{p.At, p.Value}
	}
	return found
}

// add adds a panel in which there is something.
func (c *charts) add(p panel) {
	if len(p.Times) > 0 {
		c.Panels = append(c.Panels, p)
	}
}

// mark marks decisions, which are given newest first.
func (c *charts) mark(decisions []decision) {
	for _, d := range slices.Backward(decisions) { // oldest first, as one reads
		c.Marks = append(c.Marks, mark{At: seconds(d.At), Kind: d.Kind, Label: d.Headline, ID: d.ID})
	}
}

func loadPanel(run report.Run) panel {
	p := panel{ID: "load", Title: "Load", Unit: "requests a minute"}
	counted := func(points []report.Datapoint) []report.Datapoint {
		return asPoints(counts(fromPoints(points), run.To))
	}
	p.draw(map[string][]report.Datapoint{"requests": counted(run.Balancer.Requests), "failures": counted(run.Balancer.Failures)},
		[]series{{Label: "requests", Role: "load"}, {Label: "failures", Role: "bad"}})
	return p
}

// latencyPanel has a gap where no request was answered.
func latencyPanel(run report.Run) panel {
	p := panel{ID: "latency", Title: "Latency", Unit: "ms"}
	b := run.Balancer
	p.draw(map[string][]report.Datapoint{"p50": inMilliseconds(b.P50), "p95": inMilliseconds(b.P95), "p99": inMilliseconds(b.P99)},
		[]series{{Label: "p50", Role: "metric"}, {Label: "p95", Role: "load"}, {Label: "p99", Role: "bad"}}, emptyMinutes(fromPoints(b.P50), run.To)...)
	return p
}

func inMilliseconds(points []report.Datapoint) []report.Datapoint {
	scaled := make([]report.Datapoint, len(points))
	for i, p := range points {
		scaled[i] = report.Datapoint{At: p.At, Value: p.Value * 1000}
	}
	return scaled
}

// taskPanel has the desired count from decision to decision, up to the end of the window, and how
// many ran.
func taskPanel(run report.Run, w window) panel {
	p := panel{ID: "tasks", Title: "Tasks", Steps: true}
	desired := slices.Clone(run.Desired)
	if n := len(desired); n > 0 {
		desired = append(desired, report.Datapoint{At: w.To, Value: desired[n-1].Value})
	}
	p.draw(map[string][]report.Datapoint{"desired": desired, "running": run.Running},
		[]series{{Label: "desired", Role: "desired"}, {Label: "running", Role: "good"}})
	return p
}

// policyPanel is the metric of a policy, with its target and the thresholds of its alarms.
func policyPanel(v *visit, p status.Policy, w window) (panel, error) {
	if len(p.Alarms) == 0 {
		return panel{}, nil
	}
	alarms, err := describeAlarms(v, p)
	if err != nil || len(alarms) == 0 {
		return panel{}, err
	}
	queries := status.Watched(alarms[0])
	out := panel{ID: "policy-" + p.Name, Title: p.Name, Unit: p.Rule}
	shown := returned(queries)
	found, err := seriesOf(v.r.Context(), v.Client, queries, w.From, w.To)
	if err != nil {
		return panel{}, err
	}
	out.draw(map[string][]report.Datapoint{"metric": asPoints(found[shown])}, []series{{Label: "metric", Role: "metric"}})
	out.Lines = linesOf(p, alarms)
	return out, nil
}

func describeAlarms(v *visit, p status.Policy) ([]types.MetricAlarm, error) {
	in := &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(100)}
	for _, a := range p.Alarms {
		in.AlarmNames = append(in.AlarmNames, a.Name)
	}
	out, err := v.Client.CloudWatch.DescribeAlarms(v.r.Context(), in)
	if err != nil {
		return nil, err
	}
	return out.MetricAlarms, nil
}

// returned is the name of the query whose values an alarm compares.
func returned(queries []types.MetricDataQuery) (id string) {
	for _, q := range queries {
		if q.ReturnData == nil || *q.ReturnData {
			id = aws.ToString(q.Id)
		}
	}
	return id
}

// linesOf are the target, and the thresholds that are others.
func linesOf(p status.Policy, alarms []types.MetricAlarm) (lines []line) {
	if p.Goal != nil {
		lines = append(lines, line{"target " + number(*p.Goal), *p.Goal, "target"})
	}
	for _, a := range alarms {
		if a.Threshold == nil || p.Goal != nil && math.Abs(*a.Threshold-*p.Goal) < 1e-9 {
			continue
		}
		word := "alarm above "
		if a.ComparisonOperator == types.ComparisonOperatorLessThanThreshold || a.ComparisonOperator == types.ComparisonOperatorLessThanOrEqualToThreshold {
			word = "alarm below "
		}
		lines = append(lines, line{word + number(*a.Threshold), *a.Threshold, "threshold"})
	}
	return lines
}

// draw puts datapoints of several series, by label, on one axis. In steps a value holds until the
// series has another; other lines are broken at the empty times.
func (p *panel) draw(points map[string][]report.Datapoint, wanted []series, empty ...time.Time) {
	times := slices.Clone(empty)
	for _, s := range wanted {
		for _, d := range points[s.Label] {
			times = append(times, d.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	index := make(map[int64]int, len(times))
	p.Times = make([]float64, len(times))
	for i, t := range times {
		index[t.UnixNano()], p.Times[i] = i, seconds(t)
	}
	for _, s := range wanted {
		if len(points[s.Label]) == 0 {
			continue
		}
		s.Values = make([]*float64, len(times))
		for _, d := range points[s.Label] {
			value := math.Round(d.Value*1e4) / 1e4
			s.Values[index[d.At.UnixNano()]] = &value
		}
		if p.Steps {
			hold(s.Values)
		}
		p.Series = append(p.Series, s)
	}
}

// hold fills in the values that hold on between the first and the last.
func hold(values []*float64) {
	last := len(values) - 1
	for last >= 0 && values[last] == nil {
		last--
	}
	for i := 1; i < last; i++ {
		if values[i] == nil {
			values[i] = values[i-1]
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
