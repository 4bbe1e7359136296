package control

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"flyball/internal/source"
)

const (
	// firstRest is about how long nothing is asked of what has failed once, and longestRest of
	// what fails on and on.
	firstRest   = 15 * time.Second
	longestRest = 5 * time.Minute
	// forgotten is how long after its rest something is known to have failed.
	forgotten = time.Hour
)

// rests are from what has failed as a whole: a source, the capacities of a kind, or those of an address. What is not
// asked any more, such as a source that settings have replaced, is forgotten.
type rests struct {
	mu  sync.Mutex
	all map[any]*rest
}

// A rest is how long something is left alone. Each failure in a row about doubles it.
type rest struct {
	failures int
	until    time.Time
	why      error
}

// of is why something is left alone at a time; nil: it is not.
func (r *rests) of(what any, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.all[what]; s != nil && now.Before(s.until) {
		return fmt.Errorf("it is left alone until %s, since it has failed%s: %w", s.until.Format(time.TimeOnly), inARow(s.failures), s.why)
	}
	return nil
}

// inARow is how often something has failed, where that is more than once.
func inARow(failures int) string {
	if failures == 1 {
		return ""
	}
	return fmt.Sprintf(" %d times in a row", failures)
}

// failed has something left alone for a while.
func (r *rests) failed(what any, now time.Time, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// What rests is asked again when it may be. Who has not been for an hour is gone.
	maps.DeleteFunc(r.all, func(_ any, s *rest) bool { return now.Sub(s.until) > forgotten })
	s := r.all[what]
	if s == nil {
		s = &rest{}
		if r.all == nil {
			r.all = map[any]*rest{}
		}
		r.all[what] = s
	}
	s.failures++
	length := min(longestRest, firstRest<<min(s.failures-1, 10))
	// Of those that have failed together, not all come back together.
	length = time.Duration(float64(length) * (0.75 + 0.5*rand.Float64()))
	s.until, s.why = now.Add(length), why
}

// works tells that something has not failed.
func (r *rests) works(what any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, what)
}

// throttling are the codes with which services of AWS say that they are called too often.
var throttling = []string{
	"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled",
	"TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException", "SlowDown", "BandwidthLimitExceeded",
}

// throttled reports whether an error says that something is called too often.
func throttled(err error) bool {
	var api smithy.APIError
	var told interface{ Throttled() bool }
	if errors.As(err, &told) {
		return told.Throttled()
	}
	return errors.Is(err, source.ErrThrottled) || errors.As(err, &api) && slices.Contains(throttling, api.ErrorCode())
}
