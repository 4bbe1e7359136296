package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
func (m *metrics) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	n := len(in.MetricData)
	for _, e := range in.EntityMetricData {
		n += len(e.MetricData)
	}
	p := intake{namespace: aws.ToString(in.Namespace), now: m.cell.Clock.Now()}
	p.parameters.namespace(in.Namespace)
	fed := strings.HasPrefix(p.namespace, awsNamespaces)
	if fed && !m.feeding.allowed {
		p.refuse("The value AWS/ for parameter Namespace is invalid.")
		m.feeding.tellRefused()
	}
	if n == 0 {
		p.miss("MetricData")
	}
	if p.size(top("MetricData"), n, maxData) {
		p.samples = make([]metric.Sample, 0, n)
		p.add("MetricData", in.MetricData)
		for i, e := range in.EntityMetricData {
			at := fmt.Sprintf("EntityMetricData.member.%d", i+1)
			p.entity(at+".Entity", e.Entity)
			p.add(at+".MetricData", e.MetricData)
		}
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	if err := m.cell.State.Admitted(); err != nil {
		return nil, err // they are in memory at once, and would not be on disk within a second
	}
	if fed {
		m.feeding.take(p.samples)
	}
	m.db.Append(p.samples)
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// An intake gathers the samples of one PutMetricData, and what is wrong with them.
type intake struct {
	parameters
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

func (p *intake) add(list string, data []types.MetricDatum) {
	for i := range data {
		if s := p.sample(datum{&data[i], list, i}); s.Set.Count > 0 { // not where all Counts are 0
			p.samples = append(p.samples, s)
		}
	}
}

// sample is the sample of a datum. It is of no use once something is wrong.
func (p *intake) sample(d datum) metric.Sample {
	s := metric.Sample{Time: p.now, Unit: string(d.Unit), Resolution: time.Minute}
	at := func(member string) place { return func() string { return d.at(member) } }
	p.name(at("MetricName"), d.MetricName, maxName)
	p.dimensions(at("Dimensions"), d.Dimensions)
	p.unit(at("Unit"), d.Unit)
	if d.Timestamp != nil {
		switch age := p.now.Sub(*d.Timestamp); {
		case age > oldestData:
			p.refuse("The parameter %s must specify a time within the past two weeks.", d.at("Timestamp"))
		case age < -newestData:
			p.refuse("The parameter %s must specify a time no more than two hours in the future.", d.at("Timestamp"))
		}
		s.Time = d.Timestamp.UTC()
	}
	if r := d.StorageResolution; r != nil {
		if *r != 1 && *r != 60 {
			p.refuse("The value %d for parameter %s is invalid.", *r, d.at("StorageResolution"))
		}
		s.Resolution = time.Duration(*r) * time.Second
	}
	p.measure(d, &s.Set)
	if len(p.missing)+len(p.invalid) == 0 && p.combination == nil {
		s.Metric = metric.NewID(p.namespace, *d.MetricName, dimensions(d.Dimensions)...)
	}
	return s
}

// measure adds the values of a datum to the set. Of StatisticValues and Values,
// which CloudWatch takes together, the first count.
func (p *intake) measure(d datum, set *metric.Set) {
	if d.Value != nil && d.StatisticValues != nil {
		p.exclude(d.at("Value"), d.at("StatisticValues"))
	}
	if d.Value != nil && len(d.Values) > 0 {
		p.exclude(d.at("Value"), d.at("Values"))
	}
	if n := len(d.Counts); n > 0 && n != len(d.Values) {
		p.refuse("The parameters %s and %s must be of the same size.", d.at("Values"), d.at("Counts"))
		return
	}
	switch {
	case d.Value != nil:
		if p.number(d, "Value", *d.Value) {
			set.Add(*d.Value, 1)
		}
	case d.StatisticValues != nil:
		p.statistics(d, set)
		p.values(d, new(metric.Set)) // only to tell what is wrong with them
	case len(d.Values) > 0:
		p.values(d, set)
	default:
		p.missing = addLine(p.missing, "At least one of the parameters must be specified.")
	}
}

func (p *intake) statistics(d datum, set *metric.Set) {
	v := d.StatisticValues
	whole := true
	for _, member := range [4]struct {
		name  string
		value *float64
	}{{"SampleCount", v.SampleCount}, {"Sum", v.Sum}, {"Minimum", v.Minimum}, {"Maximum", v.Maximum}} {
		if member.value == nil {
			p.miss(d.at("StatisticValues." + member.name))
			whole = false
		} else if !p.number(d, "StatisticValues."+member.name, *member.value) {
			whole = false
		}
	}
	switch {
	case !whole:
	case *v.SampleCount <= 0:
		p.refuse("The value %v for parameter %s is invalid.", *v.SampleCount, d.at("StatisticValues.SampleCount"))
	case *v.Minimum > *v.Maximum:
		p.conflict("The parameter %s must be greater than or equal to the parameter %s.", d.at("StatisticValues.Maximum"), d.at("StatisticValues.Minimum"))
	default:
		set.AddStatistics(*v.SampleCount, *v.Sum, *v.Minimum, *v.Maximum)
	}
}

func (p *intake) values(d datum, set *metric.Set) {
	if !p.size(func() string { return d.at("Values") }, len(d.Values), maxValues) {
		return
	}
	right := true
	for i, value := range d.Values {
		switch {
		case !p.number(d, "Values", value):
			right = false
		case len(d.Counts) > 0:
			right = p.count(d, d.Counts[i]) && right
		}
	}
	if right {
		set.AddValues(d.Values, d.Counts)
	}
}

// count refuses what is no number of datapoints. None is one, too.
func (p *intake) count(d datum, count float64) bool {
	if !p.number(d, "Counts", count) {
		return false
	}
	if count < 0 {
		p.refuse("The value %v for parameter %s is invalid.", count, d.at("Counts"))
	}
	return count >= 0
}

// number refuses what CloudWatch does not store: NaN, infinities and values
// beyond 2^360.
func (p *intake) number(d datum, member string, value float64) bool {
	if math.IsNaN(value) || math.Abs(value) > maxValue {
		p.refuse("The value %v for parameter %s is invalid.", value, d.at(member))
		return false
	}
	return true
}
