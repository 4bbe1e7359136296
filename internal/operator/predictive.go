package operator

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/internal/service/autoscaling/rules"
)

// foresight are the tags of AWS's targets that say how is forecast. As annotations they begin with flyball.dev/ in the place
// of flyball: .
var foresight = []string{rules.TagHistoryDays, rules.TagTimeZone, rules.TagHolidays, rules.TagForecastStep}

// annotation is a tag as an annotation.
func annotation(tag string) string { return "flyball.dev/" + strings.TrimPrefix(tag, "flyball:") }

// tags are what annotations of a target say of its forecasts.
func (d described) tags() map[string]string {
	tags := map[string]string{}
	for _, name := range foresight {
		if value, is := d.target.Annotations[annotation(name)]; is {
			tags[name] = value
		}
	}
	return tags
}

// predictive is the configuration of a predictive policy.
func predictive(c v1alpha1.PredictiveScalingPolicyConfiguration) *types.PredictiveScalingPolicyConfiguration {
	out := &types.PredictiveScalingPolicyConfiguration{
		Mode: types.PredictiveScalingMode(c.Mode), SchedulingBufferTime: c.SchedulingBufferTime,
		MaxCapacityBreachBehavior: types.PredictiveScalingMaxCapacityBreachBehavior(c.MaxCapacityBreachBehavior), MaxCapacityBuffer: c.MaxCapacityBuffer,
	}
	for _, m := range c.MetricSpecifications {
		of := types.PredictiveScalingMetricSpecification{TargetValue: &m.TargetValue}
		if p := m.PredefinedMetricPairSpecification; p != nil {
			of.PredefinedMetricPairSpecification = &types.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: &p.PredefinedMetricType, ResourceLabel: &p.ResourceLabel}
		}
		if p := m.PredefinedLoadMetricSpecification; p != nil {
			of.PredefinedLoadMetricSpecification = &types.PredictiveScalingPredefinedLoadMetricSpecification{PredefinedMetricType: &p.PredefinedMetricType, ResourceLabel: &p.ResourceLabel}
		}
		if p := m.PredefinedScalingMetricSpecification; p != nil {
			of.PredefinedScalingMetricSpecification = &types.PredictiveScalingPredefinedScalingMetricSpecification{PredefinedMetricType: &p.PredefinedMetricType, ResourceLabel: &p.ResourceLabel}
		}
		of.CustomizedLoadMetricSpecification = past("load", m.CustomizedLoadMetricSpecification)
		of.CustomizedScalingMetricSpecification = past("scaling", m.CustomizedScalingMetricSpecification)
		of.CustomizedCapacityMetricSpecification = past("capacity", m.CustomizedCapacityMetricSpecification)
		out.MetricSpecifications = append(out.MetricSpecifications, of)
	}
	return out
}

// past is a metric of a predictive policy: the ids of its queries differ from those of its other metrics.
func past(id string, m *v1alpha1.PredictiveScalingMetric) *types.PredictiveScalingCustomizedMetricSpecification {
	if m == nil {
		return nil
	}
	out := &types.PredictiveScalingCustomizedMetricSpecification{}
	if m.Prometheus != nil {
		of := boundID(v1alpha1.MetricSource{Prometheus: m.Prometheus})
		metric := &types.PredictiveScalingMetric{Namespace: &of.Namespace, MetricName: &of.Name}
		for _, d := range of.Dimensions {
			metric.Dimensions = append(metric.Dimensions, types.PredictiveScalingMetricDimension{Name: &d.Name, Value: &d.Value})
		}
		out.MetricDataQueries = []types.PredictiveScalingMetricDataQuery{{Id: &id, MetricStat: &types.PredictiveScalingMetricStat{Metric: metric, Stat: aws.String("Average")}}}
	}
	for _, q := range m.MetricDataQueries {
		query := types.PredictiveScalingMetricDataQuery{Id: &q.ID, Expression: optional(q.Expression), Label: optional(q.Label), ReturnData: q.ReturnData}
		if s := q.MetricStat; s != nil {
			metric := &types.PredictiveScalingMetric{Namespace: &s.Metric.Namespace, MetricName: &s.Metric.MetricName}
			for _, one := range s.Metric.Dimensions {
				metric.Dimensions = append(metric.Dimensions, types.PredictiveScalingMetricDimension{Name: &one.Name, Value: &one.Value})
			}
			query.MetricStat = &types.PredictiveScalingMetricStat{Metric: metric, Stat: &s.Stat, Unit: optional(s.Unit)}
		}
		out.MetricDataQueries = append(out.MetricDataQueries, query)
	}
	return out
}

