package balancer

import (
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// An address is what tells the targets of a group apart.
type address struct {
	ip   string
	port int32
}

func (a address) String() string { return net.JoinHostPort(a.ip, strconv.Itoa(int(a.port))) }

// A target is one target of a group, with its connections and what runs on it.
type target struct {
	group *group
	Target
	address
	token string
	tally atomic.Pointer[tally]

	inFlight atomic.Int64
	warmFrom atomic.Int64 // when slow start began, in Unix nanoseconds; 0 outside of it

	// The lock of the group guards these.
	health   health
	stop     func() // ends the checks, if there are any
	deadline *time.Timer

	leaving atomic.Bool // it drains

	mu      sync.Mutex
	gone    bool
	idle    []*targetConn // the last one was used last
	running map[running]struct{}
}

// running is a request that can be ended when its target goes.
type running interface{ abort() }

func addressOf(t Target) address { return address{aws.ToString(t.Id), aws.ToInt32(t.Port)} }

func newTarget(g *group, t Target) *target {
	a := addressOf(t)
	return &target{group: g, Target: t, address: a, token: newToken(g.arn + " " + a.String()),
		running: map[running]struct{}{}}
}

// zone is the zone of the target, which it may leave to its balancer.
func (t *target) zone(otherwise string) string {
	if zone := aws.ToString(t.AvailabilityZone); zone != "" && zone != "all" {
		return zone
	}
	return otherwise
}

// share is how much of what other targets get is for this one.
func (t *target) share(now time.Time, slowStart time.Duration) float64 {
	from := t.warmFrom.Load()
	if from == 0 {
		return 1
	}
	passed := now.Sub(time.Unix(0, from))
	if passed >= slowStart {
		t.warmFrom.CompareAndSwap(from, 0)
		return 1
	}
	return float64(passed) / float64(slowStart)
}

// maxIdle is how many connections without a request are kept to a target.
const maxIdle = 512

// take returns a connection that has no request, or nil. It is for one that can not be
// sent twice if it has to be sure.
func (t *target) take(sure bool) *targetConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := len(t.idle); n > 0; n-- {
		c := t.idle[n-1]
		t.idle[n-1] = nil
		t.idle = t.idle[:n-1]
		if c.usable(sure) {
			t.running[c] = struct{}{}
			return c
		}
		c.Close()
	}
	return nil
}

// run notes what runs. It is false when the target has gone.
func (t *target) run(r running) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return false
	}
	t.running[r] = struct{}{}
	return true
}

// ended forgets what ran.
func (t *target) ended(r running) {
	t.mu.Lock()
	delete(t.running, r)
	t.mu.Unlock()
}

// keep takes a connection back whose request has ended.
func (t *target) keep(c *targetConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, c)
	if t.gone || t.leaving.Load() || len(t.idle) >= maxIdle {
		c.Close()
		return
	}
	c.since = time.Now()
	t.idle = append(t.idle, c)
}

// sweep closes connections that have been idle for as long as they may.
func (t *target) sweep(before time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.idle) && t.idle[n].since.Before(before) {
		t.idle[n].Close()
		n++
	}
	t.idle = append(t.idle[:0], t.idle[n:]...)
}

// leave makes the target one that takes no new requests.
func (t *target) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaving.Store(true)
	t.closeIdle()
}

// drop ends all that is left of the target.
func (t *target) drop() {
	t.mu.Lock()
	t.gone = true
	t.closeIdle()
	left := make([]running, 0, len(t.running))
	for r := range t.running {
		left = append(left, r)
	}
	t.mu.Unlock()
	for _, r := range left {
		r.abort()
	}
}

func (t *target) closeIdle() {
	for _, c := range t.idle {
		c.Close()
	}
	t.idle = nil
}

// begin counts a request in.
func (t *target) begin() { t.inFlight.Add(1) }

// end counts a request out, and tells of the last one of a target that drains.
func (t *target) end() {
	if t.inFlight.Add(-1) == 0 && t.leaving.Load() {
		t.group.changed()
	}
}
