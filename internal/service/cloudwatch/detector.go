package cloudwatch

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/anomaly"
	"flyball/metric"
	"flyball/metric/math"
)

// A detector is the row of an anomaly detector: of a metric with a statistic, or of
// metric math.
type detector struct {
	Single          *types.SingleMetricAnomalyDetector  `json:",omitempty"`
	Math            []types.MetricDataQuery             `json:",omitempty"`
	Configuration   *types.AnomalyDetectorConfiguration `json:",omitempty"`
	Characteristics *types.MetricCharacteristics        `json:",omitempty"`
}

// singleDetector is the detector of a metric, as detectors of the same metric all
// have it.
func singleDetector(id metric.ID, stat metric.Statistic) detector {
	return detector{Single: &types.SingleMetricAnomalyDetector{
		Namespace: &id.Namespace, MetricName: &id.Name, Dimensions: sdkDimensions(id.Dimensions), Stat: new(stat.String()),
	}}
}

// mathDetector is the detector of what one of some queries returns, whatever labels
// they have and in whatever order they are given.
func mathDetector(queries []types.MetricDataQuery, returns string) detector {
	d := detector{}
	for _, q := range queries {
		q.Label, q.AccountId, q.ReturnData = nil, nil, new(*q.Id == returns)
		d.Math = append(d.Math, q)
	}
	slices.SortFunc(d.Math, func(a, b types.MetricDataQuery) int { return strings.Compare(*a.Id, *b.Id) })
	return d
}

// detectorOf is the detector of a query among others, which were found valid.
func detectorOf(program *math.Program, queries []types.MetricDataQuery, id string) (detector, error) {
	needs := program.Needs(id)
	var needed []types.MetricDataQuery
	for _, q := range queries {
		if !slices.Contains(needs, *q.Id) {
			continue
		}
		if *q.Id == id && q.MetricStat != nil {
			s := q.MetricStat
			stat, err := metric.ParseStatistic(aws.ToString(s.Stat))
			return singleDetector(metric.NewID(*s.Metric.Namespace, *s.Metric.MetricName, dimensions(s.Metric.Dimensions)...), stat), err
		}
		needed = append(needed, q)
	}
	return mathDetector(needed, id), nil
}

// id is the AnomalyDetectorId: the same for the same metric or queries.
func (d *detector) id() string {
	what := detector{Single: d.Single, Math: d.Math}
	sum := sha256.Sum256(encode(what))
	x := hex.EncodeToString(sum[:16])
	return strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:]}, "-")
}

// queries read what the detector watches, with a period.
func (d *detector) queries(period time.Duration) []types.MetricDataQuery {
	if d.Single == nil {
		return d.Math
	}
	return []types.MetricDataQuery{{Id: new("m1"), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: d.Single.Namespace, MetricName: d.Single.MetricName, Dimensions: d.Single.Dimensions},
		Stat:   d.Single.Stat, Period: new(int32(period / time.Second)),
	}}}
}

// period is what the detector is trained with where nothing asks for its band: that
// of its queries, or five minutes.
func (d *detector) period() time.Duration {
	if period, _ := formulaPeriod(d.Math); period > 0 {
		return time.Duration(period) * time.Second
	}
	return searchPeriod
}

// options are those of a training.
func (d *detector) options(at time.Time, period time.Duration) anomaly.Options {
	o := anomaly.Options{At: at, Period: period, Spikes: d.Characteristics != nil && aws.ToBool(d.Characteristics.PeriodicSpikes)}
	if c := d.Configuration; c != nil {
		if zone, err := time.LoadLocation(aws.ToString(c.MetricTimezone)); err == nil { // "" is UTC
			o.Location = zone
		}
		for _, r := range c.ExcludedTimeRanges {
			o.Excluded = append(o.Excluded, anomaly.Range{Start: *r.StartTime, End: *r.EndTime})
		}
	}
	return o
}

// describe is the detector as DescribeAnomalyDetectors shows it: a metric also by the
// members from before there was metric math.
func (d *detector) describe(account string, state types.AnomalyDetectorStateValue) types.AnomalyDetector {
	shown := types.AnomalyDetector{
		AnomalyDetectorId: new(d.id()), StateValue: state,
		MetricCharacteristics: d.Characteristics,
	}
	configuration := types.AnomalyDetectorConfiguration{}
	if d.Configuration != nil {
		configuration = *d.Configuration
	}
	if configuration.ExcludedTimeRanges == nil {
		configuration.ExcludedTimeRanges = []types.Range{}
	}
	shown.Configuration = &configuration
	if s := d.Single; s != nil {
		own := *s
		own.AccountId = &account
		shown.SingleMetricAnomalyDetector = &own
		//lint:ignore SA1019 older clients look at these
		shown.Namespace, shown.MetricName, shown.Dimensions, shown.Stat = s.Namespace, s.MetricName, s.Dimensions, s.Stat
	} else {
		shown.MetricMathAnomalyDetector = &types.MetricMathAnomalyDetector{MetricDataQueries: d.Math}
	}
	return shown
}
