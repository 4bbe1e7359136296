package main

import (
	"errors"
	"fmt"
	"time"

	"flyball/internal/duration"
	"flyball/internal/load"
)

// How long a load goes on while nothing has answered at all, and when it is said what is waited for:
// at once if requests have failed, and a little later if all are still under way.
const (
	patienceWithURLs  = 10 * time.Second
	patienceWithTasks = time.Minute // which may be starting
	tellFailedAfter   = 900 * time.Millisecond
	tellSilentAfter   = 2900 * time.Millisecond
)

// errNoAnswer ends a load to which nothing has ever answered.
var errNoAnswer = errors.New("nothing has answered")

// A firstAnswer looks for the first answer of a load. It says what is waited for, and ends the load
// where nothing comes.
type firstAnswer struct {
	patience, timeout time.Duration // of the load, and of a request
	say               func(string)
	end               func(error)

	came, told bool
	failed     int
	ended      time.Duration // how long the load went on until it was ended; 0: it was not
}

// see is told of each second of the load.
func (f *firstAnswer) see(s load.Second) {
	if f.came || f.ended > 0 {
		return
	}
	unanswered := s.Failures.Unanswered()
	f.failed += unanswered
	f.came = s.Requests > unanswered
	switch {
	case f.came && f.told:
		f.say(fmt.Sprintf("The first answer came after %s.", duration.String(s.Elapsed.Round(time.Second))))
	case f.came:
	case f.failed > 0 && s.Elapsed >= f.patience:
		f.ended = s.Elapsed
		f.end(errNoAnswer)
	case f.told:
	case f.failed > 0 && s.Elapsed >= tellFailedAfter:
		f.told = true
		f.say(fmt.Sprintf("Waiting for the first answer: %s. Start what is to answer, or name another address; without an answer this ends after %s (--wait-timeout).",
			s.Err, duration.String(f.patience)))
	case f.failed == 0 && s.InFlight > 0 && s.Elapsed >= tellSilentAfter:
		f.told = true
		f.say(fmt.Sprintf("Waiting for the first answer: %d requests are under way, and each has %s (--timeout).", s.InFlight, duration.String(f.timeout)))
	}
}

// check is the error of a load to which nothing has answered.
func (f firstAnswer) check(s load.Summary) error {
	if s.Requests == 0 || s.Errors < s.Requests {
		return nil
	}
	within := ""
	if f.ended > 0 { // which may be after its patience: requests under way had their timeout
		within = " within " + duration.String(f.ended.Round(time.Second)) + ", so the load was ended (--wait-timeout)"
	}
	return fmt.Errorf("no request was answered%s: %s; look whether the service runs and has that path, or name another", within, s.Err)
}
