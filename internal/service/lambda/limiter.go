package lambda

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A limiter counts the invocations that are under way, and lets in no more than there is
// concurrency for.
type limiter struct {
	mu      sync.Mutex
	running map[string]underway // by function
	shared  int32               // those on demand of functions that keep no concurrency
	all     int32
}

// underway is how many invocations of a function are under way.
type underway struct{ all, onDemand int32 }

// A bound is the concurrency of a function: what it keeps, or what it shares. What is
// provisioned is in neither.
type bound struct {
	provisioned bool // there is concurrency that is provisioned for the invocation
	reserved    *int32
	shared      func() int32 // asked where there may be too little
}

// enter counts an invocation of a function, which leave ends. If there is no concurrency
// for it the reason says which.
func (l *limiter) enter(function string, b bound) (leave func(), reason types.ThrottleReason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case b.provisioned:
	case b.reserved != nil && l.running[function].onDemand >= *b.reserved:
		return nil, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	case b.reserved == nil && l.shared >= leastUnreserved && l.shared >= b.shared():
		return nil, types.ThrottleReasonConcurrentInvocationLimitExceeded
	}
	l.count(function, b, 1)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(function, b, -1)
	}), ""
}

func (l *limiter) count(function string, b bound, n int32) {
	l.all += n
	if !b.provisioned && b.reserved == nil {
		l.shared += n
	}
	own := l.running[function]
	own.all += n
	if !b.provisioned {
		own.onDemand += n
	}
	if l.running[function] = own; own.all == 0 {
		delete(l.running, function)
	}
}

// concurrency is how many invocations are under way: of a function, of those that share
// concurrency, and in all.
func (l *limiter) concurrency(function string) (own, shared, all int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running[function].all, l.shared, l.all
}
