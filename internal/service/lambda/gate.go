package lambda

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A gate counts the invocations that are under way, and lets in no more than there is
// concurrency for.
type gate struct {
	mu      sync.Mutex
	running map[string]tally // by function
	shared  int32            // those on demand of functions that keep no concurrency
	all     int32
}

// A tally is how many invocations of a function are under way.
type tally struct{ all, onDemand int32 }

// A bound is the concurrency of a function: what it keeps, or what it shares. What is
// provisioned is in neither.
type bound struct {
	provisioned bool // there is concurrency that is provisioned for the invocation
	reserved    *int32
	shared      func() int32 // asked where there may be too little
}

// enter counts an invocation of a function, which leave ends. If there is no concurrency
// for it the reason says which.
func (g *gate) enter(function string, b bound) (leave func(), reason types.ThrottleReason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case b.provisioned:
	case b.reserved != nil && g.running[function].onDemand >= *b.reserved:
		return nil, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	case b.reserved == nil && g.shared >= leastUnreserved && g.shared >= b.shared():
		return nil, types.ThrottleReasonConcurrentInvocationLimitExceeded
	}
	g.count(function, b, 1)
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.count(function, b, -1)
	}), ""
}

func (g *gate) count(function string, b bound, n int32) {
	g.all += n
	if !b.provisioned && b.reserved == nil {
		g.shared += n
	}
	own := g.running[function]
	own.all += n
	if !b.provisioned {
		own.onDemand += n
	}
	if g.running[function] = own; own.all == 0 {
		delete(g.running, function)
	}
}

// concurrency is how many invocations are under way: of a function, of those that share
// concurrency, and in all.
func (g *gate) concurrency(function string) (own, shared, all int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running[function].all, g.shared, g.all
}
