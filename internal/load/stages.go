package load

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// mostStages bounds what is typed or read from a file.
const mostStages = 10_000

// ParseStages reads stages, one a line or separated by commas, and whether their levels are
// requests per second (an open loop) and not virtual users:
//
//	2m:50            50 users in two minutes, along a straight line from where it was
//	ramp 2m:50/s     the same of requests per second
//	steady 5m        as it is, for five minutes; steady 5m:50 goes there at once
//	spike 30s:400/s  at once to 400, and back after 30 s
//
// What follows # in a line is a comment.
func ParseStages(text string) (s Schedule, open bool, err error) {
	var units []string
	level := 0.0
	for number, entry := range entries(text) {
		if number >= mostStages {
			return nil, false, fmt.Errorf("there are more than %d stages", mostStages)
		}
		read, err := parseStage(entry)
		if err != nil {
			return nil, false, fmt.Errorf("stage %q: %w", entry, err)
		}
		if read.levelled {
			units = append(units, read.unit)
		}
		s = append(s, read.stages(level)...)
		level = s[len(s)-1].To
	}
	for _, unit := range units {
		if unit != units[0] {
			return nil, false, errors.New("some stages are of users and some of requests a second: give all of them /s, or none")
		}
	}
	if len(units) == 0 {
		return nil, false, errors.New("a stage is a duration and a level, such as 2m:50 for users or 2m:50/s for requests a second")
	}
	return s, units[0] == perSecond, s.Check()
}

// perSecond marks a level as requests per second.
const perSecond = "/s"

// entries are the stages of a text, without what is empty.
func entries(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				all = append(all, entry)
			}
		}
	}
	return all
}

// A stageText is a stage as it is written.
type stageText struct {
	word     string // ramp, steady or spike
	length   time.Duration
	levelled bool // it names a level
	level    float64
	unit     string // perSecond, or none for users
}

func parseStage(entry string) (s stageText, err error) {
	s.word = "ramp"
	if word, rest, found := strings.Cut(entry, " "); found {
		s.word, entry = strings.ToLower(word), strings.TrimSpace(rest)
	}
	length, level, levelled := strings.Cut(entry, ":")
	if s.length, err = time.ParseDuration(strings.TrimSpace(length)); err != nil || s.length < 0 {
		return s, fmt.Errorf("%q is not a duration such as 30s or 2m", length)
	}
	if s.levelled = levelled; levelled {
		number := strings.TrimSpace(level)
		if rest, open := strings.CutSuffix(number, perSecond); open {
			number, s.unit = strings.TrimSpace(rest), perSecond
		}
		if s.level, err = strconv.ParseFloat(number, 64); err != nil || !(s.level >= 0) || math.IsInf(s.level, 0) {
			return s, fmt.Errorf("%q is not a level such as 50 for users or 50/s for requests a second", level)
		}
	}
	switch {
	case s.word != "ramp" && s.word != "steady" && s.word != "spike":
		return s, fmt.Errorf("%q is none of ramp, steady and spike", s.word)
	case s.word != "steady" && !levelled:
		return s, fmt.Errorf("a %s needs a level, such as %s:50", s.word, entry)
	}
	return s, nil
}

// stages are what it means after a level.
func (s stageText) stages(before float64) Schedule {
	switch {
	case s.word == "spike":
		return Schedule{{To: s.level}, {For: s.length, To: s.level}, {To: before}}
	case s.word == "steady" && s.levelled:
		return Constant(s.level, s.length)
	case s.word == "steady":
		return Schedule{{For: s.length, To: before}}
	}
	return Schedule{{For: s.length, To: s.level}}
}

// Trace is the schedule of a traffic that was counted: so many requests in each step, of
// which a step without a value had none.
func Trace(requests []float64, step time.Duration) (Schedule, error) {
	if step <= 0 {
		return nil, errors.New("a trace needs the length of its steps")
	}
	var s Schedule
	level := 0.0
	for i, n := range requests {
		if math.IsNaN(n) {
			n = 0
		}
		if n < 0 || math.IsInf(n, 0) {
			return nil, fmt.Errorf("step %d has %v requests", i+1, n)
		}
		if rate := n / step.Seconds(); rate != level || i == 0 {
			level = rate
			s = append(s, Stage{To: level})
		}
		s = append(s, Stage{For: step, To: level})
	}
	return s, s.Check()
}
