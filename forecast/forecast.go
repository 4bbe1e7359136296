// Package forecast predicts the hourly load of a service two days ahead from
// its own history.
//
// One call does all:
//
//	r, err := forecast.Forecast(history, forecast.Options{})
//	// r.Values[0] is the load of the hour after the last of history.
//
// About a dozen simple methods (regressions on lags, exponential smoothing with
// several seasons, days like today, last week) each forecast the last days of
// the history from what came before them. The forecast is their middle, where
// a method weighs more the smaller its error was in those back-tests; the
// errors of the combination give the prediction intervals. docs/predictive.md
// describes the methods and their accuracy.
//
// The package is pure: it reads no clock, does no I/O, starts no goroutines,
// and the same history gives the same forecast.
package forecast

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Options say what to forecast. The zero value asks for 48 values of an hourly
// series with a daily and a weekly season.
type Options struct {
	// Horizon is how many values to forecast, 48 if zero.
	Horizon int
	// Seasons are the lengths of the seasons in values, ascending, each at
	// least 2; 24 and 168 if nil. A season that the history does not hold once
	// plays no part, and 24 and 168 give way to another season if the load clearly
	// has one in their place. An empty, non-nil slice means no season.
	Seasons []int
	// Levels are the coverages of the prediction intervals, each inside
	// (0, 1); 0.8 and 0.95 if nil.
	Levels []float64
	// Quantiles are the probabilities of Result.Quantiles, each inside (0, 1).
	Quantiles []float64
	// Calendar says when the values were; nil: all days have 24 hours, and none is a
	// holiday.
	Calendar *Calendar
}

// A Result is a forecast with its uncertainty and how it came about.
type Result struct {
	// Values are the forecast, in the unit of the history. They are medians:
	// the load is as likely above as below.
	Values []float64
	// Intervals are the prediction intervals, one for each of Options.Levels.
	Intervals []Interval
	// Quantiles are the values that the load is at or under with each of the
	// probabilities of Options.Quantiles.
	Quantiles [][]float64
	// Methods are the parts of the combination, the heaviest first.
	Methods []Method
}

// An Interval holds the value of each step with the probability Level.
type Interval struct {
	Level        float64
	Lower, Upper []float64
}

// A Method is one part of a combined forecast.
type Method struct {
	Name string
	// Weight is the method's share; all shares make 1.
	Weight float64
	// Error is the method's mean error in the back-tests relative to the
	// load, NaN if the history is too short for one.
	Error float64
}

// ErrNoData says that a history has no value at all.
var ErrNoData = errors.New("the history holds no values")

// ErrTooLarge says that a value of a history is beyond what can be forecast.
var ErrTooLarge = errors.New("beyond 1e300 nothing can be forecast")

// Provision is the quantile of the load to have capacity for, if a task too few
// costs half as much again as a task too many: 1.5 of 2.5. With the median, each
// second hour would be short of tasks.
const Provision = 0.6

// MaxHorizon is the longest horizon, five weeks of hours.
const MaxHorizon = 840

// Forecast predicts the values that follow history, oldest first, NaN where a
// value is missing. A history that is never negative has a forecast that is
// never negative. More than ten weeks of an hourly series are no use: only the
// newest part of a longer history is read.
func Forecast(history []float64, o Options) (Result, error) {
	o, err := o.complete()
	if err != nil {
		return Result{}, err
	}
	if o.Calendar == nil {
		return o.forecast(history, nil)
	}
	w := o.Calendar.wall(history, o.Horizon)
	days := newHolidays(w)
	o.Horizon = w.horizon()
	r, err := o.forecast(days.without(), days)
	return r.pick(w.pick), err
}

// forecast forecasts a history whose days are all as long, holidays as they are.
func (o Options) forecast(history []float64, days *holidays) (Result, error) {
	h, err := newHistory(history, o.Seasons)
	if err != nil {
		return Result{}, err
	}
	c := h.backTest(o.reach())
	c.weigh()
	paths := c.combineAll()
	if h.rival != nil {
		if c, paths, err = c.orBySeason(paths); err != nil {
			return Result{}, err
		}
	}
	r := Result{Values: paths[len(paths)-1][:o.Horizon], Methods: c.methods()}
	away := c.deviation(paths)
	c.widen(&away, paths)
	away.steps = days.replace(r.Values)
	for _, l := range o.Levels {
		lower, upper := c.quantile(r.Values, away, (1-l)/2), c.quantile(r.Values, away, (1+l)/2)
		r.Intervals = append(r.Intervals, Interval{l, lower, upper})
	}
	for _, p := range o.Quantiles {
		r.Quantiles = append(r.Quantiles, c.quantile(r.Values, away, p))
	}
	return r, nil
}

// pick is the result with each of its paths as take makes it.
func (r Result) pick(take func([]float64) []float64) Result {
	if r.Values == nil {
		return r
	}
	r.Values = take(r.Values)
	for i, in := range r.Intervals {
		r.Intervals[i].Lower, r.Intervals[i].Upper = take(in.Lower), take(in.Upper)
	}
	for i, q := range r.Quantiles {
		r.Quantiles[i] = take(q)
	}
	return r
}

// reach is how far ahead the back-tests forecast: two of the shortest seasons at
// least, so that what is said of the next hour does not depend on how many more
// are asked for.
func (o Options) reach() int {
	const most, least = 48, 8
	if len(o.Seasons) == 0 {
		return max(o.Horizon, least)
	}
	return max(o.Horizon, min(2*o.Seasons[0], most))
}

func (o Options) complete() (Options, error) {
	if o.Horizon == 0 {
		o.Horizon = 48
	}
	if o.Seasons == nil {
		o.Seasons = []int{24, 168}
	}
	if o.Levels == nil {
		o.Levels = []float64{0.8, 0.95}
	}
	if o.Horizon < 0 || o.Horizon > MaxHorizon {
		return o, fmt.Errorf("horizon %d is not within 1 to %d", o.Horizon, MaxHorizon)
	}
	if !slices.IsSorted(o.Seasons) || len(slices.Compact(slices.Clone(o.Seasons))) < len(o.Seasons) {
		return o, fmt.Errorf("seasons %v do not ascend", o.Seasons)
	}
	if len(o.Seasons) > 0 && o.Seasons[0] < 2 {
		return o, fmt.Errorf("season %d is shorter than 2; give numbers of values that ascend, such as 24 and 168", o.Seasons[0])
	}
	for _, l := range o.Levels {
		if !(l > 0 && l < 1) {
			return o, fmt.Errorf("interval level %v is not between 0 and 1", l)
		}
	}
	if o.Calendar != nil && o.Calendar.Step < 0 {
		return o, fmt.Errorf("a step of %v between values is not above 0", o.Calendar.Step)
	}
	for _, p := range o.Quantiles {
		if !(p > 0 && p < 1) {
			return o, fmt.Errorf("quantile %v is not between 0 and 1", p)
		}
	}
	return o, nil
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func mean(v []float64) float64 { return sum(v) / float64(len(v)) }

func bounds(v []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}
