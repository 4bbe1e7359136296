package function

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// A pool is the environments of one function.
type pool struct {
	fn   Function
	all  map[*environment]bool
	idle []*environment // the one that was used last is the last
	used time.Time      // when somebody wanted one of them last

	wanted  int    // provisioned environments
	making  int    // of these, those that are being started
	failure string // why the last one could not be
	resting bool   // for that reason no other is tried for some time
}

// A waiter waits for an environment of a function, or for room for one.
type waiter struct {
	arn  string
	come chan *environment // takes nil when there is room; closed at the end of the host
}

// pool returns the pool of a function, under the lock. Environments of an earlier
// revision are ended, those that are busy when they have answered.
func (h *Host) pool(fn Function) *pool {
	p := h.pools[fn.ARN]
	if p == nil {
		p = &pool{fn: fn, all: map[*environment]bool{}}
		h.pools[fn.ARN] = p
	}
	if p.fn.Revision != fn.Revision {
		h.endAll(p.idle)
		p.idle = nil
	}
	p.fn, p.used = fn, time.Now()
	return p
}

// endAll ends environments that are in no pool's list any more.
func (h *Host) endAll(all []*environment) {
	for _, e := range all {
		h.work.Go(e.end)
	}
}

// acquire returns an idle environment of a function, or nil when one may be started. If
// there is no room, or too many are being started, it waits for the first of the two.
func (h *Host) acquire(ctx context.Context, fn Function) (*environment, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, ErrClosed
	}
	p := h.pool(fn)
	if e := p.take(); e != nil {
		h.mu.Unlock()
		return e, nil
	}
	w := &waiter{fn.ARN, make(chan *environment, 1)}
	h.waiters = append(h.waiters, w)
	if h.count >= h.opts.Environments {
		h.evict()
	}
	h.admit()
	h.mu.Unlock()
	return h.wait(ctx, w)
}

// take takes the environment that was used last, a provisioned one if there is any.
func (p *pool) take() *environment {
	best := len(p.idle) - 1
	for i, e := range slices.Backward(p.idle) {
		if e.provisioned {
			best = i
			break
		}
	}
	if best < 0 {
		return nil
	}
	e := p.idle[best]
	p.idle = slices.Delete(p.idle, best, best+1)
	return e
}

func (h *Host) wait(ctx context.Context, w *waiter) (*environment, error) {
	select {
	case e, ok := <-w.come:
		if !ok {
			return nil, ErrClosed
		}
		return e, nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	i := slices.Index(h.waiters, w)
	if i >= 0 {
		h.waiters = slices.Delete(h.waiters, i, i+1)
	}
	h.mu.Unlock()
	if i < 0 { // it came at this moment
		if e, ok := <-w.come; ok && e != nil {
			h.release(e)
		} else if ok {
			h.begun()
			h.vacate()
		}
	}
	return nil, ctx.Err()
}

// evict ends the environment that was not used for the longest time, under the lock.
func (h *Host) evict() {
	var oldest *environment
	for _, p := range h.pools {
		for _, e := range p.idle {
			if !e.provisioned && (oldest == nil || e.used.Before(oldest.used)) {
				oldest = e
			}
		}
	}
	if oldest != nil {
		h.pools[oldest.fn.ARN].drop(oldest)
		h.work.Go(oldest.end)
	}
}

// drop takes an environment off the idle ones.
func (p *pool) drop(e *environment) {
	if i := slices.Index(p.idle, e); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
}

// join puts a new environment among those of its function.
func (h *Host) join(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		h.work.Go(e.end)
	}
	select {
	case <-e.ended: // already, and gone was told
		return
	default:
	}
	h.all[e] = true
	if p := h.pools[e.fn.ARN]; p != nil {
		p.all[e] = true
	}
}

// release takes an environment back that has answered.
func (h *Host) release(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.fresh = false
	h.takeBack(e)
}

// takeBack makes an environment idle, or gives it to whoever waits for one, under the lock.
func (h *Host) takeBack(e *environment) {
	p := h.pools[e.fn.ARN]
	e.used = time.Now()
	if h.closed || p == nil || !p.all[e] || p.fn.Revision != e.fn.Revision || e.used.Sub(e.begun) > h.opts.Lifetime {
		h.work.Go(e.end)
		return
	}
	for i, w := range h.waiters {
		if w.arn == e.fn.ARN {
			h.waiters = slices.Delete(h.waiters, i, i+1)
			w.come <- e
			return
		}
	}
	p.idle = append(p.idle, e)
	if len(h.waiters) > 0 && h.count >= h.opts.Environments {
		h.evict()
	}
}

// gone takes an environment out that has ended.
func (h *Host) gone(e *environment) {
	h.mu.Lock()
	delete(h.all, e)
	if p := h.pools[e.fn.ARN]; p != nil {
		delete(p.all, e)
		p.drop(e)
	}
	h.mu.Unlock()
	h.vacate()
}

// begun notes that an environment is not being started any more: it has started, or will
// not.
func (h *Host) begun() {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.work.Done()
	h.starting--
	h.admit()
}

// vacate gives the room of an environment to whoever waits for it.
func (h *Host) vacate() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	h.admit()
}

// admit lets those who wait start an environment each, as far as there is room, and then
// has the provisioned environments started that are missing, under the lock.
func (h *Host) admit() {
	for len(h.waiters) > 0 && h.mayStart() {
		w := h.waiters[0]
		h.waiters = h.waiters[1:]
		w.come <- nil
	}
	for _, p := range h.lacking {
		h.provide(p)
	}
}

// mayStart takes room for one more environment, if there is some. How many may be started
// at once depends on the processors: each start takes CPU, and has to end in time.
func (h *Host) mayStart() bool {
	if h.closed || h.count >= h.opts.Environments || h.starting >= startsPerCPU*runtime.NumCPU() {
		return false
	}
	h.count++
	h.starting++
	h.work.Add(1) // the host does not end between the room that is taken and the start
	return true
}

// startsPerCPU is how many environments are started at once for each processor.
const startsPerCPU = 4

// endIdle ends environments that nobody has used for long, and those that are old. A pool
// stays for those that are still to be started.
func (h *Host) endIdle(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for arn, p := range h.pools {
		var ended []*environment
		for _, e := range p.idle {
			if now.Sub(e.begun) > h.opts.Lifetime || !e.provisioned && now.Sub(e.used) > h.opts.Idle {
				ended = append(ended, e)
			}
		}
		for _, e := range ended {
			p.drop(e)
		}
		h.endAll(ended)
		if len(p.all) == 0 && p.wanted == 0 && p.making == 0 && now.Sub(p.used) > h.opts.Idle {
			delete(h.pools, arn)
		}
	}
}

// Retire ends the environments of a function, those that are busy when they have
// answered.
func (h *Host) Retire(arn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.pools[arn]; p != nil {
		h.endAll(p.idle)
		delete(h.pools, arn)
		delete(h.lacking, arn)
	}
}
