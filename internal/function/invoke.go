package function

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Invoke has a function answer a call. When ctx ends it waits for room no longer; an
// invocation that has begun goes on to its end, as Lambda's do.
func (h *Host) Invoke(ctx context.Context, fn Function, call Call) (Answer, error) {
	for {
		e, err := h.acquire(ctx, fn)
		if err != nil {
			return Answer{}, err
		}
		if e == nil {
			return h.invokeCold(context.WithoutCancel(ctx), fn, call)
		}
		if answer, taken := h.invokeIn(e, call); taken {
			return answer, nil
		}
	}
}

// invokeCold starts an environment for a call. If it does not start, it has a second
// chance within the time of the invocation, as in Lambda, and its failure is the answer.
func (h *Host) invokeCold(ctx context.Context, fn Function, call Call) (Answer, error) {
	limit := fn.Init
	if limit == 0 {
		limit = 10 * time.Second
	}
	e, failure, err := h.ready(ctx, fn, limit)
	if err != nil {
		h.vacate()
		return Answer{}, err
	}
	if failure == nil {
		answer, _ := h.invokeIn(e, call)
		return answer, nil
	}
	if e == nil {
		h.vacate()
	}
	return Answer{Payload: failure.document(call.RequestID), Error: Unhandled, Cold: true}, nil
}

// ready starts an environment and waits until it has started.
func (h *Host) ready(ctx context.Context, fn Function, limit time.Duration) (*environment, *failure, error) {
	e, failure, err := h.launch(ctx, fn)
	if err != nil || failure != nil {
		return nil, failure, err
	}
	h.join(e)
	if failure := e.await(limit); failure != nil {
		e.end()
		return e, failure, nil
	}
	return e, nil, nil
}

// invokeIn has an environment answer a call.
func (h *Host) invokeIn(e *environment, call Call) (answer Answer, taken bool) {
	cold := e.used.IsZero()
	begun := time.Now()
	e.log.begin()
	e.log.add(fmt.Sprintf("START RequestId: %s Version: %s", call.RequestID, e.fn.Version))
	v := &invocation{call: call, deadline: begun.Add(e.fn.Timeout), done: make(chan struct{})}
	if !e.run(v) {
		return Answer{}, false
	}
	answer = Answer{Payload: v.response, Cold: cold, Duration: time.Since(begun)}
	if cold {
		answer.Init = e.started
	}
	if v.failure != nil {
		answer.Error, answer.Payload = Unhandled, v.failure.document(call.RequestID)
	}
	answer.Billed = billed(answer.Duration + answer.Init)
	e.log.take()
	e.log.add("END RequestId: " + call.RequestID)
	e.log.add(report(e.fn, call, answer, v.failure))
	answer.Log = e.log.end()
	select {
	case <-e.ended:
	default:
		h.release(e)
	}
	return answer, true
}

// billed is a duration in whole milliseconds, rounded up.
func billed(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(d)/float64(time.Millisecond))) * time.Millisecond
}

// report is the line that sums an invocation up.
func report(fn Function, call Call, a Answer, failure *failure) string {
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		call.RequestID, ms(a.Duration), a.Billed.Milliseconds(), fn.Memory, a.Memory)
	if a.Cold {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", ms(a.Init))
	}
	if failure != nil && failure.payload == nil {
		line += "\tStatus: " + failure.status()
		if failure.kind != timedOut {
			line += "\tError Type: " + failure.kind
		}
	}
	return line
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
