package console

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/policydoc"
	"flyball/internal/whatif"
)

// Metrics that a target tracking policy specifies itself, beside those that AWS has names for.
const (
	ownMetric  = "own"
	metricMath = "math"
)

// mostOwn is how many metrics an expression of the form can have.
const mostOwn = 3

// ownFields are the fields of one metric, and the class that shows them.
type ownFields struct {
	When   string
	Fields []control
}

// Own are the fields of the metrics of an expression; a metric by itself has those of the first.
func (c policyChoice) Own() (all []ownFields) {
	statistics := []choice{{"Average", "Average"}, {"Minimum", "Minimum"}, {"Maximum", "Maximum"}, {"Sum", "Sum"}, {"SampleCount", "Sample count"}}
	units := []choice{{"", "Any"}}
	for _, unit := range cwtypes.StandardUnit("").Values() {
		units = append(units, choice{string(unit), string(unit)})
	}
	for n := 1; n <= mostOwn; n++ {
		id := "m" + strconv.Itoa(n)
		one := ownFields{When: "when-math", Fields: []control{
			c.Text(id+"-namespace", "Namespace of "+id, ""), c.Text(id+"-name", "Metric", ""), c.Text(id+"-dimensions", "Dimensions", ""), c.Select(id+"-stat", "Statistic", statistics), c.Select(id+"-unit", "Unit", units),
		}}
		if n == 1 {
			one.When = "when-own"
			one.Fields[0].Hint, one.Fields[1].Hint, one.Fields[2].Hint = "such as AWS/SQS", "such as ApproximateNumberOfMessagesVisible", "such as QueueName=work"
		}
		all = append(all, one)
	}
	return all
}

// customized is the metric that was typed.
func (d drafter) customized(kind string) (*types.CustomizedMetricSpecification, error) {
	if kind == ownMetric {
		m, err := d.metric("m1")
		if err != nil {
			return nil, err
		}
		return &types.CustomizedMetricSpecification{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: policyDimensions(m.Dimensions), Statistic: types.MetricStatistic(d.Get("m1-stat")), Unit: optionalText(d.Get("m1-unit"))}, nil
	}
	c := &types.CustomizedMetricSpecification{}
	for n := 1; n <= mostOwn; n++ {
		id := "m" + strconv.Itoa(n)
		if n > 1 && d.Get(id+"-name") == "" && d.Get(id+"-namespace") == "" {
			continue
		}
		m, err := d.metric(id)
		if err != nil {
			return nil, err
		}
		c.Metrics = append(c.Metrics, types.TargetTrackingMetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.TargetTrackingMetricStat{Metric: m, Stat: aws.String(d.Get(id + "-stat")), Unit: optionalText(d.Get(id + "-unit"))}})
	}
	expression := d.Get("expression")
	if expression == "" {
		return nil, &fieldError{"expression", "Say what the metrics make together, such as m1 / m2."}
	}
	c.Metrics = append(c.Metrics, types.TargetTrackingMetricDataQuery{Id: aws.String("e1"), Expression: &expression, ReturnData: aws.Bool(true)})
	return c, nil
}

// metric is one metric that was typed.
func (d drafter) metric(id string) (*types.TargetTrackingMetric, error) {
	for _, what := range []string{"namespace", "name"} {
		if d.Get(id+"-"+what) == "" {
			return nil, &fieldError{id + "-" + what, "The metric needs a " + what + "."}
		}
	}
	m := &types.TargetTrackingMetric{Namespace: aws.String(d.Get(id + "-namespace")), MetricName: aws.String(d.Get(id + "-name"))}
	all, err := pairs(d.Get(id + "-dimensions"))
	if err != nil {
		return nil, &fieldError{id + "-dimensions", sentence(err) + " Write dimensions such as QueueName=work."}
	}
	for _, p := range all {
		m.Dimensions = append(m.Dimensions, types.TargetTrackingMetricDimension{Name: &p[0], Value: &p[1]})
	}
	return m, nil
}

func policyDimensions(all []types.TargetTrackingMetricDimension) (of []types.MetricDimension) {
	for _, d := range all {
		of = append(of, types.MetricDimension{Name: d.Name, Value: d.Value})
	}
	return of
}

// typedOwn is such a metric as it would have been typed; false where the form has no fields for it.
func typedOwn(t map[string]string, c *types.CustomizedMetricSpecification) bool {
	if c.MetricName != nil {
		var of []types.TargetTrackingMetricDimension
		for _, d := range c.Dimensions {
			of = append(of, types.TargetTrackingMetricDimension{Name: d.Name, Value: d.Value})
		}
		typeMetric(t, "m1", &types.TargetTrackingMetric{Namespace: c.Namespace, MetricName: c.MetricName, Dimensions: of}, string(c.Statistic), c.Unit)
		return true
	}
	n, expression := 0, ""
	var names []string // and what they are called in the form, in turn
	for _, q := range c.Metrics {
		switch {
		case q.MetricStat != nil && n < mostOwn && !(q.ReturnData == nil || *q.ReturnData):
			n++
			id := "m" + strconv.Itoa(n)
			typeMetric(t, id, q.MetricStat.Metric, aws.ToString(q.MetricStat.Stat), q.MetricStat.Unit)
			names = append(names, aws.ToString(q.Id), id)
		case q.Expression != nil && expression == "" && (q.ReturnData == nil || *q.ReturnData):
			expression = *q.Expression
		default:
			return false
		}
	}
	t["expression"] = renamed(expression, names)
	return expression != "" && n > 0
}

