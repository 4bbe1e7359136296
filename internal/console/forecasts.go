package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/forecast"
	"flyball/governor"
	"flyball/internal/report"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/status"
	"flyball/internal/whatif"
	"flyball/scaling"
)

// Times of a forecast that is shown: hours that have come since it could have been made, and hours to come.
const (
	hoursCome   = 24
	hoursToCome = 48
)

// covered is how many of a hundred hours the interval of a forecast is to hold.
const covered = 80

// forecasts lists the predictive policies with what they expect.
func (c *console) forecasts(v *visit) error {
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return err
	}
	t := table{
		Title: "Forecasts", Columns: []column{{Name: "Policy"}, {Name: "Service"}, {Name: "Rule"}, {"Tasks next hour", true}, {"Most in a day", true}},
		Empty: "No predictive policy forecasts in region " + v.Region + ". New policy, on a service's page, makes one.",
	}
	l := linksOf(v)
	for _, r := range state.Resources {
		if r.Target == nil {
			continue
		}
		for _, p := range r.Target.Policies {
			if p.Forecast == nil {
				continue
			}
			policy, service := cell{Text: p.Name, Note: p.Forecast.Lacks}, cell{Text: r.Name}
			if parts := (overviewRow{Resource: r}).Service(); len(parts) == 2 {
				policy.Link = l.Toward("policy", p.Name, "services", parts[0], parts[1], "forecast")
				service.Link = l.To("services", parts[0], parts[1])
			}
			next, most := expected(*p.Forecast, v.clock.Now)
			t.Rows = append(t.Rows, []cell{policy, service, {Text: p.Rule}, {Text: next}, {Text: most}})
		}
	}
	return c.table(v, "forecasts", t)
}

// expected is the capacity of the hour to come, and the most of the day to come.
func expected(f status.Forecast, now time.Time) (next, most string) {
	next, most = "–", "–"
	highest := math.Inf(-1)
	for _, h := range f.Hours {
		switch ahead := h.At.Sub(now); {
		case ahead <= 0 || ahead > 24*time.Hour:
			continue
		case ahead <= time.Hour:
			next = number(h.Capacity)
		}
		highest = max(highest, h.Capacity)
		most = number(highest)
	}
	return next, most
}

// A forecastPage is what a predictive policy forecasts, beside what came.
type forecastPage struct {
	Cluster, Name string
	Policy        string
	Rule          string
	Problem       string // why nothing is drawn
	Come, Within  int    // hours, and those of them within the interval
	Covered       int    // percent of the hours that it is to hold
	Error         string // of the hours that came, in percent of their load
	Values        string // that are drawn, as JSON
}

// forecast shows what a policy forecasts.
func (c *console) forecast(v *visit) error {
	p := forecastPage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service"), Policy: v.r.FormValue("policy"), Covered: covered}
	found, err := c.resource(v, p.Cluster, p.Name)
	if err != nil {
		return err
	}
	var policy *status.Policy
	if found.Target != nil {
		i := slices.IndexFunc(found.Target.Policies, func(o status.Policy) bool { return o.Name == p.Policy && o.Forecast != nil })
		if i >= 0 {
			policy = &found.Target.Policies[i]
		}
	}
	if policy == nil {
		return &missing{fmt.Sprintf("There is no predictive policy %q of service %s/%s.", p.Policy, p.Cluster, p.Name)}
	}
	p.Rule = policy.Rule
	if err := p.read(v, found, *policy); err != nil {
		return err
	}
	c.show(v, http.StatusOK, "forecast.html", page{Title: "Forecast of " + p.Policy, Section: "forecasts", Body: p})
	return nil
}

// read reads the hours that came and makes the forecast that could have been made before the last
// day of them.
func (p *forecastPage) read(v *visit, r status.Resource, policy status.Policy) error {
	now := v.clock.Now.UTC().Truncate(time.Hour)
	begin := now.Add(-hoursCome * time.Hour)
	load, unit, err := p.load(v, r, now)
	if err != nil {
		return err
	}
	if len(load) <= hoursCome {
		p.Problem = cmp.Or(policy.Forecast.Lacks, fmt.Sprintf("%d hours were measured so far; a day is shown, and before it there has to be some to forecast from.", len(load)))
		return nil
	}
	before, came := load[:len(load)-hoursCome], load[len(load)-hoursCome:]
	f, err := forecast.Forecast(before, forecast.Options{Horizon: hoursCome + hoursToCome, Levels: []float64{covered / 100.0}})
	if err != nil {
		p.Problem = sentence(err)
		return nil
	}
	p.compare(came, f)
	drawn := charts{From: seconds(begin.Add(-hoursCome * time.Hour)), To: seconds(now.Add(hoursToCome * time.Hour)), At: seconds(now), Marks: []mark{}, Panels: []panel{}}
	drawn.add(expectedLoad(unit, load, f, now))
	run, err := readRun(v, p.Cluster, p.Name, window{From: begin.Add(-hoursCome * time.Hour), To: v.clock.Now})
	if err != nil {
		return err
	}
	drawn.add(forecastPanel(v, r.Target.ResourceID, policy, run, window{From: begin.Add(-hoursCome * time.Hour), To: now.Add(hoursToCome * time.Hour)}))
	text, err := json.Marshal(drawn)
	p.Values = string(text)
	return err
}

// compare counts how true the forecast was.
func (p *forecastPage) compare(came []float64, f forecast.Result) {
	var apart, sum float64
	for i, v := range came {
		if math.IsNaN(v) {
			continue
		}
		p.Come++
		if v >= f.Intervals[0].Lower[i] && v <= f.Intervals[0].Upper[i] {
			p.Within++
		}
		apart, sum = apart+math.Abs(v-f.Values[i]), sum+v
	}
	if sum > 0 {
		p.Error = number(100 * apart / sum)
	}
}

