package lambda

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A limiter counts the invocations that are under way, and lets in no more than there is
// concurrency for.
type limiter struct {
	mu      sync.Mutex
	running map[string]int32 // by function
	shared  int32            // those of functions that keep no concurrency
	all     int32
}

// A bound is the concurrency of a function: what it keeps, or what it shares.
type bound struct {
	reserved *int32
	shared   func() int32 // asked where there may be too little
}

// enter counts an invocation of a function, which leave ends. If there is no concurrency
// for it the reason says which.
func (l *limiter) enter(function string, b bound) (leave func(), reason types.ThrottleReason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case b.reserved != nil && l.running[function] >= *b.reserved:
		return nil, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	case b.reserved == nil && l.shared >= leastUnreserved && l.shared >= b.shared():
		return nil, types.ThrottleReasonConcurrentInvocationLimitExceeded
	}
	l.count(function, b.reserved == nil, 1)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(function, b.reserved == nil, -1)
	}), ""
}

func (l *limiter) count(function string, shared bool, n int32) {
	l.all += n
	if shared {
		l.shared += n
	}
	if l.running[function] += n; l.running[function] == 0 {
		delete(l.running, function)
	}
}

// concurrency is how many invocations are under way: of a function, of those that share
// concurrency, and in all.
func (l *limiter) concurrency(function string) (own, shared, all int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running[function], l.shared, l.all
}
