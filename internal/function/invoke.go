package function

import (
	"cmp"
	"context"
	"math"
	"time"
)

// Invoke has a function answer a call. When ctx ends it waits for room no longer; an
// invocation that has begun goes on to its end, as Lambda's do.
func (h *Host) Invoke(ctx context.Context, fn Function, call Call) (Answer, error) {
	if !h.enter() {
		return Answer{}, ErrClosed
	}
	defer h.work.Done()
	for {
		e, err := h.acquire(ctx, fn)
		if err != nil {
			return Answer{}, err
		}
		if e == nil {
			return h.invokeCold(context.WithoutCancel(ctx), fn, call)
		}
		if answer, taken := h.invokeIn(e, call, time.Now()); taken {
			return answer, nil
		}
	}
}

// enter keeps the host from ending before the invocation has, whose log is still written
// when its environment is gone. An ended host lets nothing in.
func (h *Host) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Add(1)
	}
	return !h.closed
}

// invokeCold starts an environment for a call.
func (h *Host) invokeCold(ctx context.Context, fn Function, call Call) (Answer, error) {
	log := h.newLog(fn)
	e, failure, err := h.initialize(ctx, fn, onDemand, log, cmp.Or(fn.Init, 10*time.Second))
	if err != nil {
		return Answer{}, err
	}
	if failure != nil {
		return h.invokeAgain(ctx, fn, call, log)
	}
	answer, taken := h.invokeIn(e, call, time.Now())
	if !taken { // it has ended since it was ready
		return h.invokeAgain(ctx, fn, call, log)
	}
	return answer, nil
}

// invokeAgain gives an environment that did not start its second chance, within the time
// of the invocation, as Lambda does. What comes of it is the answer.
func (h *Host) invokeAgain(ctx context.Context, fn Function, call Call, log *logWriter) (Answer, error) {
	e, err := h.acquire(ctx, fn)
	if err != nil {
		return Answer{}, err
	}
	begun := time.Now()
	var failure *failure
	if e != nil { // another invocation's has become idle
		log = e.log
		log.begin(fn, call)
	} else {
		log.begin(fn, call)
		if e, failure, err = h.initialize(ctx, fn, onDemand, log, fn.Timeout); err != nil {
			return Answer{}, err
		}
	}
	if failure == nil {
		if answer, taken := h.invokeStarted(e, call, begun); taken {
			return answer, nil
		}
		failure = e.why() // it has ended since it was ready
	}
	answer := Answer{Error: Unhandled, Payload: failure.document(call.RequestID), Cold: true, Duration: time.Since(begun)}
	answer.Billed = billed(answer.Duration)
	if e != nil {
		answer.Memory = e.memory.megabytes()
	}
	answer.Log = log.end(fn, call, answer, failure)
	return answer, nil
}

// initialize starts an environment, for which there is room, and waits until it has
// started. One that does not start is ended.
func (h *Host) initialize(ctx context.Context, fn Function, kind string, log *logWriter, limit time.Duration) (*environment, *failure, error) {
	defer h.begun()
	begun := time.Now()
	log.initBegins(fn, kind)
	e, failure, err := h.launch(ctx, fn, kind, log)
	if e == nil {
		h.vacate()
	} else {
		h.join(e)
		if failure = e.await(limit); failure != nil {
			e.end()
		}
	}
	if failure != nil {
		log.initFailed(fn, kind, time.Since(begun), failure)
	}
	return e, failure, err
}

// invokeIn has an idle environment answer a call.
func (h *Host) invokeIn(e *environment, call Call, begun time.Time) (answer Answer, taken bool) {
	e.log.begin(e.fn, call)
	return h.invokeStarted(e, call, begun)
}

// invokeStarted has an environment answer a call whose time has begun already.
func (h *Host) invokeStarted(e *environment, call Call, begun time.Time) (answer Answer, taken bool) {
	v := &invocation{call: call, deadline: begun.Add(e.fn.Timeout), done: make(chan struct{})}
	if !e.run(v) {
		return Answer{}, false
	}
	answer = Answer{Payload: v.take(), Duration: time.Since(begun)}
	if answer.Cold, answer.Provisioned = h.origin(e); answer.Cold {
		answer.Init = e.started
	}
	if v.failure != nil {
		answer.Error, answer.Payload = Unhandled, v.failure.document(call.RequestID)
	}
	answer.Billed = billed(answer.Duration + answer.Init)
	e.memory.look(e.task)
	answer.Memory = e.memory.megabytes()
	e.log.take()
	answer.Log = e.log.end(e.fn, call, answer, v.failure)
	select {
	case <-e.ended:
	default:
		h.release(e)
	}
	return answer, true
}

// origin says whether an environment was started for the invocation that it has answered, and
// whether it is a provisioned one, which can change meanwhile.
func (h *Host) origin(e *environment) (cold, provisioned bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return e.fresh && !e.provisioned, e.provisioned
}

// billed is a duration in whole milliseconds, rounded up.
func billed(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(d)/float64(time.Millisecond))) * time.Millisecond
}
