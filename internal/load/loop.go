package load

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A run is a plan at work.
type run struct {
	Plan
	*progress
	client   http.Client
	requests sync.WaitGroup // users, or requests of an open loop
	inFlight atomic.Int64
	asked    atomic.Int64 // requests begun
	cutOff   atomic.Int64

	targets struct {
		sync.Mutex
		next int
	}
}

func (r *run) summary() Summary {
	s := r.progress.summary()
	s.CutOff = int(r.cutOff.Load())
	return s
}

// steer brings the load to its scheduled level, and reports, until sending ends. Requests
// may take until ctx ends.
func (r *run) steer(ctx, sending context.Context) {
	var users []chan struct{} // closed to let a user go
	var sent float64          // requests that an open loop has sent
	steering, reporting := time.NewTimer(tick), time.NewTicker(time.Second)
	defer steering.Stop()
	defer reporting.Stop()
	for {
		elapsed, wait := time.Since(r.start), tick
		if r.Open {
			sent, wait = r.send(ctx, sent, elapsed)
		} else {
			users = r.employ(ctx, sending, users, int(r.planned.level(elapsed)+0.5))
		}
		steering.Reset(wait)
		select {
		case <-sending.Done():
			if r.Open && ctx.Err() == nil {
				r.send(ctx, sent, r.end) // what was due at the very end
			}
			return
		case <-reporting.C:
			if time.Since(r.start) < r.end-tick { // the last second goes on until the last answers
				r.report(int(r.inFlight.Load()))
			}
		case <-steering.C:
		}
	}
}

// drain waits for the answers that are still to come, and reports, for as long as the plan
// says. What takes longer has failed; what the user's end of the load cuts off has not.
func (r *run) drain(ctx context.Context, cancel context.CancelCauseFunc) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.requests.Wait()
	}()
	if r.Drain > 0 && ctx.Err() == nil {
		expiring := time.AfterFunc(r.Drain, func() { cancel(errUnanswered) })
		defer expiring.Stop()
	} else {
		cancel(nil)
	}
	reporting := time.NewTicker(time.Second)
	defer reporting.Stop()
	for {
		select {
		case <-reporting.C:
			r.report(int(r.inFlight.Load()))
		case <-done:
			r.report(int(r.inFlight.Load()))
			return
		}
	}
}

// employ makes the users as many as wanted.
func (r *run) employ(ctx, sending context.Context, users []chan struct{}, want int) []chan struct{} {
	for len(users) < want {
		leave := make(chan struct{})
		users = append(users, leave)
		r.requests.Go(func() { r.user(ctx, sending, leave) })
	}
	for len(users) > want {
		close(users[len(users)-1])
		users = users[:len(users)-1]
	}
	return users
}

// user sends requests one after the other until it is to leave.
func (r *run) user(ctx, sending context.Context, leave <-chan struct{}) {
	for {
		wait := r.pause()
		if err := r.request(ctx, time.Now()); err != nil {
			wait = max(wait, pause)
		}
		if !think(sending, leave, wait) {
			return
		}
	}
}

// think waits, and is false once the user is to ask no more.
func think(sending context.Context, leave <-chan struct{}, wait time.Duration) bool {
	if wait == 0 {
		select {
		case <-sending.Done():
			return false
		case <-leave:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-sending.Done():
		return false
	case <-leave:
		return false
	case <-timer.C:
		return true
	}
}

// pause is how long a user thinks, from half of the average to half as much again:
// users who all think equally long keep in step once a slow time has put them there, and
// come in waves.
func (r *run) pause() time.Duration {
	return time.Duration((0.5 + rand.Float64()) * float64(r.Think))
}

// send sends the requests of an open loop that are due, of which sent have been
// sent. It returns how many have been sent now, and how long to wait for the next.
func (r *run) send(ctx context.Context, sent float64, elapsed time.Duration) (float64, time.Duration) {
	for ; ; sent++ {
		due := r.planned.when(sent + 1)
		if due > elapsed {
			return sent, min(tick, due-elapsed)
		}
		if r.inFlight.Load() >= int64(r.InFlight) {
			r.second.add(0, tooMany(r.InFlight))
			continue
		}
		r.requests.Go(func() { _ = r.request(ctx, r.start.Add(due)) }) // it is counted
	}
}