// queries are what a predictive policy asks of Prometheus.
func queries(c *v1alpha1.PredictiveScalingPolicyConfiguration) (all []v1alpha1.MetricSource) {
	if c == nil {
		return nil
	}
	for _, m := range c.MetricSpecifications {
		for _, past := range []*v1alpha1.PredictiveScalingMetric{m.CustomizedLoadMetricSpecification, m.CustomizedScalingMetricSpecification, m.CustomizedCapacityMetricSpecification} {
			if past != nil && past.Prometheus != nil {
				all = append(all, v1alpha1.MetricSource{Prometheus: past.Prometheus})
			}
		}
	}
	return all
}

// tellForecast writes how a predictive policy stands: what it forecasts, or why it does not.
func (w view) tellForecast(name string, to *v1alpha1.ScalingPolicyStatus, generation int64) {
	of := w.standing.forecasts[name]
	read := condition(v1alpha1.MetricAvailable, metav1.ConditionUnknown, "NotReadYet", "the past of its metrics has not been read yet")
	made := condition(v1alpha1.ForecastAvailable, metav1.ConditionUnknown, "NotMadeYet", "no forecast has been made yet")
	for _, f := range w.e.Forecast {
		if f.Policy == name && f.Lacks == "" {
			made = condition(v1alpha1.ForecastAvailable, metav1.ConditionTrue, "Made", f.String())
		}
	}
	switch {
	case of.lacks != "" && of.short:
		read = condition(v1alpha1.MetricAvailable, metav1.ConditionTrue, "Read", "the past of its metrics can be read")
		if made.Status != metav1.ConditionTrue {
			made = condition(v1alpha1.ForecastAvailable, metav1.ConditionFalse, "TooLittleHistory", of.lacks)
		}
	case of.lacks != "":
		read = condition(v1alpha1.MetricAvailable, metav1.ConditionFalse, "Unreadable", of.lacks)
		if made.Status != metav1.ConditionTrue {
			made = condition(v1alpha1.ForecastAvailable, metav1.ConditionFalse, "NoForecast", of.lacks)
		}
	case made.Status == metav1.ConditionTrue:
		read = condition(v1alpha1.MetricAvailable, metav1.ConditionTrue, "Read", "the past of its metrics can be read")
	}
	if of.told != nil {
		to.Forecast = of.told
	}
	meta.SetStatusCondition(&to.Conditions, stamped(read, generation))
	meta.SetStatusCondition(&to.Conditions, stamped(made, generation))
}

// A forecast is what was told last of what a predictive policy forecasts.
type forecast struct {
	told  *v1alpha1.ForecastStatus // nil: nothing since this controller has begun
	lacks string                   // why there is no new one; "": there is
	short bool                     // for want of history
}

// after is what becomes of it with a record.
func (f forecast) after(r control.Record) forecast {
	of := r.Forecast
	f.lacks, f.short = of.Lacks, of.Short
	if of.Lacks != "" || len(of.Capacity) == 0 {
		return f
	}
	least, most := 0, 0
	for i, c := range of.Capacity {
		if c < of.Capacity[least] {
			least = i
		}
		if c > of.Capacity[most] {
			most = i
		}
	}
	f.told = &v1alpha1.ForecastStatus{
		MadeTime: metav1.Time{Time: r.At.Truncate(time.Second)}, StartTime: metav1.Time{Time: of.Start},
		EndTime:       metav1.Time{Time: of.Start.Add(time.Duration(len(of.Capacity)) * time.Hour)},
		LeastCapacity: int32(of.Capacity[least]), MostCapacity: int32(of.Capacity[most]),
		MostTime: metav1.Time{Time: of.Start.Add(time.Duration(most) * time.Hour)}, Text: r.Reason,
	}
	return f
}