// expectedLoad is the load that came, and the forecast with its interval.
func expectedLoad(unit string, load []float64, f forecast.Result, now time.Time) panel {
	points := func(values []float64, first time.Time) (all []report.Datapoint) {
		for i, v := range values {
			if !math.IsNaN(v) {
				all = append(all, report.Datapoint{At: first.Add(time.Duration(i) * time.Hour), Value: v})
			}
		}
		return all
	}
	begin := now.Add(-hoursCome * time.Hour)
	shown := load[max(0, len(load)-2*hoursCome):]
	p := panel{ID: "expected", Title: "Load of an hour", Unit: unit}
	low, high := fmt.Sprintf("%d %% above", 50+covered/2), fmt.Sprintf("%d %% below", 50+covered/2)
	p.draw(map[string][]report.Datapoint{
		"came": points(shown, now.Add(-time.Duration(len(shown))*time.Hour)), "forecast": points(f.Values, begin),
		low: points(f.Intervals[0].Lower, begin), high: points(f.Intervals[0].Upper, begin),
	}, []series{{Label: low, Role: "target"}, {Label: high, Role: "target"}, {Label: "forecast", Role: "metric"}, {Label: "came", Role: "load"}})
	return p
}

// load is the load of the policy of each hour until now, from the first one that was measured, and its unit.
func (p *forecastPage) load(v *visit, r status.Resource, now time.Time) (load []float64, unit string, err error) {
	c, err := predictiveOf(v, r.Target.ResourceID, p.Policy)
	if err != nil || len(c.MetricSpecifications) != 1 {
		return nil, "", err
	}
	// Of a policy's own metrics the load is the first.
	if own := rules.Customized(c); len(own) > 0 && c.MetricSpecifications[0].CustomizedLoadMetricSpecification != nil {
		queries := own[0].Queries
		load, err = readOwnHours(v, queries, now)
		return load, ownUnit(queries), err
	}
	hours, err := readHours(v, p.Cluster, p.Name, resourceLabel(v, r.Groups), now)
	metric := predefinedLoad(c.MetricSpecifications[0])
	for _, h := range hours {
		load = append(load, loadOf(metric, h))
	}
	if metric == "requests" {
		return load, metric, err
	}
	return load, "percent of tasks, in minutes of them", err
}

// readOwnHours are the values of what queries return in each hour, NaN where there is none.
func readOwnHours(v *visit, queries []cwtypes.MetricDataQuery, end time.Time) ([]float64, error) {
	begin := end.Add(-governor.HistoryHours * time.Hour)
	found, err := seriesOf(v.r.Context(), v.Client, queries, begin, end)
	points := found[returned(queries)]
	if err != nil || len(points) == 0 {
		return nil, err
	}
	first := points[0].at.UTC().Truncate(time.Hour)
	sums, counts := make([]float64, int(end.Sub(first)/time.Hour)), make([]float64, int(end.Sub(first)/time.Hour))
	for _, p := range points {
		if i := int(p.at.Sub(first) / time.Hour); i < len(sums) {
			sums[i], counts[i] = sums[i]+p.value, counts[i]+1
		}
	}
	for i, n := range counts { // 0 / 0 is NaN
		sums[i] /= n // of finer datapoints, which expressions can have, the mean, as the policy takes
	}
	return sums, nil
}

// ownUnit says what queries return.
func ownUnit(queries []cwtypes.MetricDataQuery) string {
	id := returned(queries)
	i := slices.IndexFunc(queries, func(q cwtypes.MetricDataQuery) bool { return aws.ToString(q.Id) == id })
	q := queries[i]
	if q.MetricStat != nil {
		return fmt.Sprintf("%s of %s", aws.ToString(q.MetricStat.Stat), aws.ToString(q.MetricStat.Metric.MetricName))
	}
	return cmp.Or(aws.ToString(q.Label), aws.ToString(q.Expression))
}

// predictiveOf is the configuration of a predictive policy.
func predictiveOf(v *visit, id scaling.ResourceID, policy string) (*types.PredictiveScalingPolicyConfiguration, error) {
	kind := id.Kind()
	out, err := v.Client.AutoScaling.DescribeScalingPolicies(v.r.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: types.ServiceNamespace(kind.Namespace()), ScalableDimension: types.ScalableDimension(kind.Dimension()), ResourceId: aws.String(string(id)), PolicyNames: []string{policy},
	})
	if err != nil {
		return nil, err
	}
	if len(out.ScalingPolicies) == 0 || out.ScalingPolicies[0].PredictiveScalingPolicyConfiguration == nil {
		return &types.PredictiveScalingPolicyConfiguration{}, nil // which was deleted meanwhile
	}
	return out.ScalingPolicies[0].PredictiveScalingPolicyConfiguration, nil
}

// predefinedLoad is the predefined load that a policy forecasts, as forms have it.
func predefinedLoad(m types.PredictiveScalingMetricSpecification) string {
	if pair := m.PredefinedMetricPairSpecification; pair != nil {
		return metricWord(aws.ToString(pair.PredefinedMetricType))
	}
	return metricWord(strings.ReplaceAll(aws.ToString(m.PredefinedLoadMetricSpecification.PredefinedMetricType), "Total", ""))
}

// loadOf is the load of an hour: the total of the tasks' values of its minutes, or of the requests.
func loadOf(metric string, h whatif.Hour) float64 {
	switch metric {
	case "memory":
		return h.Memory * h.Tasks * 60
	case "requests":
		return h.Requests
	}
	return h.CPU * h.Tasks * 60
}
