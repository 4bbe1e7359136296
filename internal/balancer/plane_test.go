package balancer

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	testGroup    = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"
	testBalancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/front/0123456789abcdef"
)

// A bench is a balancer with one listener and one group, on real sockets.
type bench struct {
	served atomic.Int64 // good answers to the load
	*Plane
	t     testing.TB
	lb    LoadBalancer
	group Group
	url   string
}

// newBench makes one that forwards everything to targets served by handlers.
func newBench(t testing.TB, handlers ...http.Handler) *bench {
	t.Helper()
	b := &bench{Plane: New(Options{}), t: t, lb: testLB(freePort(t)), group: testTG()}
	t.Cleanup(func() { b.Close(t.Context()) })
	for _, h := range handlers {
		b.addTarget(serveTarget(t, h))
	}
	b.apply()
	if len(handlers) > 0 {
		b.waitHealthy(len(handlers))
	}
	return b
}

func testLB(port int) LoadBalancer {
	return LoadBalancer{
		LoadBalancer: types.LoadBalancer{
			LoadBalancerArn:   aws.String(testBalancer),
			AvailabilityZones: []types.AvailabilityZone{{ZoneName: aws.String("us-east-1a")}},
		},
		Attributes: map[string]string{},
		Address:    netip.MustParseAddr("127.0.0.1"),
		Listeners: []Listener{{
			Listener:   types.Listener{Port: aws.Int32(int32(port)), Protocol: types.ProtocolEnumHttp},
			Attributes: map[string]string{},
			Rules:      []types.Rule{forwardTo(testGroup)},
		}},
	}
}

func forwardTo(group string, conditions ...types.RuleCondition) types.Rule {
	return types.Rule{Conditions: conditions, Actions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &group}}}
}

func testTG() Group {
	return Group{
		TargetGroup: types.TargetGroup{
			TargetGroupArn: aws.String(testGroup), Protocol: types.ProtocolEnumHttp, ProtocolVersion: aws.String("HTTP1"),
			HealthCheckEnabled: aws.Bool(true), HealthCheckProtocol: types.ProtocolEnumHttp, HealthCheckPath: aws.String("/"),
			HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2),
			HealthyThresholdCount: aws.Int32(2), UnhealthyThresholdCount: aws.Int32(2),
			Matcher: &types.Matcher{HttpCode: aws.String("200")},
		},
		Attributes: map[string]string{},
	}
}

// freePort is a port that is free. It is below those that the system gives to connections and to listeners that ask for any, so
// that nobody is given it before the load balancer listens.
func freePort(t testing.TB) int {
	t.Helper()
	var last error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.N(10000)))
		if err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
		last = err
	}
	t.Fatal(last)
	return 0
}

func serveTarget(t testing.TB, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func (b *bench) addTarget(addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		b.t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	b.group.Targets = append(b.group.Targets, Target{TargetDescription: types.TargetDescription{
		Id: &host, Port: aws.Int32(int32(n)), AvailabilityZone: aws.String("us-east-1a")}})
}

// apply tells the plane of the load balancer and the group.
func (b *bench) apply() {
	b.t.Helper()
	b.SetGroup(b.group)
	if err := b.SetLoadBalancer(b.lb); err != nil {
		b.t.Fatal(err)
	}
	b.url = fmt.Sprint("http://127.0.0.1:", *b.lb.Listeners[0].Port)
}

func (b *bench) waitHealthy(n int) {
	b.t.Helper()
	b.wait("healthy targets", func() bool {
		healthy := 0
		for _, h := range b.Health(testGroup) {
			if h.TargetHealth.State == types.TargetHealthStateEnumHealthy {
				healthy++
			}
		}
		return healthy == n
	})
}

// wait waits for a condition of the real world.
func (b *bench) wait(what string, holds func() bool) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("waited too long for ", what)
		}
	}
}

func (b *bench) get(path string) (int, string) {
	b.t.Helper()
	r, err := http.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
}

func TestRequestsGoRound(t *testing.T) {
	b := newBench(t, named("a"), named("b"))
	seen := map[string]int{}
	for range 10 {
		status, body := b.get("/")
		if status != 200 {
			t.Fatalf("status %d", status)
		}
		seen[body]++
	}
	if seen["a"] != 5 || seen["b"] != 5 {
		t.Errorf("answers %v, want 5 of each target", seen)
	}
}

