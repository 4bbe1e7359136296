package cloudwatch

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/tsdb"
	"flyball/metric"
)

// maxStatistics is how many datapoints a GetMetricStatistics may ask for, from the
// API reference.
const maxStatistics = 1_440

// GetMetricStatistics reads one metric.
func (m *metrics) GetMetricStatistics(_ context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	whole := *in
	whole.StartTime, whole.EndTime = toSecond(in.StartTime), toSecond(in.EndTime)
	in = &whole
	statistics, err := checkStatistics(in)
	if err != nil {
		return nil, err
	}
	period := time.Duration(*in.Period) * time.Second
	id := metric.NewID(*in.Namespace, *in.MetricName, dimensions(in.Dimensions)...)
	rows, err := m.rows(id, tsdb.Query{
		From: m.start(*in.StartTime, period), To: *in.EndTime, Period: period,
		Unit: string(in.Unit), PerUnit: in.Unit == "", Statistics: statistics,
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		m.foundNothing("GetMetricStatistics", id, *in.StartTime, *in.EndTime)
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []types.Datapoint{}}
	for _, row := range rows {
		out.Datapoints = append(out.Datapoints, datapoint(row, in))
	}
	return out, nil
}

// checkStatistics checks a GetMetricStatistics, and returns the statistics that
// it asks for: the basic ones, then the extended ones.
func checkStatistics(in *cloudwatch.GetMetricStatisticsInput) ([]metric.Statistic, error) {
	var p parameters
	p.namespace(in.Namespace)
	p.name(top("MetricName"), in.MetricName, maxName)
	p.dimensions(top("Dimensions"), in.Dimensions)
	for _, time := range [2]struct {
		name  string
		value *time.Time
	}{{"StartTime", in.StartTime}, {"EndTime", in.EndTime}} {
		if time.value == nil {
			p.miss(time.name)
		}
	}
	p.unit(top("Unit"), in.Unit)
	if in.StartTime != nil && in.EndTime != nil && !in.StartTime.Before(*in.EndTime) {
		p.refuse("The parameter StartTime must be less than the parameter EndTime.")
	}
	if in.Period == nil {
		p.miss("Period")
	} else if !readable(*in.Period) {
		p.refuse("The parameter Period must be a multiple of 60, or one of 1, 5, 10, 20, 30.")
	}
	statistics := p.asked(in)
	if err := p.err(); err != nil {
		return nil, err
	}
	if n := int64(in.EndTime.Sub(*in.StartTime) / (time.Duration(*in.Period) * time.Second)); n > maxStatistics {
		return nil, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n)
	}
	return statistics, nil
}

// asked reads the statistics that a GetMetricStatistics asks for.
func (p *parameters) asked(in *cloudwatch.GetMetricStatisticsInput) []metric.Statistic {
	if len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0 {
		p.conflict("Must specify either Statistics or ExtendedStatistics")
	}
	p.size(top("Statistics"), len(in.Statistics), 5)
	p.size(top("ExtendedStatistics"), len(in.ExtendedStatistics), 10)
	var statistics []metric.Statistic
	for i, name := range in.Statistics {
		oneOf(p, func() string { return fmt.Sprintf("Statistics.member.%d", i+1) }, name, name.Values())
		stat, _ := metric.ParseStatistic(string(name))
		statistics = append(statistics, stat)
	}
	for _, name := range in.ExtendedStatistics {
		stat, err := metric.ParseStatistic(name)
		if err != nil || stat.Basic() {
			p.refuse("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		statistics = append(statistics, stat)
	}
	return statistics
}

// datapoint is a row as GetMetricStatistics shows it.
func datapoint(row tsdb.Row, in *cloudwatch.GetMetricStatisticsInput) types.Datapoint {
	d := types.Datapoint{Timestamp: &row.Time, Unit: types.StandardUnit(cmp.Or(row.Unit, metric.None))}
	for i, stat := range in.Statistics {
		value := &row.Values[i]
		switch stat {
		case types.StatisticAverage:
			d.Average = value
		case types.StatisticMaximum:
			d.Maximum = value
		case types.StatisticMinimum:
			d.Minimum = value
		case types.StatisticSampleCount:
			d.SampleCount = value
		case types.StatisticSum:
			d.Sum = value
		}
	}
	for i, name := range in.ExtendedStatistics {
		if value := row.Values[len(in.Statistics)+i]; !math.IsNaN(value) {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[name] = value
		}
	}
	return d
}
