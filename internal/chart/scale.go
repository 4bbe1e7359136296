package chart

import (
	"math"
	"strconv"
	"time"
)

// A scale is an axis of values from 0 to top.
type scale struct {
	top, step float64
	unit      Unit
	milli     bool // seconds are written as milliseconds
}

// What is larger or smaller than anything that is measured is drawn at the edge: an
// axis up to it could not be counted.
const (
	largest  = 1e15
	smallest = 1e-9
)

// newScale finds a round top and step for values up to a highest one, with at most
// so many ticks above 0.
func newScale(highest float64, unit Unit, ticks int) scale {
	s := scale{unit: unit, milli: unit == Seconds && highest < 1}
	if highest = min(highest, largest); !(highest > smallest) {
		highest = 1
	}
	if s.milli {
		highest *= 1000
	}
	least := highest / float64(max(1, ticks))
	s.top = math.Inf(1)
	for step := least; step <= max(least, highest/2); step *= 1.01 {
		step = roundStep(step, unit == Whole)
		if step > highest/2 && !math.IsInf(s.top, 0) {
			break // there would be one tick only
		}
		// The least room above the highest value, then the most ticks.
		if top := step * max(1, math.Ceil(highest/step-1e-9)); top < s.top {
			s.step, s.top = step, top
		}
	}
	if s.milli {
		s.step /= 1000
		s.top /= 1000
	}
	return s
}

// roundStep is the smallest of 1, 2, 2.5 and 5 times a power of ten that is not less.
func roundStep(least float64, whole bool) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	if whole && power < 1 {
		return 1
	}
	for _, m := range []float64{1, 2, 2.5, 5} {
		if whole && m*power != math.Floor(m*power) {
			continue
		}
		if m*power >= least*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// ticks are the values to mark, with 0.
func (s scale) ticks() []float64 {
	var ticks []float64
	for i := 0; float64(i)*s.step <= s.top*(1+1e-9); i++ {
		ticks = append(ticks, float64(i)*s.step)
	}
	return ticks
}

// suffix is the unit as it stands beside a panel's title.
func (s scale) suffix() string {
	switch {
	case s.unit == Percent:
		return "%"
	case s.milli:
		return "ms"
	case s.unit == Seconds:
		return "s"
	}
	return ""
}

// tick writes a value of the axis, without its unit.
func (s scale) tick(v float64) string {
	if s.milli {
		v *= 1000
	}
	return number(v, 4)
}

// value writes a value with its unit.
func (s scale) value(v float64) string {
	if s.unit == Seconds && v < 1 {
		return number(v*1000, 3) + " ms"
	}
	switch s.unit {
	case Seconds:
		return number(v, 3) + " s"
	case Percent:
		return number(v, 3) + " %"
	}
	return number(v, 3)
}

// number writes a value with so many digits that count, and all of its whole ones.
func number(v float64, digits int) string {
	if whole := math.Abs(v); whole >= 1 {
		digits = max(digits, int(math.Floor(math.Log10(whole)))+1)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// timeSteps are the distances between ticks of time.
var timeSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day,
}

const day = 24 * time.Hour

// timeTicks are the round times of a span, at most so many, and how to write them.
func timeTicks(from, to time.Time, most int) (ticks []time.Time, layout string) {
	step := timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if int64(to.Sub(from)/s) < int64(most) {
			step = s
			break
		}
	}
	switch {
	case step >= day:
		layout = "2 Jan"
	case step < time.Minute:
		layout = "15:04:05"
	default:
		layout = "15:04"
	}
	for t := from.Truncate(step); !t.After(to) && len(ticks) <= most; t = t.Add(step) {
		if !t.Before(from) {
			ticks = append(ticks, t)
		}
	}
	return ticks, layout
}
