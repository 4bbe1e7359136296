// Package anomaly tells which values of a metric are usual: a band around the
// forecast of its next hours.
//
//	model, err := anomaly.Train(points, anomaly.Options{At: now, Period: time.Minute})
//	lower, upper, ok := model.Band(t, 2) // for a time after the training
//
// The points of two weeks become a mean for each hour, which package forecast
// continues: with its days and weeks, its lasting changes of level, and without its
// outages. Two things make the band as wide as it is: how far such forecasts were
// from what came (in the forecast's own back-tests), and how far the points of an hour
// are from their mean. Width 1 is one standard deviation of both together.
//
// The package is pure: it reads no clock, does no I/O, and the same points give the
// same model. A model takes under 2 KiB, however many points it was made of.
package anomaly

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"flyball/forecast"
	"flyball/metric"
)

// What a training looks at, and what it is for.
const (
	// Reach is how long before the training the points may be.
	Reach = 14 * 24 * time.Hour
	// Horizon is how long after the training a model has a band: at least.
	Horizon = 24 * time.Hour

	day  = 24 * time.Hour
	week = 7 * day
)

// ErrTooFew says that there are too few points for a band: less than a day of them,
// and less than three.
var ErrTooFew = errors.New("the points are less than a day of data")

// ErrTooLarge says that the points are numbers too large to compute with.
var ErrTooLarge = errors.New("the points are too large for a band")

// Options say how a model is trained.
type Options struct {
	At     time.Time     // of the training: only points before are used
	Period time.Duration // of the points; 0 is a minute
	// Location is where the days and weeks of the metric begin; nil is UTC.
	Location *time.Location
	// Spikes says that the metric has spikes that are usual: an hour's band holds the
	// furthest of its points, not the typical ones alone.
	Spikes bool
	// Excluded are times whose points are not used.
	Excluded []Range
}

// A Range is a time from Start to before End.
type Range struct{ Start, End time.Time }

// A Model is what was learned of a metric.
type Model struct {
	origin   time.Time // of the first step, in the time of walls
	step     time.Duration
	location *time.Location
	expected []step
	positive bool // the metric was never negative
}

// A step is an hour of the band: what is expected, and a standard deviation to each
// side.
type step struct{ value, down, up float64 }

func (s step) finite() bool {
	sum := s.value + s.down + s.up // of large numbers with two signs, NaN
	return !math.IsInf(sum, 0) && !math.IsNaN(sum)
}

// least is the smallest standard deviation, relative to what is expected: without it
// a metric that never changes would be unusual by rounding.
const least = 1e-3

// Train learns from points, in any order. Its errors are ErrTooFew,
// ErrTooLarge and those of package forecast.
func Train(points []metric.Datapoint, o Options) (*Model, error) {
	o.Period = cmp.Or(o.Period, time.Minute)
	if o.Location == nil {
		o.Location = time.UTC
	}
	m := &Model{step: stepOf(o.Period), location: o.Location}
	m.origin = wall(o.At, o.Location).Truncate(m.step)
	past := m.past(points, o)
	if past.filled() < max(3, int(day/m.step)) {
		return nil, ErrTooFew
	}
	horizon := int((Horizon+m.step-1)/m.step) + 1 // the training is within the first
	r, err := forecast.Forecast(past.means(), forecast.Options{Horizon: horizon, Seasons: seasons(m.step), Quantiles: []float64{below, above}})
	if err != nil {
		return nil, fmt.Errorf("forecast the metric: %w", err)
	}
	m.positive = !past.signed
	m.expected = make([]step, horizon)
	for i := range m.expected {
		v := r.Values[i]
		down, up := past.spread(i, o.Spikes)
		m.expected[i] = step{v, deviation(v, v-r.Quantiles[0][i], down), deviation(v, r.Quantiles[1][i]-v, up)}
		if !m.expected[i].finite() {
			return nil, ErrTooLarge
		}
	}
	return m, nil
}

// The quantiles that are a standard deviation from the middle of a normal
// distribution.
const below, above = 0.158655, 0.841345

// deviation puts the two causes of being away from what is expected together.
func deviation(expected, ofForecast, ofPoints float64) float64 {
	return max(math.Hypot(ofForecast, ofPoints), least*math.Abs(expected))
}

// stepOf is the length of the steps that a model is made of: an hour, or the period
// where that is longer.
func stepOf(period time.Duration) time.Duration { return max(time.Hour, period) }

// seasons are a day and a week, in steps, as far as they are several.
func seasons(step time.Duration) []int {
	found := []int{}
	for _, season := range []time.Duration{day, week} {
		if n := int(season / step); n >= 2 && season%step == 0 {
			found = append(found, n)
		}
	}
	return found
}

// wall is the time that a clock on a wall shows, as if it were UTC: where clocks are
// put forward an hour is missing, and where they are put back one comes twice.
func wall(t time.Time, in *time.Location) time.Time {
	t = t.In(in)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// Until is how long after its beginning, which is the hour of the training, the band
// ends.
func (m *Model) Until() time.Duration { return time.Duration(len(m.expected)) * m.step }

// Band is the band at a time: what is so many standard deviations from what is
// expected. It is not ok before the training and after the end of the band. The band
// of a metric that was never negative has no negative values.
func (m *Model) Band(t time.Time, width float64) (lower, upper float64, ok bool) {
	since := wall(t, m.location).Sub(m.origin)
	if since < 0 || since >= m.Until() {
		return 0, 0, false
	}
	s := m.expected[since/m.step]
	lower, upper = s.value-width*s.down, s.value+width*s.up
	if m.positive {
		lower = max(0, lower)
	}
	return lower, upper, true
}
