package balancer

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A group is a target group: its targets, their health, and who is chosen from now.
type group struct {
	arn     string
	dial    dialFunc
	changed func() // tells that health has changed, or that a target has drained

	roster atomic.Pointer[roster]
	turn   atomic.Uint64

	mu     sync.Mutex
	config types.TargetGroup
	groupSettings
	used    bool   // a rule forwards to it
	zone    string // of targets that say none
	streams *http.Transport
	checker *checker
	targets []*target // in the order in which they were given
	tallies map[string]*tally
}

// A dialFunc makes connections to targets.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func newGroup(arn string, dial dialFunc, changed func(groupARN string)) *group {
	g := &group{arn: arn, dial: dial, changed: func() {}, tallies: map[string]*tally{}}
	if changed != nil {
		g.changed = func() { changed(arn) }
	}
	g.roster.Store(&roster{})
	return g
}

// set gives the group its configuration and targets.
func (g *group) set(spec Group) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.config = spec.TargetGroup
	g.groupSettings = newGroupSettings(g.config, spec.Attributes)
	if g.version != "HTTP1" && g.streams == nil {
		g.streams = newStreams(g.dial)
	}
	if g.checker == nil || !g.checker.same(g.config) {
		g.stopChecks()
		g.checker = newChecker(g.config, g.dial)
	}
	g.setTargets(spec.Targets)
	g.check()
	g.publish()
}

// setTargets keeps the targets that stay. Two that are at one address, such as
// instances on this machine, are one that is chosen twice as often.
func (g *group) setTargets(given []Target) {
	before, now := map[address]*target{}, map[address]*target{}
	for _, t := range g.targets {
		before[t.address] = t
	}
	g.targets = nil
	for _, spec := range given {
		a := addressOf(spec)
		t := now[a]
		if t == nil {
			t = g.keep(before[a], spec)
			now[a] = t
			delete(before, a)
		}
		g.targets = append(g.targets, t)
	}
	for _, t := range before {
		g.end(t, true)
	}
}

// keep returns the target for a specification: the one that was there, unless it
// drained and comes back, in which case it begins anew.
func (g *group) keep(t *target, spec Target) *target {
	back := t != nil && t.leaving.Load() && spec.DrainUntil.IsZero()
	if back {
		g.end(t, false)
	}
	if t == nil || back {
		t = newTarget(g, spec)
		t.health = registered()
	}
	t.Target = spec
	t.tally.Store(g.tallyOf(t.zone(g.zone)))
	if !spec.DrainUntil.IsZero() {
		g.drain(t)
	}
	return t
}

func (g *group) tallyOf(zone string) *tally {
	t := g.tallies[zone]
	if t == nil {
		t = &tally{zone: zone}
		g.tallies[zone] = t
	}
	return t
}

// drain lets what runs on a target end until its time is over.
func (g *group) drain(t *target) {
	g.stopCheck(t)
	t.leave()
	left := time.Until(t.DrainUntil)
	if t.deadline != nil {
		t.deadline.Reset(left)
		return
	}
	t.deadline = time.AfterFunc(left, t.drop)
}

// end forgets a target, at once or when what runs on it has ended.
func (g *group) end(t *target, now bool) {
	g.stopCheck(t)
	t.leave()
	if !now {
		return // its deadline stays
	}
	if t.deadline != nil {
		t.deadline.Stop()
	}
	t.drop()
}

// use says whether a rule of a listener forwards to the group, and the zone of targets
// that name none.
func (g *group) use(used bool, zone string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.used == used && g.zone == zone {
		return
	}
	g.used, g.zone = used, zone
	for _, t := range g.targets {
		t.tally.Store(g.tallyOf(t.zone(zone)))
		if !used && t.DrainUntil.IsZero() {
			t.health = registered()
		}
	}
	g.check()
	g.publish()
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.targets {
		g.end(t, true)
	}
	g.targets = nil
	g.publish()
}

// checks says whether targets are checked.
func (g *group) checks() bool {
	return g.config.HealthCheckEnabled == nil || *g.config.HealthCheckEnabled
}

// check begins and ends the checks of targets as it should be now.
func (g *group) check() {
	if !g.used || !g.checks() || g.checker == nil {
		g.stopChecks()
		return
	}
	for _, t := range g.targets {
		if t.stop != nil || !t.DrainUntil.IsZero() {
			continue
		}
		ctx, stop := context.WithCancel(context.Background())
		t.stop = stop
		t.health = t.health.checking()
		go g.checker.loop(ctx, t)
	}
}

func (g *group) stopChecks() {
	for _, t := range g.targets {
		g.stopCheck(t)
	}
}

func (g *group) stopCheck(t *target) {
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
}

// checked takes in what a check says.
func (g *group) checked(t *target, v verdict) {
	g.mu.Lock()
	before := t.health
	if t.stop != nil {
		t.health = t.health.after(v, &g.config)
	}
	turned := before.state != t.health.state
	if turned {
		g.warm(t)
		g.publish()
	}
	told := turned || before.reason != t.health.reason || before.description != t.health.description
	g.mu.Unlock()
	if told {
		g.changed()
	}
}

// warm begins the slow start of a target that has become healthy, unless no other one
// could take what it does not ("Slow start mode").
func (g *group) warm(t *target) {
	t.warmFrom.Store(0)
	if g.slowStart == 0 || t.health.state != types.TargetHealthStateEnumHealthy {
		return
	}
	for _, o := range g.targets {
		if o != t && o.health.state == types.TargetHealthStateEnumHealthy && o.share(time.Now(), g.slowStart) == 1 {
			t.warmFrom.Store(time.Now().UnixNano())
			return
		}
	}
}

// publish makes the roster that requests are chosen by.
func (g *group) publish() {
	registered, healthy := g.candidates()
	r := &roster{targets: healthy, tokens: map[string]*target{}, turn: &g.turn, streams: g.streams, groupSettings: g.groupSettings}
	if !g.routing.met(len(healthy), len(registered)) {
		r.failOpen, r.targets = true, registered
	}
	for _, t := range r.targets {
		r.tokens[t.token] = t
	}
	g.roster.Store(r)
}

// healthy says whether a target is. Without checks all are.
func (g *group) healthy(t *target) bool {
	return !g.checks() || t.health.state == types.TargetHealthStateEnumHealthy
}

// candidates returns the targets that do not drain, and those of them that are healthy.
func (g *group) candidates() (registered, healthy []*target) {
	for _, t := range g.targets {
		if !t.DrainUntil.IsZero() {
			continue
		}
		registered = append(registered, t)
		if g.healthy(t) {
			healthy = append(healthy, t)
		}
	}
	return registered, healthy
}

// describe describes the targets in the order in which they were given.
func (g *group) describe() []types.TargetHealthDescription {
	g.mu.Lock()
	defer g.mu.Unlock()
	descriptions := make([]types.TargetHealthDescription, len(g.targets))
	for i, t := range g.targets {
		told := t.told(g.used, g.checks())
		description := t.TargetDescription
		port := strconv.Itoa(int(t.port))
		if g.checker != nil {
			port = g.checker.port(t.address)
		}
		descriptions[i] = types.TargetHealthDescription{Target: &description, TargetHealth: &told, HealthCheckPort: &port}
	}
	return descriptions
}
