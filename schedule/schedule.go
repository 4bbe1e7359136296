package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Schedule is a set of instants in time, at which an action runs. It is a
// value; make one with Parse.
type Schedule struct {
	rule       rule
	start, end time.Time // zero: no bound
}

// A rule is one of the three kinds of schedule, without bounds: once, rate and
// *cron.
type rule interface {
	// next is the first run later than after. A rate counts from origin.
	next(after, origin time.Time) (time.Time, bool)
}

// An Error is why an expression is not valid: a sentence for whoever wrote it, in
// the words that Application Auto Scaling uses after "Invalid schedule
// expression. Details: ".
type Error string

// Error is the sentence.
func (e Error) Error() string { return string(e) }

const errSyntax = Error(`Schedule expressions must have the following syntax: rate(<number>\s?(minutes?|hours?|days?)), cron(<cron_expression>) or at(yyyy-MM-dd'T'HH:mm:ss).`)

// Parse reads an expression. The times of at and cron are those of a clock in
// the zone. An error is an Error.
func Parse(expression string, zone *time.Location) (Schedule, error) {
	kind, rest, _ := strings.Cut(expression, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return Schedule{}, errSyntax
	}
	var r rule
	var err error
	switch kind {
	case "at":
		r, err = parseAt(inner, zone)
	case "rate":
		r, err = parseRate(inner)
	case "cron":
		r, err = parseCron(inner, zone)
	default:
		err = errSyntax
	}
	if err != nil {
		return Schedule{}, err
	}
	return Schedule{rule: r}, nil
}

// Once reports whether the schedule is an at() expression: one run.
func (s Schedule) Once() bool {
	_, ok := s.rule.(once)
	return ok
}

// Counts reports whether the schedule is a rate() expression, whose runs depend on when
// they begin.
func (s Schedule) Counts() bool {
	_, ok := s.rule.(rate)
	return ok
}

// HasSeconds reports whether the schedule is a cron() expression with seconds, which
// Application Auto Scaling alone takes.
func (s Schedule) HasSeconds() bool {
	c, ok := s.rule.(*cron)
	return ok && c.fine
}

// Between is the schedule without its runs before start and after end; those at
// start and end stay. A zero time is no bound. A rate counts from start, and
// without one from 1970-01-01 UTC.
func (s Schedule) Between(start, end time.Time) Schedule {
	s.start, s.end = start, end
	return s
}

// Next is the first run later than a time, in UTC, or false if there is none.
func (s Schedule) Next(after time.Time) (time.Time, bool) {
	if s.rule == nil {
		return time.Time{}, false
	}
	origin := s.start
	if origin.IsZero() {
		origin = time.Unix(0, 0)
	} else if after.Before(origin) {
		after = origin.Add(-1) // the start itself may be a run
	}
	run, ok := s.rule.next(after, origin)
	if !ok || !s.end.IsZero() && run.After(s.end) {
		return time.Time{}, false
	}
	return run.UTC(), true
}

// Last is the last run later than after that is not later than until, in UTC, or
// false if there is none. It does not visit the runs between.
func (s Schedule) Last(after, until time.Time) (time.Time, bool) {
	last, ok := s.Next(after)
	if !ok || last.After(until) {
		return time.Time{}, false
	}
	for none := until; none.After(last); { // no run is in (none, until]
		middle := last.Add(none.Sub(last) / 2)
		run, ok := s.Next(middle)
		if ok && !run.After(until) {
			last = run
		} else {
			none = middle
		}
	}
	return last, true
}

// once is a run at an instant.
type once time.Time

func (o once) next(after, _ time.Time) (time.Time, bool) {
	return time.Time(o), time.Time(o).After(after)
}

// Like the service, it takes one digit where two are usual: at(2020-12-08T9:36:00).
var atPattern = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2}):(\d{1,2})$`)

func parseAt(text string, zone *time.Location) (rule, error) {
	match := atPattern.FindStringSubmatch(text)
	if match == nil {
		return nil, errSyntax
	}
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(match[i+1]) // four digits at most
	}
	wall := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	y, month, d := wall.Date()
	h, m, sec := wall.Clock()
	if n != [6]int{y, int(month), d, h, m, sec} {
		return nil, Error(fmt.Sprintf("%s is no date and time.", text))
	}
	run, ok := instant(wall, zone)
	if !ok {
		return nil, Error(fmt.Sprintf("%s does not exist in time zone %s: the clock skips it.", text, zone))
	}
	return once(run), nil
}

// rate is a run every so many seconds.
type rate int64

// longest is the longest rate in seconds: the years that a cron expression has.
const longest = (lastYear - firstYear) * 366 * 24 * 60 * 60

var ratePattern = regexp.MustCompile(`^(\d+)\s?(minute|hour|day)s?$`)

func parseRate(text string) (rule, error) {
	match := ratePattern.FindStringSubmatch(text)
	if match == nil {
		return nil, errSyntax
	}
	unit := map[string]int64{"minute": 60, "hour": 60 * 60, "day": 24 * 60 * 60}[match[2]]
	n, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil || n > longest/unit {
		return nil, Error(fmt.Sprintf("The value of a rate expression must not be greater than %d %ss.", longest/unit, match[2]))
	}
	if n < 1 {
		return nil, Error("The value of a rate expression must be a positive integer.")
	}
	return rate(n * unit), nil
}

func (r rate) next(after, origin time.Time) (time.Time, bool) {
	if after.Before(origin) {
		return origin, true
	}
	elapsed := after.Unix() - origin.Unix()
	if after.Nanosecond() < origin.Nanosecond() {
		elapsed--
	}
	runs := elapsed/int64(r) + 1
	return time.Unix(origin.Unix()+runs*int64(r), int64(origin.Nanosecond())), true
}