func TestNoTargetIs503(t *testing.T) {
	b := newBench(t)
	if status, body := b.get("/"); status != 503 || body != html(503) {
		t.Errorf("status %d, body %q", status, body)
	}
}

func TestAnAddressInUseChangesNothing(t *testing.T) {
	b := newBench(t, named("a"))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	next := b.lb
	next.Listeners = append([]Listener{}, b.lb.Listeners...)
	next.Listeners[0].Rules = nil
	next.Listeners = append(next.Listeners, Listener{Listener: types.Listener{
		Port: aws.Int32(int32(taken.Addr().(*net.TCPAddr).Port)), Protocol: types.ProtocolEnumHttp}})
	if err := b.SetLoadBalancer(next); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("error %v, want one that names %s", err, taken.Addr())
	}
	if status, body := b.get("/"); status != 200 || body != "a" {
		t.Errorf("afterwards: %d, %q", status, body)
	}
}

func TestListenersComeAndGo(t *testing.T) {
	b := newBench(t, named("a"))
	first := b.lb.Listeners[0]
	second := first
	second.Port = aws.Int32(int32(freePort(t)))
	b.lb.Listeners = []Listener{second}
	before := b.url
	b.apply()
	if status, _ := b.get("/"); status != 200 {
		t.Errorf("the new listener: %d", status)
	}
	if r, err := http.Get(before); err == nil {
		r.Body.Close()
		t.Error("the old listener still listens")
	}
	b.RemoveLoadBalancer(testBalancer)
	if r, err := http.Get(b.url); err == nil {
		r.Body.Close()
		t.Error("a load balancer that was removed still listens")
	}
	if b.Handler(testBalancer) != nil {
		t.Error("it still has a handler")
	}
}

func TestAGroupThatComesBack(t *testing.T) {
	b := newBench(t, named("a"))
	b.RemoveGroup(testGroup)
	if status, _ := b.get("/"); status != 503 {
		t.Errorf("without its group: %d", status)
	}
	b.SetGroup(b.group)
	b.waitHealthy(1)
	if status, _ := b.get("/"); status != 200 {
		t.Errorf("with it again: %d", status)
	}
}

func TestTwoTargetsAtOneAddress(t *testing.T) {
	b := newBench(t, named("a"))
	b.group.Targets = append(b.group.Targets, b.group.Targets[0])
	b.apply()
	b.waitHealthy(2)
	b.apply()
	if status, body := b.get("/"); status != 200 || body != "a" || len(b.Health(testGroup)) != 2 {
		t.Errorf("%d, %q, %d targets", status, body, len(b.Health(testGroup)))
	}
}

func TestALoadBalancerListensAtAllItsAddresses(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }))
	b.waitHealthy(1)
	other := netip.MustParseAddr("127.0.0.2")
	if l, err := net.Listen("tcp", netip.AddrPortFrom(other, 0).String()); err != nil {
		t.Skip("the system has only 127.0.0.1")
	} else {
		l.Close()
	}
	b.lb.Others = []netip.Addr{other}
	b.apply()
	url := fmt.Sprintf("http://%s:%d/", other, *b.lb.Listeners[0].Port)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answers := func() bool {
		r, err := client.Get(url)
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	}
	if !answers() {
		t.Fatal("it does not listen at its other address")
	}
	b.lb.Others = nil
	b.apply()
	b.wait("it listens there no more", func() bool { return !answers() })
}

// idle says whether all connections wait for a request.
func (b *bench) idle() bool {
	for _, l := range b.balancers[testBalancer].listeners {
		l.mu.Lock()
		defer l.mu.Unlock()
		for c := range l.conns {
			if c.busy.Load() != waiting {
				return false
			}
		}
	}
	return true
}

// A connection may wait for its next request longer than a listener keeps its rules.
func TestAnIdleConnectionIsServedByTheRulesOfItsNextRequest(t *testing.T) {
	b := newBench(t, named("a"))
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	ask := func() (status int) {
		t.Helper()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode
	}
	if got := ask(); got != 200 {
		t.Fatalf("the target answers %d", got)
	}
	b.wait("the connection to be idle", b.idle)
	b.lb.Listeners[0].Rules = []types.Rule{{Actions: []types.Action{{
		Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("404")},
	}}}}
	b.apply()
	if got := ask(); got != 404 {
		t.Errorf("the rules answer %d, not 404", got)
	}
}
