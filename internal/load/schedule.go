package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// A Schedule is a level of load over time, made of straight lines. It begins at
// level 0.
type Schedule []Stage

// A Stage takes the level from where it is to another.
type Stage struct {
	For time.Duration // 0 is a step
	To  float64
}

// Ramp goes up to a peak, stays there, and goes down again.
func Ramp(peak float64, up, hold, down time.Duration) Schedule {
	return Schedule{{For: up, To: peak}, {For: hold, To: peak}, {For: down, To: 0}}
}

// Constant begins at a level and stays there.
func Constant(level float64, duration time.Duration) Schedule {
	return Schedule{{To: level}, {For: duration, To: level}}
}

// Duration is that of all stages.
func (s Schedule) Duration() time.Duration {
	var total time.Duration
	for _, stage := range s {
		total += stage.For
	}
	return total
}

// Level is the level at a time since the start. After the end it is that of the end.
func (s Schedule) Level(elapsed time.Duration) float64 { return s.profile().level(elapsed) }

// Total is the level summed over the time until elapsed: with levels in requests
// per second, the requests due by then.
func (s Schedule) Total(elapsed time.Duration) float64 { return s.profile().total(elapsed) }

// When is the time since the start at which the total reaches a number, or the
// longest of durations if it never does.
func (s Schedule) When(total float64) time.Duration { return s.profile().when(total) }

// Peak is the highest level.
func (s Schedule) Peak() float64 {
	peak := 0.0
	for _, stage := range s {
		peak = max(peak, stage.To)
	}
	return peak
}

// First is the beginning of a schedule.
func (s Schedule) First(d time.Duration) Schedule {
	var first Schedule
	for _, stage := range s {
		if stage.For > d {
			level := first.Level(math.MaxInt64)
			stage.To = level + (stage.To-level)*float64(d)/float64(stage.For)
			stage.For = d
			return append(first, stage)
		}
		first = append(first, stage)
		d -= stage.For
	}
	return first
}

// Faster is the same schedule in a time that runs speed times faster.
func (s Schedule) Faster(speed float64) Schedule {
	faster := slices.Clone(s)
	for i := range faster {
		faster[i].For = time.Duration(float64(faster[i].For) / speed)
	}
	return faster
}

// Times is the same schedule with each level multiplied.
func (s Schedule) Times(factor float64) Schedule {
	higher := slices.Clone(s)
	for i := range higher {
		higher[i].To *= factor
	}
	return higher
}

// longestLoad bounds the time of a load.
const longestLoad = 366 * 24 * time.Hour

// highest is the highest level: users, or requests per second.
const highest = 1_000_000

// Check finds what is no load.
func (s Schedule) Check() error {
	var total time.Duration
	for _, stage := range s {
		if total += min(stage.For, longestLoad); total >= longestLoad {
			return fmt.Errorf("a load takes less than %v", longestLoad)
		}
		if stage.For < 0 {
			return fmt.Errorf("a load cannot take %v", stage.For)
		}
		if !(stage.To >= 0 && stage.To <= highest) {
			return fmt.Errorf("a load cannot be %v: it is 0 to %d", stage.To, highest)
		}
	}
	if s.Duration() == 0 {
		return errors.New("a load needs a duration")
	}
	return nil
}
