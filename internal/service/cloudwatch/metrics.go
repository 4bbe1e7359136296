package cloudwatch

import (
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/cell"
	"flyball/internal/tsdb"
	"flyball/metric"
)

// metrics publishes datapoints and reads them. It knows nothing of alarms, which
// hear of datapoints from the database, and takes no lock but for bands.
type metrics struct {
	cell      *cell.Cell
	db        *tsdb.DB
	detectors *detectors
	feeding   *feeding
}

// Record publishes measurements made in this process, such as those of ECS
// services. Unlike PutMetricData it takes namespaces that start with AWS/, but for metrics that are fed.
func (m *metrics) Record(samples []metric.Sample) { m.db.Append(m.feeding.leave(samples)) }

// longestRetention is how long CloudWatch keeps datapoints, those of an hour.
const longestRetention = 455 * 24 * time.Hour

// points reads the datapoints of a metric, the oldest first. Of several units
// CloudWatch returns the first.
func (m *metrics) points(q dataQuery, from, to time.Time) (rows []tsdb.Row, units []string, err error) {
	rows, err = m.rows(q.metric, tsdb.Query{
		From: from, To: to, Period: q.period,
		Unit: q.unit, PerUnit: q.unit == "", Statistics: []metric.Statistic{q.statistic},
	})
	for _, row := range rows {
		if !slices.Contains(units, row.Unit) {
			units = append(units, row.Unit)
		}
	}
	slices.Sort(units)
	rows = slices.DeleteFunc(rows, func(row tsdb.Row) bool { return row.Unit != units[0] || math.IsNaN(row.Values[0]) })
	return rows, units, err
}

// rows reads a metric; one that does not exist has none.
func (m *metrics) rows(id metric.ID, q tsdb.Query) ([]tsdb.Row, error) {
	series, ok := m.db.Lookup(id)
	if !ok || !q.From.Before(q.To) {
		return nil, nil
	}
	return series.Query(q)
}

// foundNothing has the cell look whether an operation that found no datapoints of a metric
// has asked for the wrong clock's times.
func (m *metrics) foundNothing(operation string, id metric.ID, from, to time.Time) {
	m.cell.FoundNothing(operation, from, to, func(from, _ time.Time) bool {
		series, ok := m.db.Lookup(id)
		return ok && !series.Last().Before(from)
	})
}

// start rounds the start of a range down, as the reference of GetMetricData
// says: the older, the coarser. Before all retention there is nothing to read.
func (m *metrics) start(t time.Time, period time.Duration) time.Time {
	now := m.cell.Clock.Now()
	if oldest := now.Add(-longestRetention); t.Before(oldest) {
		t = oldest
	}
	switch age := now.Sub(t); {
	case period < time.Minute:
		return t.Truncate(period)
	case age < 15*24*time.Hour:
		return t.Truncate(time.Minute)
	case age < 63*24*time.Hour:
		return t.Truncate(5 * time.Minute)
	default:
		return t.Truncate(time.Hour)
	}
}

// toSecond is the time without what it has of a second, which CloudWatch does not
// look at in the ranges that it reads.
func toSecond(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.Truncate(time.Second))
}

// dimensions turns the SDK's dimensions into ours. Nil members count as "".
func dimensions(in []types.Dimension) []metric.Dimension {
	if len(in) == 0 {
		return nil
	}
	out := make([]metric.Dimension, len(in))
	for i, d := range in {
		out[i] = metric.Dimension{Name: aws.ToString(d.Name), Value: aws.ToString(d.Value)}
	}
	return out
}

// sdkDimensions is the reverse of dimensions.
func sdkDimensions(in []metric.Dimension) []types.Dimension {
	out := make([]types.Dimension, len(in))
	for i := range in {
		out[i] = types.Dimension{Name: &in[i].Name, Value: &in[i].Value}
	}
	return out
}
