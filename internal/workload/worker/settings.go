package worker

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Limits of a worker's settings. Those of a batch and of a visibility timeout are
// SQS's own.
const (
	longestMessage    = 12 * time.Hour
	longestVisibility = 12 * time.Hour
	mostAtOnce        = 10
	fastest           = 100_000
)

// settings are how a worker works. Times are the queue's: speed says how
// many times faster than the wall clock they pass.
type settings struct {
	url        string
	each       time.Duration // spent on a message
	cpu        bool          // each is CPU time
	batch      int           // messages to take at once, at most
	visibility time.Duration // whole seconds
	protect    bool          // from scale-in while it works
	log        bool          // a line for each message
	speed      float64
}

// readSettings reads a worker's environment.
func readSettings(getenv func(string) string) (s settings, err error) {
	if s.url = getenv("QUEUE_URL"); s.url == "" {
		return s, errors.New("QUEUE_URL: give the URL of a queue")
	}
	r := reader{getenv: getenv}
	s.each = r.duration("TIME_PER_MESSAGE", "100ms", 0, longestMessage)
	s.visibility = r.duration("VISIBILITY_TIMEOUT", "30s", time.Second, longestVisibility)
	batch := r.number("BATCH", "10", 1, mostAtOnce)
	s.batch = int(batch)
	s.speed = r.number("FLYBALL_SPEED", "1", 0.001, fastest)
	s.protect = r.yes("PROTECT")
	s.log = r.yes("LOG_MESSAGES")
	switch work := cmp.Or(getenv("WORK"), "wait"); work {
	case "wait":
	case "cpu":
		s.cpu = true
	default:
		r.fail("WORK", fmt.Errorf("%q is neither wait nor cpu", work))
	}
	if batch != float64(s.batch) {
		r.fail("BATCH", fmt.Errorf("%v is not a whole number", batch))
	}
	if s.visibility%time.Second != 0 {
		r.fail("VISIBILITY_TIMEOUT", fmt.Errorf("%v is not a number of whole seconds", s.visibility))
	}
	return s, r.err
}

// real is how long a time of the queue takes on the wall clock.
func (s settings) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.speed)
}

// A reader reads settings and keeps the first error.
type reader struct {
	getenv func(string) string
	err    error
}

func (r *reader) fail(name string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
}

func (r *reader) duration(name, otherwise string, least, most time.Duration) time.Duration {
	value := cmp.Or(r.getenv(name), otherwise)
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		err = fmt.Errorf("%q is not a duration such as %s", value, otherwise)
	case d < least || d > most:
		err = fmt.Errorf("%v is not between %v and %v", d, least, most)
	}
	r.fail(name, err)
	return d
}

func (r *reader) number(name, otherwise string, least, most float64) float64 {
	value := cmp.Or(r.getenv(name), otherwise)
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil:
		err = fmt.Errorf("%q is not a number", value)
	case !(n >= least && n <= most):
		err = fmt.Errorf("%v is not between %v and %v", n, least, most)
	}
	r.fail(name, err)
	return n
}

func (r *reader) yes(name string) bool {
	value := cmp.Or(r.getenv(name), "0")
	yes, err := strconv.ParseBool(value)
	if err != nil {
		r.fail(name, fmt.Errorf("%q is neither 0 nor 1", value))
	}
	return yes
}
