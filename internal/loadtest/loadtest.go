// Package loadtest runs load tests in the server's own process: the generator of flyball load,
// started and stopped by calls. A test ends with the server, and is not kept over a restart.
package loadtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"flyball/internal/client"
	"flyball/internal/load"
)

// mostKept is how many tests that have ended are kept, with their records.
const mostKept = 8

// A Config is what tests are run with. All fields must be set.
type Config struct {
	Now    func() time.Time // of the server's clock
	Speed  float64          // of it; 0: it stands still until it is moved
	Server string           // host and port at which load balancers are reached whose name is none of an address
	// Roots are the authorities of load balancers with HTTPS.
	Roots func(context.Context) (*x509.CertPool, error)
}

// A Place is an account's region.
type Place struct{ Account, Region string }

// Tests are those that run, and the newest that have.
type Tests struct {
	Config
	ctx  context.Context // of all tests: a test outlasts the call that starts it
	end  context.CancelFunc
	runs sync.WaitGroup

	mu     sync.Mutex
	closed bool
	all    []*test // oldest first
}

// New returns no tests yet.
func New(c Config) *Tests {
	t := &Tests{Config: c}
	t.ctx, t.end = context.WithCancel(context.Background())
	return t
}

// Close ends all tests, and waits for their end.
func (t *Tests) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.end()
	t.runs.Wait()
}

// ErrClosed is returned for tests that are started when the server ends.
var ErrClosed = errors.New("the server is ending")

// A MissingError is that of a test that there is not.
type MissingError struct{ ID string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("There is no load test %s here: the newest %d that have ended are kept, until the server ends.", e.ID, mostKept)
}

// Start begins a test that calls as somebody does, and returns what is known of it.
func (t *Tests) Start(ctx context.Context, in Place, by string, c *client.Client, s Spec) (View, error) {
	if err := s.check(); err != nil {
		return View{}, err
	}
	if t.Speed <= 0 {
		return View{}, &BadSpec{"duration", "The server's clock stands still until it is moved, so that no load test would end: flyball load --speed 1 puts load on at the wall clock's speed."}
	}
	if s.Open && s.Kind == Queue && s.Level*t.Speed > MostRate {
		return View{}, &BadSpec{"level", fmt.Sprintf("The server's clock runs %v times faster, so that at most %.4g messages go out in a second of it.", t.Speed, MostRate/t.Speed)}
	}
	one := &test{id: strings.ToLower(rand.Text()[:10]), place: in, by: by, spec: s, client: c, state: Running, began: t.Now(), speed: t.Speed}
	running, stop := context.WithCancel(t.ctx)
	one.stop = stop
	if err := t.admit(one); err != nil {
		stop()
		return View{}, err
	}
	ready, err := t.prepare(ctx, running, one)
	if err != nil {
		stop()
		t.remove(one)
		t.runs.Done()
		return View{}, err
	}
	go func() {
		defer t.runs.Done()
		defer stop()
		summary, err := ready(running)
		one.done(t.Now(), summary, err, running.Err() != nil)
	}()
	return one.view(false), nil
}

// admit takes a test in, which Close waits for from here on, unless there are too many or one on the same.
func (t *Tests) admit(one *test) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	running := 0
	for _, other := range t.all {
		if !other.runs() {
			continue
		}
		running++
		if other.place == one.place && other.spec.Kind == one.spec.Kind && other.spec.Name == one.spec.Name {
			return &BadSpec{"name", fmt.Sprintf("A load test on %s %s runs already; stop it first.", one.spec.Kind.words(), one.spec.Name)}
		}
	}
	if running >= MostAtOnce {
		return &BadSpec{"name", fmt.Sprintf("%d load tests run already, which is as many as there can be; stop one first.", running)}
	}
	for ended := len(t.all) - running; ended >= mostKept; ended-- {
		i := slices.IndexFunc(t.all, func(o *test) bool { return !o.runs() })
		t.all = slices.Delete(t.all, i, i+1)
	}
	t.all = append(t.all, one)
	t.runs.Add(1)
	return nil
}

func (t *Tests) remove(one *test) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = slices.DeleteFunc(t.all, func(o *test) bool { return o == one })
}

// words are the kind as it is spoken of.
func (k Kind) words() string { return strings.ReplaceAll(string(k), "-", " ") }

// List are the tests of a place without their records, newest first.
func (t *Tests) List(in Place) []View {
	t.mu.Lock()
	defer t.mu.Unlock()
	views := []View{}
	for _, one := range slices.Backward(t.all) {
		if one.place == in {
			views = append(views, one.view(false))
		}
	}
	return views
}

