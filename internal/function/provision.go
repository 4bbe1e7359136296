package function

import (
	"context"
	"time"
)

// How an environment has come to be started, in the words of its variables.
const (
	onDemand    = "on-demand"
	provisioned = "provisioned-concurrency"
)

// provisionedInit is the limit of the start of a provisioned environment, which nobody
// waits for.
const provisionedInit = 15 * time.Minute

// A Provisioning is how far the provisioned environments of a function are.
type Provisioning struct {
	Wanted    int
	Available int    // have started, and are there
	Busy      int    // of these, those that answer an invocation
	Failure   string // why the last one that was tried did not start; empty after one that did
}

// Provision keeps n environments of a function started, until it is told otherwise. It
// does not wait for them.
func (h *Host) Provision(fn Function, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	p := h.pool(fn)
	p.wanted, p.failure, p.resting = n, "", false
	extra := p.started() - n
	for e := range p.all {
		if extra > 0 && e.provisioned {
			e.provisioned = false // it is one on demand from now on
			extra--
		}
	}
	if n > 0 {
		h.lacking[fn.ARN] = p
	} else {
		delete(h.lacking, fn.ARN)
	}
	h.admit()
}

// Provisioning tells how far the provisioned environments of a function are.
func (h *Host) Provisioning(arn string) Provisioning {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.pools[arn]
	if p == nil {
		return Provisioning{}
	}
	state := Provisioning{Wanted: p.wanted, Available: p.started(), Failure: p.failure}
	state.Busy = state.Available
	for _, e := range p.idle {
		if e.provisioned {
			state.Busy--
		}
	}
	return state
}

// started is how many provisioned environments there are.
func (p *pool) started() (n int) {
	for e := range p.all {
		if e.provisioned {
			n++
		}
	}
	return n
}

// provideAgain starts the provisioned environments that are missing, those too that have
// failed to start.
func (h *Host) provideAgain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.lacking {
		p.resting = false
	}
	h.admit()
}

// provide starts those of one function, under the lock.
func (h *Host) provide(p *pool) {
	for !p.resting && p.started()+p.making < p.wanted && h.mayStart() {
		p.making++
		fn := p.fn // which another call may change before it is started
		h.work.Go(func() { h.provideOne(p, fn) })
	}
}

// provideOne starts a provisioned environment.
func (h *Host) provideOne(p *pool, fn Function) {
	e, failure, err := h.initialize(context.Background(), fn, provisioned, h.newLog(fn), provisionedInit)
	h.mu.Lock()
	defer h.mu.Unlock()
	p.making--
	p.failure = ""
	switch {
	case err != nil:
		p.failure, p.resting = err.Error(), true
	case failure != nil:
		p.failure, p.resting = failure.reason(), true
	default:
		e.provisioned = p.started() < p.wanted
		h.takeBack(e)
	}
}
