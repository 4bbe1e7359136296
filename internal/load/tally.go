package load

import (
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"flyball/internal/cause"
)

// A tally counts requests.
type tally struct {
	mu       sync.Mutex
	requests int
	errors   int
	failures Failures // nil while there are none
	err      error
	latency  sketch
}

func newTally() *tally { return &tally{latency: newSketch()} }

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	if err == nil {
		t.latency.add(took)
		return
	}
	t.errors++
	t.err = err
	t.fail(kindOf(err), 1)
}

// empty is whether nothing was counted.
func (t *tally) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests == 0
}

func (t *tally) fail(kind string, count int) {
	if t.failures == nil {
		t.failures = Failures{}
	}
	t.failures[kind] += count
}

// reset empties the tally and returns what was in it.
func (t *tally) reset() *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := &tally{requests: t.requests, errors: t.errors, failures: t.failures, err: t.err, latency: t.latency}
	t.requests, t.errors, t.failures, t.err, t.latency = 0, 0, nil, nil, newSketch()
	return done
}

// merge adds what nobody else counts in any more.
func (t *tally) merge(done *tally) {
	t.requests += done.requests
	t.errors += done.errors
	for kind, count := range done.failures {
		t.fail(kind, count)
	}
	if done.err != nil {
		t.err = done.err
	}
	_ = t.latency.MergeWith(done.latency.DDSketch) // they are of one kind
}

func (t *tally) summary(elapsed time.Duration) Summary {
	s := Summary{Elapsed: elapsed, Requests: t.requests, Errors: t.errors, Failures: t.failures, Latency: t.latency.latency()}
	if t.err != nil {
		s.Err = inWords(t.err)
	}
	if s.Failures == nil {
		s.Failures = Failures{}
	}
	return s
}

// inWords says of a request that failed which it was, and why. Of a call of AWS's it is the
// service's own message.
func inWords(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorMessage() != "" {
		return fmt.Sprintf("%s (%s)", api.ErrorMessage(), api.ErrorCode())
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("%s: %v", request.URL, cause.Of(request))
	}
	return cause.Of(err).Error()
}