// Find is a test of a place with its record.
func (t *Tests) Find(in Place, id string) (View, error) {
	one, err := t.find(in, id)
	if err != nil {
		return View{}, err
	}
	return one.view(true), nil
}

// Stop ends a test. One that has ended stays as it is.
func (t *Tests) Stop(in Place, id string) (View, error) {
	one, err := t.find(in, id)
	if err != nil {
		return View{}, err
	}
	one.stop()
	return one.view(false), nil
}

func (t *Tests) find(in Place, id string) (*test, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.all {
		if one.place == in && one.id == id {
			return one, nil
		}
	}
	return nil, &MissingError{id}
}

// A State is how far a test is.
type State string

// The states.
const (
	Running State = "running"
	Ended   State = "ended"
	Stopped State = "stopped"
	Failed  State = "failed"
)

// A View is what is known of a test.
type View struct {
	ID string `json:"id"`
	Spec
	By         string        `json:"by"`
	State      State         `json:"state"`
	Problem    string        `json:"problem,omitempty"` // why it failed, or what answers say that are failures
	Began      time.Time     `json:"began"`             // as Ends, on the server's clock
	Ends       time.Time     `json:"ends"`
	Speed      float64       `json:"speed"`
	Via        string        `json:"via,omitempty"`     // how the target is reached
	Service    string        `json:"service,omitempty"` // CLUSTER/SERVICE behind it
	Requests   int           `json:"requests"`
	Errors     int           `json:"errors"`
	Failures   load.Failures `json:"failures,omitempty"`
	Throughput float64       `json:"throughput"` // answers a real second that were no failures
	P50        time.Duration `json:"p50"`        // in nanoseconds, as P95 and P99
	P95        time.Duration `json:"p95"`
	P99        time.Duration `json:"p99"`
	Tasks      *load.Tasks   `json:"tasks,omitempty"`
	Lines      []load.Line   `json:"lines,omitempty"` // the record
}

// Runs is whether it goes on.
func (v View) Runs() bool { return v.State == Running }

// A ServiceName is a service behind a target.
type ServiceName struct{ Cluster, Name string }

// Behind is the service behind the target; empty if there is none.
func (v View) Behind() (n ServiceName) {
	n.Cluster, n.Name, _ = strings.Cut(v.Service, "/")
	return n
}

// Words are the kind of its target in words.
func (v View) Words() string { return v.Kind.words() }

// A test is one test.
type test struct {
	id     string
	place  Place
	by     string
	spec   Spec
	client *client.Client
	stop   context.CancelFunc
	began  time.Time
	speed  float64

	mu       sync.Mutex
	state    State
	ended    time.Time
	problem  string
	history  load.History
	requests int
	errors   int
	failures load.Failures
	real     time.Duration
	latency  load.Latency
	tasks    *load.Tasks
	via      string
	service  string
}

func (o *test) runs() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state == Running
}

// add notes a second.
func (o *test) add(s load.Second, line load.Line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.history.Add(line)
	o.requests, o.errors, o.real = o.requests+s.Requests, o.errors+s.Errors, s.Elapsed
	o.latency, o.tasks = s.Latency, s.Tasks
	for kind, n := range s.Failures {
		if o.failures == nil {
			o.failures = load.Failures{}
		}
		o.failures[kind] += n
	}
	o.problem = cmp.Or(s.Err, o.problem)
}

// done notes the end.
func (o *test) done(now time.Time, s load.Summary, err error, stopped bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = now
	o.latency = s.Latency
	switch {
	case err != nil:
		o.state, o.problem = Failed, err.Error()
	case stopped:
		o.state = Stopped
	default:
		o.state = Ended
	}
}

// view is what is known. While the test runs, latency and tasks are those of the last second.
func (o *test) view(record bool) View {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := View{
		ID: o.id, Spec: o.spec, By: o.by, State: o.state, Problem: o.problem, Began: o.began, Ends: o.ended, Speed: o.speed, Via: o.via, Service: o.service,
		Requests: o.requests, Errors: o.errors, P50: o.latency.P50, P95: o.latency.P95, P99: o.latency.P99, Tasks: o.tasks,
	}
	if v.Ends.IsZero() {
		v.Ends = v.Began.Add(o.spec.Duration)
	}
	if o.real > 0 {
		v.Throughput = float64(o.requests-o.errors) / o.real.Seconds()
	}
	if len(o.failures) > 0 {
		v.Failures = load.Failures{}
		for kind, n := range o.failures {
			v.Failures[kind] = n
		}
	}
	if record {
		v.Lines = slices.Clone(o.history.Lines())
	}
	return v
}
