package balancer

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// A roster is which targets of a group may be chosen, and how. It never changes: a
// group makes a new one when a target comes, goes or changes its health.
type roster struct {
	targets  []*target // that are chosen from
	tokens   map[string]*target
	failOpen bool // too few are healthy, so that all are chosen from
	turn     *atomic.Uint64
	streams  *http.Transport // to targets that speak HTTP/2
	groupSettings
}

// choose returns the target for a request without a cookie that names one. It returns
// nil when the group has none.
func (r *roster) choose() *target {
	n := uint64(len(r.targets))
	if n == 0 {
		return nil
	}
	switch r.algorithm {
	case "least_outstanding_requests":
		return r.leastOutstanding()
	case "weighted_random":
		return r.targets[rand.Uint64N(n)]
	}
	if r.slowStart == 0 {
		return r.targets[r.turn.Add(1)%n]
	}
	return r.warm(time.Now())
}

// warm goes round, and passes over a target in slow start as often as its share is
// less than that of the others: at a quarter of the duration three times in four.
func (r *roster) warm(now time.Time) *target {
	n := uint64(len(r.targets))
	for range 2 * n {
		t := r.targets[r.turn.Add(1)%n]
		if share := t.share(now, r.slowStart); share >= 1 || rand.Float64() < share {
			return t
		}
	}
	return r.targets[r.turn.Add(1)%n]
}

// leastOutstanding looks at all targets, beginning at another one each time so that
// those with as little to do take turns.
func (r *roster) leastOutstanding() *target {
	n := uint64(len(r.targets))
	first := r.turn.Add(1)
	best := r.targets[first%n]
	least := best.inFlight.Load()
	for i := uint64(1); i < n && least > 0; i++ {
		t := r.targets[(first+i)%n]
		if f := t.inFlight.Load(); f < least {
			best, least = t, f
		}
	}
	return best
}
