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
func (s Schedule) Level(elapsed time.Duration) float64 {
	level, _ := s.at(elapsed)
	return level
}

// Total is the level summed over the time until elapsed: with levels in requests
// per second, the requests due by then.
func (s Schedule) Total(elapsed time.Duration) float64 {
	_, total := s.at(elapsed)
	return total
}

// When is the time since the start at which the total reaches a number, or the
// longest of durations if it never does.
func (s Schedule) When(total float64) time.Duration {
	if !(total > 0) {
		return 0
	}
	var before time.Duration
	level := 0.0
	for _, stage := range s {
		span := stage.For.Seconds()
		if area := (level + stage.To) / 2 * span; area < total {
			total -= area
			before += stage.For
			level = stage.To
			continue
		}
		// total = level*t + slope/2*t*t, solved without dividing by a slope of 0.
		slope := (stage.To - level) / span
		t := 2 * total / (level + math.Sqrt(max(0, level*level+2*slope*total)))
		return before + min(stage.For, time.Duration(t*float64(time.Second)))
	}
	return math.MaxInt64
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

func (s Schedule) at(elapsed time.Duration) (level, total float64) {
	for _, stage := range s {
		from, to, span := level, stage.To, stage.For
		if elapsed < stage.For {
			span = max(elapsed, 0)
			to = from + (stage.To-from)*float64(span)/float64(stage.For)
		}
		level = to
		total += (from + to) / 2 * span.Seconds()
		if elapsed -= stage.For; elapsed < 0 {
			break
		}
	}
	return level, total
}

func (s Schedule) validate() error {
	for _, stage := range s {
		if stage.For < 0 || !(stage.To >= 0 && stage.To <= 1e6) {
			return fmt.Errorf("a load cannot go to %v in %v", stage.To, stage.For)
		}
	}
	if s.Duration() == 0 {
		return errors.New("a load needs a duration")
	}
	return nil
}