// identifier is a name in metric math.
var identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// renamed is an expression with other names, which are given in turn: the old one and the new one.
func renamed(expression string, names []string) string {
	return identifier.ReplaceAllStringFunc(expression, func(name string) string {
		for i := 0; i < len(names); i += 2 {
			if names[i] == name {
				return names[i+1]
			}
		}
		return name
	})
}

func typeMetric(t map[string]string, id string, m *types.TargetTrackingMetric, stat string, unit *string) {
	if m == nil {
		return
	}
	var of []string
	for _, d := range m.Dimensions {
		of = append(of, paired(aws.ToString(d.Name), aws.ToString(d.Value)))
	}
	t[id+"-namespace"], t[id+"-name"], t[id+"-dimensions"], t[id+"-stat"], t[id+"-unit"] = aws.ToString(m.Namespace), aws.ToString(m.MetricName), strings.Join(of, ", "), stat, aws.ToString(unit)
}

// readOwn reads the values, in the minutes of a past, of the metrics that policies of some documents have
// specified themselves. What has no value at all is not there.
func readOwn(v *visit, past whatif.Past, documents ...policydoc.Documents) (map[string][]float64, error) {
	own := map[string][]float64{}
	for _, d := range documents {
		for _, p := range d.Policies {
			c := p.TargetTrackingScalingPolicyConfiguration
			if c == nil || c.CustomizedMetricSpecification == nil || own[whatif.OwnKey(c.CustomizedMetricSpecification)] != nil {
				continue
			}
			values, err := readMinutes(v, ownQueries(c.CustomizedMetricSpecification), past.Start, len(past.Minutes))
			if err != nil {
				return nil, fmt.Errorf("the metric of policy %s: %w", aws.ToString(p.PolicyName), err)
			}
			if values != nil {
				own[whatif.OwnKey(c.CustomizedMetricSpecification)] = values
			}
		}
	}
	return own, nil
}

// ownQueries asks for a metric that a policy has specified, minute by minute.
func ownQueries(c *types.CustomizedMetricSpecification) (all []cwtypes.MetricDataQuery) {
	stat := func(m *types.TargetTrackingMetric, stat string, unit *string) *cwtypes.MetricStat {
		metric := &cwtypes.Metric{Namespace: m.Namespace, MetricName: m.MetricName}
		for _, d := range m.Dimensions {
			metric.Dimensions = append(metric.Dimensions, cwtypes.Dimension{Name: d.Name, Value: d.Value})
		}
		return &cwtypes.MetricStat{Metric: metric, Stat: &stat, Period: aws.Int32(60), Unit: cwtypes.StandardUnit(aws.ToString(unit))}
	}
	if c.MetricName != nil {
		m := &types.TargetTrackingMetric{Namespace: c.Namespace, MetricName: c.MetricName}
		for _, d := range c.Dimensions {
			m.Dimensions = append(m.Dimensions, types.TargetTrackingMetricDimension{Name: d.Name, Value: d.Value})
		}
		return []cwtypes.MetricDataQuery{{Id: aws.String("m1"), MetricStat: stat(m, string(c.Statistic), c.Unit)}}
	}
	for _, q := range c.Metrics {
		one := cwtypes.MetricDataQuery{Id: q.Id, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData}
		if q.MetricStat != nil && q.MetricStat.Metric != nil {
			one.MetricStat = stat(q.MetricStat.Metric, aws.ToString(q.MetricStat.Stat), q.MetricStat.Unit)
		} else {
			one.Period = aws.Int32(60)
		}
		all = append(all, one)
	}
	return all
}

// readMinutes are the values of what queries return in some minutes, NaN where there is none; nil without any.
func readMinutes(v *visit, queries []cwtypes.MetricDataQuery, start time.Time, minutes int) ([]float64, error) {
	found, err := seriesOf(v.r.Context(), v.Client, queries, start, start.Add(time.Duration(minutes)*time.Minute))
	if err != nil {
		return nil, err
	}
	points := found[returned(queries)]
	if len(points) == 0 {
		return nil, nil
	}
	known, values := byMinute(asPoints(points)), make([]float64, minutes)
	for i := range values {
		values[i] = math.NaN()
		if value, is := known[start.Add(time.Duration(i)*time.Minute).Unix()/60]; is {
			values[i] = value
		}
	}
	return values, nil
}
