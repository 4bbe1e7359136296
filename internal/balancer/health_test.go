package balancer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func TestHealthAfterChecks(t *testing.T) {
	g := &types.TargetGroup{HealthyThresholdCount: aws.Int32(3), UnhealthyThresholdCount: aws.Int32(2)}
	const (
		initial   = types.TargetHealthStateEnumInitial
		healthy   = types.TargetHealthStateEnumHealthy
		unhealthy = types.TargetHealthStateEnumUnhealthy
	)
	for name, c := range map[string]struct {
		checks []verdict // the zero one is a success
		want   types.TargetHealthStateEnum
		reason types.TargetHealthReasonEnum
	}{
		"one success makes a new target healthy":      {[]verdict{{}}, healthy, ""},
		"one failure changes nothing of a new one":    {[]verdict{failed}, initial, types.TargetHealthReasonEnumInitialHealthChecking},
		"a success after a failure":                   {[]verdict{failed, {}}, healthy, ""},
		"failures in a row":                           {[]verdict{failed, timedOut}, unhealthy, types.TargetHealthReasonEnumTimeout},
		"failures not in a row":                       {[]verdict{{}, failed, {}, failed}, healthy, ""},
		"the way back takes as many as the threshold": {[]verdict{failed, failed, {}, {}}, unhealthy, types.TargetHealthReasonEnumFailedHealthChecks},
		"and not fewer in a row":                      {[]verdict{failed, failed, {}, {}, failed, {}, {}}, unhealthy, types.TargetHealthReasonEnumFailedHealthChecks},
		"back":                                        {[]verdict{failed, failed, {}, {}, {}}, healthy, ""},
		"the reason is the last failure's":            {[]verdict{failed, failed, wrongCode("503")}, unhealthy, types.TargetHealthReasonEnumResponseCodeMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			h := registered().checking()
			for _, v := range c.checks {
				h = h.after(v, g)
			}
			if h.state != c.want || h.reason != c.reason {
				t.Errorf("%s (%s), want %s (%s)", h.state, h.reason, c.want, c.reason)
			}
		})
	}
}

func TestMatchers(t *testing.T) {
	m := newMatcher("200,300-302")
	for code, want := range map[int]bool{200: true, 201: false, 299: false, 300: true, 302: true, 303: false} {
		if got := m.match(code); got != want {
			t.Errorf("%d: %v, want %v", code, got, want)
		}
	}
}

// A network connects to handlers in memory, so that time can be virtual.
type network struct {
	mu      sync.Mutex
	servers map[string]*pipes
}

// A pipes is a listener at one address.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// serve serves an address until the test ends.
func (n *network) serve(t *testing.T, address string, h http.Handler) {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	if n.servers == nil {
		n.servers = map[string]*pipes{}
	}
	n.servers[address] = p
	n.mu.Unlock()
	s := &http.Server{Handler: h}
	go s.Serve(p)
	t.Cleanup(func() { s.Close() })
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	p := n.servers[address]
	n.mu.Unlock()
	if p == nil {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// virtual makes a plane with one group in memory.
func virtual(t *testing.T, n *network, targets ...Target) (*Plane, Group) {
	p := New(Options{})
	p.dial = n.dial
	g := testTG()
	g.Targets = targets
	p.group(testGroup).use(true, "us-east-1a")
	p.SetGroup(g)
	t.Cleanup(func() { p.Close(context.Background()) })
	return p, g
}

func at(ip string) Target {
	return Target{TargetDescription: types.TargetDescription{Id: &ip, Port: aws.Int32(80)}}
}

// stateOf is the state of the first target.
func stateOf(p *Plane) types.TargetHealthStateEnum { return p.Health(testGroup)[0].TargetHealth.State }

func TestChecksAsTimeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		var status, checks atomic.Int64
		status.Store(200)
		n.serve(t, "10.0.0.1:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			checks.Add(1)
			if r.UserAgent() != "ELB-HealthChecker/2.0" || r.Host != "10.0.0.1:80" || r.Method != "GET" || !r.Close {
				t.Errorf("a check with %s, agent %q, host %q, close %v", r.Method, r.UserAgent(), r.Host, r.Close)
			}
			time.Sleep(time.Second) // the interval does not become longer by it
			w.WriteHeader(int(status.Load()))
		}))
		p, _ := virtual(t, &n, at("10.0.0.1"))
		synctest.Wait()
		if h := p.Health(testGroup)[0].TargetHealth; h.Reason != types.TargetHealthReasonEnumInitialHealthChecking {
			t.Errorf("at first: %s", h.Reason)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := stateOf(p); s != types.TargetHealthStateEnumHealthy {
			t.Errorf("after the first check: %s", s)
		}
		time.Sleep(50 * time.Second) // ten intervals
		synctest.Wait()
		if n := checks.Load(); n != 11 {
			t.Errorf("%d checks in 51 seconds, want 11", n)
		}
		status.Store(503)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s := stateOf(p); s != types.TargetHealthStateEnumHealthy {
			t.Errorf("after one failure: %s", s)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		h := p.Health(testGroup)[0].TargetHealth
		if h.State != types.TargetHealthStateEnumUnhealthy || aws.ToString(h.Description) != "Health checks failed with these codes: [503]" {
			t.Errorf("after two failures: %s, %s", h.State, aws.ToString(h.Description))
		}
	})
}

