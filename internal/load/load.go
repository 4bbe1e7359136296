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
	"net/http"
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
	Request   Request           // what is sent; by default a GET
	Timeout   time.Duration     // of a request; by default 30 s
	Drain     time.Duration     // how long to wait for answers after the end; by default they are cut off
	InFlight  int               // how many requests, and users, there are at most; by default 20,000
	Retry     bool              // a request that cannot connect to one target goes to the next, once
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
	Tasks    *Tasks        // of the service at the end, which who runs the load may know
}

// Tasks are those of the service that a load is put on.
type Tasks struct {
	Running int `json:"running"`
	Desired int `json:"desired"`
}

// A Summary is what happened in a whole run.
type Summary struct {
	Elapsed  time.Duration
	Requests int
	Errors   int
	Failures Failures // the errors by their kind; never nil
	Err      string   // one of the errors, in words
	Latency  Latency
	CutOff   int // requests that had no answer when the load was ended, which are not in Requests
}

// Throughput is how many requests were answered a second, without an error.
func (s Summary) Throughput() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Requests-s.Errors) / s.Elapsed.Seconds()
}

// ErrorShare is the share of the requests that failed, in percent; that of none is NaN.
func (s Summary) ErrorShare() float64 {
	return 100 * float64(s.Errors) / float64(s.Requests)
}

const (
	// tick is how often the load is brought to its scheduled level, at least.
	tick = 50 * time.Millisecond
	// pause is how long a user waits after an error at least: a service that
	// refuses connections is not to be asked a hundred thousand times a second.
	pause = 100 * time.Millisecond
	// mostInFlight bounds by default what is under way. Requests of an open loop beyond fail.
	mostInFlight = 20_000
)

// Run puts the load on until the schedule or ctx ends. The end of ctx is no error:
// the summary is of what was done until then.
func (p Plan) Run(ctx context.Context) (Summary, error) {
	if err := p.complete(); err != nil {
		return Summary{}, err
	}
	if p.Transport == nil {
		transport := NewTransport(nil)
		defer transport.CloseIdleConnections()
		p.Transport = transport
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{
		Plan:     p,
		progress: newProgress(p.Schedule, p.Open, p.Report),
		client:   http.Client{Transport: p.Transport, Timeout: p.Timeout},
	}
	sending, stop := context.WithTimeout(ctx, p.Schedule.Duration())
	defer stop()
	r.steer(ctx, sending)
	r.drain(ctx, cancel)
	return r.summary(), nil
}

// complete fills in what is left out, and finds what cannot be carried out.
func (p *Plan) complete() error {
	if p.Targets == nil {
		return errors.New("a load needs targets")
	}
	if err := p.Schedule.Check(); err != nil {
		return err
	}
	if p.Timeout == 0 {
		p.Timeout = 30 * time.Second
	}
	if p.InFlight == 0 {
		p.InFlight = mostInFlight
	}
	if peak := p.Schedule.Peak(); !p.Open && peak > float64(p.InFlight) {
		return fmt.Errorf("%v users are more than the %d requests that may be under way", peak, p.InFlight)
	}
	return nil
}
