package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// Limits of PutMetricData, from its API reference.
const (
	maxData    = 1000
	maxValues  = 150
	oldestData = 14 * 24 * time.Hour
	newestData = 2 * time.Hour
)

// maxValue is the largest magnitude of a value, 2 to the power of 360.
var maxValue = math.Ldexp(1, 360)

// PutMetricData publishes datapoints. None of them counts if one is refused.
func (a *API) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	namespace := str(in.Namespace)
	switch {
	case namespace == "":
		return nil, missing("Namespace")
	case strings.HasPrefix(namespace, "AWS/"):
		return nil, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	case strings.HasPrefix(namespace, ":"):
		return nil, invalidValue("The value %s for parameter Namespace is invalid.", namespace)
	}
	n := len(in.MetricData)
	for _, e := range in.EntityMetricData {
		n += len(e.MetricData)
	}
	switch {
	case n == 0:
		return nil, missing("MetricData")
	case n > maxData:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", maxData)
	}

	p := publication{namespace: namespace, now: a.Clock.Now(), samples: make([]metric.Sample, 0, n)}
	if err := p.add("MetricData", in.MetricData); err != nil {
		return nil, err
	}
	for i, e := range in.EntityMetricData {
		// The entity tells of whom the metric is; it is not part of the metric.
		if err := p.add(fmt.Sprintf("EntityMetricData.member.%d.MetricData", i+1), e.MetricData); err != nil {
			return nil, err
		}
	}
	a.Metrics.Append(p.samples)
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// A publication gathers the samples of one PutMetricData.
type publication struct {
	namespace string
	now       time.Time
	samples   []metric.Sample
}

// A datum is one of a list of metric data, with its place for error messages.
type datum struct {
	*types.MetricDatum
	list  string
	index int
}

// at names a member of the datum as CloudWatch's messages do.
func (d datum) at(member string) string {
	return fmt.Sprintf("%s.member.%d.%s", d.list, d.index+1, member)
}

func (p *publication) add(list string, data []types.MetricDatum) error {
	for i := range data {
		s, err := p.sample(datum{&data[i], list, i})
		if err != nil {
			return err
		}
		if s.Set.Count > 0 { // not where all Counts are 0
			p.samples = append(p.samples, s)
		}
	}
	return nil
}

func (p *publication) sample(d datum) (metric.Sample, error) {
	s := metric.Sample{Time: p.now, Unit: string(d.Unit), Resolution: time.Minute}
	if str(d.MetricName) == "" {
		return s, missing(d.at("MetricName"))
	}
	if len(d.Dimensions) > metric.MaxDimensions {
		return s, invalidValue("The collection %s must not have a size greater than %d.", d.at("Dimensions"), metric.MaxDimensions)
	}
	for j, dim := range d.Dimensions {
		for _, member := range [2]struct {
			name  string
			value *string
		}{{"Name", dim.Name}, {"Value", dim.Value}} {
			if str(member.value) == "" {
				return s, missing(d.at(fmt.Sprintf("Dimensions.member.%d.%s", j+1, member.name)))
			}
			if strings.ContainsRune(*member.value, 0) {
				return s, invalidValue("The value of parameter %s must not contain control characters.", d.at(fmt.Sprintf("Dimensions.member.%d.%s", j+1, member.name)))
			}
		}
	}
	s.Metric = metric.NewID(p.namespace, *d.MetricName, dimensions(d.Dimensions)...)
	if d.Timestamp != nil {
		switch age := p.now.Sub(*d.Timestamp); {
		case age > oldestData:
			return s, invalidValue("The parameter %s must specify a time within the past two weeks.", d.at("Timestamp"))
		case age < -newestData:
			return s, invalidValue("The parameter %s must specify a time no more than two hours in the future.", d.at("Timestamp"))
		}
		s.Time = d.Timestamp.UTC()
	}
	if r := d.StorageResolution; r != nil {
		if *r != 1 && *r != 60 {
			return s, invalidValue("The value %d for parameter %s is invalid.", *r, d.at("StorageResolution"))
		}
		s.Resolution = time.Duration(*r) * time.Second
	}
	return s, d.measure(&s.Set)
}

// measure adds the values of the datum to the set.
func (d datum) measure(set *metric.Set) error {
	exclusive := func(one, other string) error {
		return invalidCombination("The parameters %s and %s are mutually exclusive and you have specified both.", d.at(one), d.at(other))
	}
	switch {
	case d.Value != nil && d.StatisticValues != nil:
		return exclusive("Value", "StatisticValues")
	case d.Value != nil && len(d.Values) > 0:
		return exclusive("Value", "Values")
	case d.StatisticValues != nil && len(d.Values) > 0:
		return exclusive("StatisticValues", "Values")
	case len(d.Counts) > 0 && len(d.Values) == 0:
		return invalidCombination("The parameter %s is required with the parameter %s.", d.at("Values"), d.at("Counts"))
	case d.Value != nil:
		if err := d.check("Value", *d.Value); err != nil {
			return err
		}
		set.Add(*d.Value, 1)
		return nil
	case d.StatisticValues != nil:
		return d.statistics(set)
	case len(d.Values) > 0:
		return d.values(set)
	}
	message := "At least one of the parameters must be specified."
	return &types.MissingRequiredParameterException{Message: &message}
}

func (d datum) statistics(set *metric.Set) error {
	v := d.StatisticValues
	for _, member := range [4]struct {
		name  string
		value *float64
	}{{"SampleCount", v.SampleCount}, {"Sum", v.Sum}, {"Minimum", v.Minimum}, {"Maximum", v.Maximum}} {
		if member.value == nil {
			return missing(d.at("StatisticValues." + member.name))
		}
		if err := d.check("StatisticValues."+member.name, *member.value); err != nil {
			return err
		}
	}
	if *v.SampleCount <= 0 {
		return invalidValue("The value %v for parameter %s is invalid.", *v.SampleCount, d.at("StatisticValues.SampleCount"))
	}
	if *v.Minimum > *v.Maximum {
		return invalidCombination("The parameter %s must be greater than or equal to the parameter %s.", d.at("StatisticValues.Maximum"), d.at("StatisticValues.Minimum"))
	}
	set.AddStatistics(*v.SampleCount, *v.Sum, *v.Minimum, *v.Maximum)
	return nil
}

func (d datum) values(set *metric.Set) error {
	if len(d.Values) > maxValues {
		return invalidValue("The collection %s must not have a size greater than %d.", d.at("Values"), maxValues)
	}
	if len(d.Counts) > 0 && len(d.Counts) != len(d.Values) {
		return invalidValue("The parameters %s and %s must be of the same size.", d.at("Values"), d.at("Counts"))
	}
	for i, value := range d.Values {
		if err := d.check("Values", value); err != nil {
			return err
		}
		count := 1.0
		if len(d.Counts) > 0 {
			count = d.Counts[i]
			if err := d.check("Counts", count); err != nil {
				return err
			}
			if count < 0 {
				return invalidValue("The value %v for parameter %s is invalid.", count, d.at("Counts"))
			}
		}
		if count > 0 {
			set.Add(value, count)
		}
	}
	return nil
}

// check refuses what CloudWatch does not store: NaN, infinities and values
// beyond 2^360.
func (d datum) check(member string, value float64) error {
	if math.IsNaN(value) || math.Abs(value) > maxValue {
		return invalidValue("The value %v for parameter %s is invalid.", value, d.at(member))
	}
	return nil
}
