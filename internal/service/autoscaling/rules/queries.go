package rules

import (
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/service/autoscaling/fault"
	"flyball/metric"
	"flyball/metric/math"
)

// Limits of the Metrics of a customized metric, which are those of an alarm.
const (
	maxMetrics     = 10
	maxExpressions = 10
)

var queryIDs = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// checkQueries checks a customized metric that is given as Metrics: a metric, or
// metric math over several.
func checkQueries(m *types.CustomizedMetricSpecification) error {
	if m.Namespace != nil || m.MetricName != nil || m.Statistic != "" || m.Unit != nil || len(m.Dimensions) > 0 {
		return fault.Invalid("The customized metric specification is not valid. You can use a specification with metric math or a specification without metric math, but not a combination of both.")
	}
	var metrics, answers int
	queries := make([]math.Query, len(m.Metrics))
	for i, q := range m.Metrics {
		if err := checkQuery(q); err != nil {
			return err
		}
		if slices.ContainsFunc(queries[:i], func(other math.Query) bool { return other.ID == *q.Id }) {
			return fault.Invalid("The Id '%s' is not unique in Metrics", *q.Id)
		}
		queries[i] = math.Query{ID: *q.Id, Expression: aws.ToString(q.Expression)}
		if q.MetricStat != nil {
			metrics++
		}
		if returnsData(q) {
			answers++
		}
	}
	switch {
	case metrics > maxMetrics:
		return fault.Invalid("Metrics must not have more than %d metrics", maxMetrics)
	case len(queries)-metrics > maxExpressions:
		return fault.Invalid("Metrics must not have more than %d expressions", maxExpressions)
	case answers != 1:
		return fault.Invalid("Exactly one element of Metrics must return data")
	}
	program, err := math.Compile(queries)
	if err == nil && len(program.Selections(*answer(m.Metrics).Id)) > 0 {
		return fault.Invalid("Metrics Insights queries (SELECT) are not supported in scaling policies. Make an alarm on the query, and a step scaling policy its action")
	}
	if err == nil {
		err = program.Watchable(*answer(m.Metrics).Id)
	}
	if err != nil {
		return fault.Invalid("%v", err)
	}
	return nil
}

// checkQuery checks an element of Metrics by itself.
func checkQuery(q types.TargetTrackingMetricDataQuery) error {
	id := aws.ToString(q.Id)
	switch {
	case !queryIDs.MatchString(id):
		return fault.Invalid("The Id '%s' must start with a lowercase letter, and have only letters, numbers and underscores", id)
	case (q.MetricStat == nil) == (aws.ToString(q.Expression) == ""):
		return fault.Invalid("Exactly one of Expression and MetricStat must be specified for the Id '%s'", id)
	case q.MetricStat == nil:
		return nil
	}
	s := q.MetricStat
	if _, err := metric.ParseStatistic(aws.ToString(s.Stat)); err != nil {
		return fault.Invalid("The Stat '%s' of the Id '%s' is not a statistic", aws.ToString(s.Stat), id)
	}
	if s.Metric == nil {
		return fault.Invalid("The Metric of the Id '%s' must be specified", id)
	}
	return checkMetric(s.Metric.Namespace, s.Metric.MetricName, aws.ToString(s.Unit), queryDimensions(s.Metric.Dimensions))
}

// returnsData reports whether an element is what Metrics stand for.
func returnsData(q types.TargetTrackingMetricDataQuery) bool {
	return q.ReturnData == nil || *q.ReturnData
}

// answer is the element that returns data. There is one.
func answer(queries []types.TargetTrackingMetricDataQuery) types.TargetTrackingMetricDataQuery {
	return queries[slices.IndexFunc(queries, returnsData)]
}

func queryDimensions(in []types.TargetTrackingMetricDimension) []types.MetricDimension {
	out := make([]types.MetricDimension, len(in))
	for i, d := range in {
		out[i] = types.MetricDimension{Name: d.Name, Value: d.Value}
	}
	return out
}

// metricQueries are Metrics as CloudWatch takes them: with a period, which expressions
// have from their metrics, where there are any.
func metricQueries(in []types.TargetTrackingMetricDataQuery, period time.Duration) []cwtypes.MetricDataQuery {
	out := make([]cwtypes.MetricDataQuery, len(in))
	bare := !slices.ContainsFunc(in, func(q types.TargetTrackingMetricDataQuery) bool { return q.MetricStat != nil })
	for i, q := range in {
		out[i] = cwtypes.MetricDataQuery{Id: q.Id, Label: q.Label, Expression: q.Expression, ReturnData: aws.Bool(returnsData(q))}
		s := q.MetricStat
		if s == nil {
			if bare {
				out[i].Period = seconds(period)
			}
			continue
		}
		out[i].MetricStat = &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{
				Namespace: s.Metric.Namespace, MetricName: s.Metric.MetricName, Dimensions: alarmDimensions(queryDimensions(s.Metric.Dimensions)),
			},
			Stat: s.Stat, Unit: cwtypes.StandardUnit(aws.ToString(s.Unit)), Period: seconds(period),
		}
	}
	return out
}

// sameQueries reports whether two Metrics are the same, whatever their labels.
func sameQueries(a, b []types.TargetTrackingMetricDataQuery) bool {
	return slices.EqualFunc(a, b, func(x, y types.TargetTrackingMetricDataQuery) bool {
		return aws.ToString(x.Id) == aws.ToString(y.Id) && aws.ToString(x.Expression) == aws.ToString(y.Expression) &&
			returnsData(x) == returnsData(y) && sameStat(x.MetricStat, y.MetricStat)
	})
}

func sameStat(a, b *types.TargetTrackingMetricStat) bool {
	if a == nil || b == nil {
		return a == b
	}
	return aws.ToString(a.Stat) == aws.ToString(b.Stat) && aws.ToString(a.Unit) == aws.ToString(b.Unit) &&
		aws.ToString(a.Metric.Namespace) == aws.ToString(b.Metric.Namespace) &&
		aws.ToString(a.Metric.MetricName) == aws.ToString(b.Metric.MetricName) &&
		slices.Equal(sortedDimensions(queryDimensions(a.Metric.Dimensions)), sortedDimensions(queryDimensions(b.Metric.Dimensions)))
}

// plainQueries are queries in the type that the metrics of target tracking have,
// which has the same members.
func plainQueries(in []types.PredictiveScalingMetricDataQuery) []types.TargetTrackingMetricDataQuery {
	out := make([]types.TargetTrackingMetricDataQuery, len(in))
	for i, q := range in {
		out[i] = types.TargetTrackingMetricDataQuery{Id: q.Id, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData}
		s := q.MetricStat
		if s == nil {
			continue
		}
		out[i].MetricStat = &types.TargetTrackingMetricStat{Stat: s.Stat, Unit: s.Unit}
		if s.Metric == nil {
			continue
		}
		out[i].MetricStat.Metric = &types.TargetTrackingMetric{Namespace: s.Metric.Namespace, MetricName: s.Metric.MetricName}
		for _, d := range s.Metric.Dimensions {
			out[i].MetricStat.Metric.Dimensions = append(out[i].MetricStat.Metric.Dimensions, types.TargetTrackingMetricDimension{Name: d.Name, Value: d.Value})
		}
	}
	return out
}
