// Package load puts HTTP load on services, or messages into queues (Feed), and tells,
// second by second, how they bear it.
//
// A closed loop has virtual users: each waits for its answer, thinks, and asks
// again, so a slow service gets fewer requests, and its percentiles are of those
// only: what would have been asked in the meantime is left out. An open loop sends
// at a rate, whatever the answers: a slow service gets a queue, and latency counts
// from the moment at which a request was due, also when it could only go out later.
//
//	summary, err := load.Plan{
//		Targets:  func() []string { return []string{"http://127.0.0.1:8080/"} },
//		Schedule: load.Schedule{{For: 20 * time.Second, To: 50}, {For: time.Minute, To: 50}, {For: 20 * time.Second, To: 0}},
//		Report:   func(s load.Second) { fmt.Println(s.Level, s.Requests, s.Latency.P95) },
//	}.Run(ctx)
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A Plan says what load to put on what.
type Plan struct {
	// Targets returns the URLs to send requests to, in turn. It is called often,
	// by one goroutine at a time; what it returns may change from call to call.
	// While it returns none, each request fails.
	Targets func() []string

	Schedule  Schedule          // users, or requests per second, over time; its end is the end of the load
	Open      bool              // the schedule's levels are requests per second, not users
	Think     time.Duration     // how long a user waits between an answer and the next request, on average
	Timeout   time.Duration     // of a request; by default 30 s
	Transport http.RoundTripper // by default one that keeps a connection for each user
	Report    func(Second)      // called at the end of each second, by one goroutine; may be nil
}

// A Second is what happened in one second of load. The last of a run is shorter.
type Second struct {
	Elapsed  time.Duration // since the start, at the end of this second
	Length   time.Duration // of this second
	Level    float64       // users or requests per second, as scheduled
	Open     bool          // which of them
	Requests int           // answers and failures
	Errors   int           // requests without an answer, or with a status of 400 or more
	Failures Failures      // the errors by their kind
	InFlight int           // requests waiting for their answer at the end
	Err      string        // one of the errors, in words
	Latency  Latency       // of the requests that were answered without an error
	Answers  Histogram     // of the same, to be added to those of other seconds
}

// A Summary is what happened in a whole run.
type Summary struct {
	Elapsed  time.Duration
	Requests int
	Errors   int
	Failures Failures // the errors by their kind
	Err      string   // one of the errors, in words
	Latency  Latency
}

const (
	// tick is how often the load is brought to its scheduled level, at least.
	tick = 50 * time.Millisecond
	// pause is how long a user waits after an error at least: a service that
	// refuses connections is not to be asked a hundred thousand times a second.
	pause = 100 * time.Millisecond
	// maxInFlight bounds what an open loop has under way. Requests beyond fail.
	maxInFlight = 20_000
)

// Run puts the load on until the schedule or ctx ends. The end of ctx is no error:
// the summary is of what was done until then.
func (p Plan) Run(ctx context.Context) (Summary, error) {
	if p.Targets == nil {
		return Summary{}, errors.New("a load needs targets")
	}
	if err := p.Schedule.validate(); err != nil {
		return Summary{}, err
	}
	if p.Timeout == 0 {
		p.Timeout = 30 * time.Second
	}
	if p.Transport == nil {
		transport := newTransport()
		defer transport.CloseIdleConnections()
		p.Transport = transport
	}
	ctx, cancel := context.WithTimeout(ctx, p.Schedule.Duration())
	defer cancel()
	r := &run{
		Plan:     p,
		progress: newProgress(p.Schedule, p.Open, p.Report),
		client:   http.Client{Transport: p.Transport, Timeout: p.Timeout},
	}
	r.steer(ctx)
	r.requests.Wait()
	return r.summary(), nil
}

// newTransport returns a transport that keeps all its connections: with the usual
// two for each host, most users would open one for each request.
func newTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: maxInFlight,
		IdleConnTimeout:     10 * time.Second,
		DisableCompression:  true,
	}
}

// A run is a plan at work.
type run struct {
	Plan
	*progress
	client   http.Client
	requests sync.WaitGroup // users, or requests of an open loop
	inFlight atomic.Int64

	targets struct {
		sync.Mutex
		next int
	}
}

// steer brings the load to its scheduled level, and reports, until ctx ends.
func (r *run) steer(ctx context.Context) {
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
			users = r.employ(ctx, users, int(r.Schedule.Level(elapsed)+0.5))
		}
		steering.Reset(wait)
		select {
		case <-ctx.Done():
			r.report(int(r.inFlight.Load()))
			return
		case <-reporting.C:
			r.report(int(r.inFlight.Load()))
		case <-steering.C:
		}
	}
}

// employ makes the users as many as wanted.
func (r *run) employ(ctx context.Context, users []chan struct{}, want int) []chan struct{} {
	for len(users) < want {
		leave := make(chan struct{})
		users = append(users, leave)
		r.requests.Go(func() { r.user(ctx, leave) })
	}
	for len(users) > want {
		close(users[len(users)-1])
		users = users[:len(users)-1]
	}
	return users
}

// user sends requests one after the other until it is to leave.
func (r *run) user(ctx context.Context, leave <-chan struct{}) {
	for {
		wait := r.pause()
		if err := r.request(ctx, time.Now()); err != nil {
			wait = max(wait, pause)
		}
		if wait == 0 {
			select {
			case <-ctx.Done():
				return
			case <-leave:
				return
			default:
				continue
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-leave:
			timer.Stop()
			return
		case <-timer.C:
		}
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
		due := r.Schedule.When(sent + 1)
		if due > elapsed {
			return sent, min(tick, due-elapsed)
		}
		if r.inFlight.Load() >= maxInFlight {
			r.second.add(0, errTooMany)
			continue
		}
		r.requests.Go(func() { _ = r.request(ctx, r.start.Add(due)) }) // it is counted
	}
}

// request sends one request, and counts it as one made at the given time. What
// the end of the load cuts short is not counted.
func (r *run) request(ctx context.Context, begin time.Time) error {
	r.inFlight.Add(1)
	err := r.get(ctx)
	r.inFlight.Add(-1)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.second.add(time.Since(begin), err)
	return err
}

func (r *run) get(ctx context.Context) error {
	target, err := r.target()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return statusError{resp.StatusCode, fmt.Sprintf("%s from %s", resp.Status, target)}
	}
	return nil
}

// target returns the next of the targets in turn.
func (r *run) target() (string, error) {
	r.targets.Lock()
	defer r.targets.Unlock()
	targets := r.Targets()
	if len(targets) == 0 {
		return "", errNoTarget
	}
	r.targets.next++
	return targets[r.targets.next%len(targets)], nil
}
