package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/governor"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/source"
	"flyball/scaling"
)

// A Predictive is what a predictive scaling policy forecasts from, and for.
type Predictive struct {
	Rule   governor.Predictive // without a plan
	Target float64             // of the scaling metric
	Load   Past
	Metric Past
	Tasks  Past  // without inputs: those that run now are taken for those of the newest hour
	Fine   *Past // the load in steps shorter than an hour; nil: there is a capacity for each hour
	How    rules.Foresight
	// Of tells what is forecast apart from what other metrics or settings would have forecast.
	Of string
}

// A Past is a metric in each hour of the past, or in each shorter step of it.
type Past struct {
	Measure
	of rules.Source
}

// is reports whether there is such a metric.
func (p Past) is() bool { return len(p.Inputs) > 0 }

// fineHours is how far back steps are read that are shorter than an hour: CloudWatch keeps datapoints of
// five minutes for 63 days ("GetMetricData").
const fineHours = 62 * 24

// length is how many of its periods are read of so many hours.
func (p Past) length(hours int) int {
	every := p.period()
	if every < time.Hour {
		hours = min(hours, fineHours)
	}
	return int(time.Duration(hours) * time.Hour / every)
}

// query is what an input is asked for, up to an hour.
func (p Past) query(in Input, end time.Time, hours int) source.Query {
	q := in.Query
	q.Now, q.End, q.Periods, q.Whole = end, end, p.length(hours), true
	return q
}

// values are those of the past, NaN where there is none, of what was read of the inputs.
func (p Past) values(inputs [][]float64, end time.Time) ([]float64, error) {
	read, err := p.compute(inputs, end, 0)
	if err != nil {
		return nil, err
	}
	sums, counts := make([]float64, len(read)), make([]float64, len(read))
	for i, v := range read {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			sums[i], counts[i] = v, 1
		}
	}
	return p.of.Means(sums, counts), nil
}

// compilePredictive makes what a predictive policy of a target with such tags forecasts from.
func compilePredictive(checked rules.Policy, id scaling.ResourceID, tags map[string]string, from Sources) (*Predictive, error) {
	if err := rules.CheckTags(tags); err != nil {
		return nil, rules.Plain(err)
	}
	if id.Kind() != scaling.Services && predefinedOfServices(checked) {
		return nil, errors.New("its predefined metrics are those of ECS services: name customized metrics, or those of a load balancer")
	}
	p := &Predictive{Rule: checked.Forecasts(), Target: aws.ToFloat64(checked.Specification().TargetValue), How: rules.ForesightOf(tags)}
	sources := checked.Sources(id, rules.StandardPeriod)
	var err error
	if p.Load, err = past("load", sources.Load, time.Hour, from); err != nil {
		return nil, err
	}
	if p.Metric, err = past("scaling", sources.Metric, time.Hour, from); err != nil {
		return nil, err
	}
	if id.Kind() == scaling.Services || checked.Specification().CustomizedCapacityMetricSpecification != nil {
		if p.Tasks, err = past("capacity", sources.Tasks, time.Hour, from); err != nil {
			return nil, err
		}
	}
	if step := p.How.Step; step > 0 {
		fine, err := past("load", sources.Load.Every(step), step, from)
		if err != nil {
			return nil, err
		}
		p.Fine = &fine
	}
	p.Of, err = digest(checked.Predictive.MetricSpecifications, foresightOf(tags))
	return p, err
}

// predefinedOfServices reports whether a policy names metrics that only services of ECS have.
func predefinedOfServices(p rules.Policy) bool {
	m := p.Specification()
	var names []*string
	if pair := m.PredefinedMetricPairSpecification; pair != nil {
		names = append(names, pair.PredefinedMetricType)
	}
	if l := m.PredefinedLoadMetricSpecification; l != nil {
		names = append(names, l.PredefinedMetricType)
	}
	if s := m.PredefinedScalingMetricSpecification; s != nil {
		names = append(names, s.PredefinedMetricType)
	}
	for _, name := range names {
		if strings.HasPrefix(aws.ToString(name), "ECS") {
			return true
		}
	}
	return false
}

// past is a metric of the past, from sources that have it.
func past(which string, of rules.Source, every time.Duration, from Sources) (p Past, err error) {
	p.of = of
	if p.Measure, err = measure(of.Queries, every, from); err != nil {
		return p, fmt.Errorf("its %s metric: %w", which, err)
	}
	for _, in := range p.Inputs {
		if !source.KeepsPast(in.Source) {
			return p, fmt.Errorf("its %s metric: a forecast needs the past, and where %s is read tells only how things are now: have CloudWatch or Prometheus collect it, and name that", which, in.Query)
		}
	}
	return p, nil
}

// foresightOf are the tags that change what is forecast.
func foresightOf(tags map[string]string) map[string]string {
	of := map[string]string{}
	for _, name := range []string{rules.TagHistoryDays, rules.TagTimeZone, rules.TagHolidays, rules.TagForecastStep} {
		if value, is := tags[name]; is {
			of[name] = value
		}
	}
	return of
}

// digest is a short text that tells what is forecast from apart.
func digest(of ...any) (string, error) {
	text, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