func TestWhyTargetsAreNotHealthy(t *testing.T) {
	for name, c := range map[string]struct {
		handler     http.HandlerFunc
		reason      types.TargetHealthReasonEnum
		description string
	}{
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			types.TargetHealthReasonEnumTimeout, "Request timed out"},
		"not there": {nil, types.TargetHealthReasonEnumFailedHealthChecks, "Health checks failed"},
		"redirects": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) },
			types.TargetHealthReasonEnumResponseCodeMismatch, "Health checks failed with these codes: [302]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n network
				if c.handler != nil {
					n.serve(t, "10.0.0.1:80", c.handler)
				}
				p, _ := virtual(t, &n, at("10.0.0.1"))
				time.Sleep(8 * time.Second)
				synctest.Wait()
				h := p.Health(testGroup)[0].TargetHealth
				if h.State != types.TargetHealthStateEnumUnhealthy || h.Reason != c.reason || aws.ToString(h.Description) != c.description {
					t.Errorf("%s, %s, %q", h.State, h.Reason, aws.ToString(h.Description))
				}
			})
		})
	}
}

func TestStatesWithoutChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		p, g := virtual(t, &n, at("10.0.0.1"))
		p.group(testGroup).use(false, "")
		if h := p.Health(testGroup)[0].TargetHealth; h.Reason != types.TargetHealthReasonEnumNotInUse {
			t.Errorf("in no rule: %s", h.Reason)
		}
		p.group(testGroup).use(true, "")
		g.HealthCheckEnabled = aws.Bool(false)
		p.SetGroup(g)
		if h := p.Health(testGroup)[0].TargetHealth; h.State != types.TargetHealthStateEnumUnavailable || h.Reason != types.TargetHealthReasonEnumHealthCheckDisabled {
			t.Errorf("without checks: %s, %s", h.State, h.Reason)
		}
		g.Targets[0].DrainUntil = time.Now().Add(time.Minute)
		p.SetGroup(g)
		if s := stateOf(p); s != types.TargetHealthStateEnumDraining {
			t.Errorf("deregistered: %s", s)
		}
		g.Targets[0].DrainUntil = time.Time{}
		g.HealthCheckEnabled = aws.Bool(true)
		p.SetGroup(g)
		if s := stateOf(p); s != types.TargetHealthStateEnumInitial {
			t.Errorf("registered again: %s, want a beginning", s)
		}
	})
}

// listenerFor makes a listener that forwards everything to the test's group, without a
// socket.
func listenerFor(p *Plane) *listener {
	l := newListener(&pipes{closed: make(chan struct{})}, nil)
	lb := testLB(80)
	compiled, err := newPlan(&loadBalancer{}, newSettings(lb.Attributes), lb.Listeners[0], p.group)
	if err != nil {
		panic(err)
	}
	l.plan.Store(compiled)
	return l
}

// ask serves one raw request on a connection in memory and returns what comes back.
func ask(p *Plane, raw string) string {
	client, server := net.Pipe()
	go newClientConn(listenerFor(p), server).serve()
	go client.Write([]byte(raw))
	all, _ := io.ReadAll(client)
	return string(all)
}
