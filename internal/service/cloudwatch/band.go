package cloudwatch

import (
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/anomaly"
	metricmath "flyball/metric/math"
)

// minBandPeriod is the shortest period of a band: models are trained on two weeks, for
// which no shorter ones are kept.
const minBandPeriod = time.Minute

// band is what was usual for a query of a GetMetricData, as far as it has a detector:
// in each six hours by the model of what was before them.
func (c *calculation) band(id string, width float64, grid metricmath.Grid) (upper, lower metricmath.Series, err error) {
	upper, lower = metricmath.NewSeries(grid), metricmath.NewSeries(grid)
	period := c.grid(c.queries[id]).Step
	upper.Label, lower.Label = id+" (upper)", id+" (lower)"
	upper.Period, lower.Period = period, period
	if period < minBandPeriod {
		return upper, lower, validation("ANOMALY_DETECTION_BAND needs a period of 60 seconds or more, and %s has %d.", id, period/time.Second)
	}
	d, err := detectorOf(c.program, c.in.MetricDataQueries, id)
	if err != nil {
		return upper, lower, err
	}
	key, found := lesson{d.id(), period}, false
	c.metrics.cell.State.View(c.ctx, func() { d, found = c.metrics.detectors.rows.Get(key.detector) })
	if !found {
		c.message("NoAnomalyDetector", missingBand(id))
		return upper, lower, nil
	}
	now := c.metrics.cell.Clock.Now()
	var model *anomaly.Model
	var at time.Time // of the model
	for i := 0; i < grid.Len; i += max(1, int(period/grid.Step)) {
		t := grid.Time(i)
		if t.Before(now.Add(-anomaly.Reach)) {
			continue // as far as models are kept
		}
		if begin := earlier(t, now).Truncate(modelEvery); !begin.Equal(at) {
			at = begin
			if model, err = c.metrics.detectors.train(c.ctx, &d, trained{key, at.Unix()}); err != nil {
				return upper, lower, err
			}
		}
		if model == nil {
			continue
		}
		if from, to, ok := model.Band(t, width); ok {
			lower.Values[i], upper.Values[i] = from, to
		}
	}
	return upper, lower, nil
}

// A bandRule is the band that an alarm compares its values with.
type bandRule struct {
	id        string // of the ANOMALY_DETECTION_BAND
	lesson    lesson
	detector  detector
	detectors *detectors
}

// bandRule makes the band of an alarm of the query that is its threshold.
func (a *alarms) bandRule(program *metricmath.Program, queries []types.MetricDataQuery, threshold string) (*bandRule, error) {
	of, _ := program.BandOf(threshold)
	d, err := detectorOf(program, queries, of)
	if err != nil {
		return nil, err
	}
	period, _ := formulaPeriod(queries)
	return &bandRule{id: threshold, detector: d, detectors: a.detectors, lesson: lesson{d.id(), time.Duration(period) * time.Second}}, nil
}

// checkBand refuses a threshold that is no band, and bands that are no threshold.
func checkBand(program *metricmath.Program, watched, threshold string, period int32) error {
	if threshold == "" {
		if program.HasBands(watched) {
			return validation("ANOMALY_DETECTION_BAND can be used in an alarm only as its ThresholdMetricId.")
		}
		return nil
	}
	of, ok := program.BandOf(threshold)
	switch {
	case !ok:
		return validation("ThresholdMetricId %s must be the Id of an ANOMALY_DETECTION_BAND.", threshold)
	case of != watched:
		return validation("The ANOMALY_DETECTION_BAND %s must be of the metric that the alarm watches, %s, and is of %s.", threshold, watched, of)
	case time.Duration(period)*time.Second < minBandPeriod:
		return validation("Period must be a multiple of 60 for an ANOMALY_DETECTION_BAND.")
	case program.HasBands(watched) || len(program.Selections(watched)) > 0:
		return validation("An ANOMALY_DETECTION_BAND of %s is not supported: it must be of metrics, not of a Metrics Insights query or of another band.", watched)
	}
	if err := program.CheckBand(threshold); err != nil {
		return validation("%v", err)
	}
	return nil
}

// readBand reads the band of the periods that end at end. A value without a band is
// missing.
func (f *formula) readBand(run *metricmath.Run, values []float64, band alarm.Band) error {
	bounds, err := run.Result(f.band.id)
	if err != nil {
		return err
	}
	for i := range values {
		upper, lower := bounds[0].Values[i], bounds[1].Values[i]
		if math.IsNaN(upper) || math.IsNaN(lower) {
			values[i], upper, lower = math.NaN(), 0, 0
		}
		band.Upper[i], band.Lower[i] = upper, lower
	}
	return nil
}

// series is the band on a grid, by the newest models that there are: an alarm does not
// wait for a training.
func (b *bandRule) series(grid metricmath.Grid, width float64) (upper, lower metricmath.Series, err error) {
	upper, lower = metricmath.NewSeries(grid), metricmath.NewSeries(grid)
	for i := range grid.Len {
		if from, to, ok := b.detectors.models.newest(b.lesson, grid.Time(i), width); ok {
			lower.Values[i], upper.Values[i] = from, to
		}
	}
	return upper, lower, nil
}
