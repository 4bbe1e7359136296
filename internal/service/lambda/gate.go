package lambda

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A gate counts the invocations that are under way, and lets in no more than there is
// concurrency for.
type gate struct {
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
func (g *gate) enter(function string, b bound) (leave func(), reason types.ThrottleReason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case b.reserved != nil && g.running[function] >= *b.reserved:
		return nil, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	case b.reserved == nil && g.shared >= leastUnreserved && g.shared >= b.shared():
		return nil, types.ThrottleReasonConcurrentInvocationLimitExceeded
	}
	g.count(function, b.reserved == nil, 1)
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.count(function, b.reserved == nil, -1)
	}), ""
}

func (g *gate) count(function string, shared bool, n int32) {
	g.all += n
	if shared {
		g.shared += n
	}
	if g.running[function] += n; g.running[function] == 0 {
		delete(g.running, function)
	}
}

// concurrency is how many invocations are under way: of a function, of those that share
// concurrency, and in all.
func (g *gate) concurrency(function string) (own, shared, all int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running[function], g.shared, g.all
}
