package balancer

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/metric"
)

// A report collects the datapoints of one load balancer.
type report struct {
	at       time.Time
	balancer string // its dimension
	zone     string
	samples  []metric.Sample
}

const namespace = "AWS/ApplicationELB"

// add takes what the load balancer and its groups have counted. With no traffic only
// the numbers of healthy hosts are told.
func (r *report) add(b *loadBalancer, groups []*group) {
	active := b.counts.active.Load()
	traffic := b.seen.Swap(false) || active > 0
	total := map[string]*counted{"": {}} // by zone; "" is all of them
	for _, g := range groups {
		g.report(r, total, traffic)
	}
	if !traffic {
		return
	}
	for zone, c := range total {
		r.targets(zone, "", c, true)
	}
	for i := range b.counts.numbers {
		if n := b.counts.numbers[i].Swap(0); n > 0 {
			r.sum(counterKinds[i], "", float64(n))
		}
	}
	if active += r.connections(groups); active > 0 {
		r.sum(kind{"ActiveConnectionCount", "Count"}, "", float64(active))
	}
}

// connections are those to targets.
func (r *report) connections(groups []*group) (n int64) {
	for _, g := range groups {
		for _, t := range g.tallied() {
			n += t.connections.Load()
		}
	}
	return n
}

// report takes what was counted of the group's targets.
func (g *group) report(r *report, total map[string]*counted, traffic bool) {
	name := g.name()
	all := &counted{}
	for _, t := range g.tallied() {
		c := t.take()
		all.add(c)
		for _, zone := range []string{"", t.zone} {
			if total[zone] == nil {
				total[zone] = &counted{}
			}
			total[zone].add(c)
			if t.zone == "" {
				break
			}
		}
		if t.zone != "" && traffic {
			r.targets(t.zone, name, &c, false)
		}
	}
	if traffic {
		r.targets("", name, all, true)
		if n := len(g.roster.Load().targets); n > 0 {
			perTarget := kind{"RequestCountPerTarget", "Count"}
			r.one(perTarget, float64(all.requests)/float64(n), metric.Dimension{Name: "TargetGroup", Value: name})
			r.sum(perTarget, name, float64(all.requests)/float64(n))
		}
	}
	g.reportHosts(r, name)
}

// name is the group in the dimensions of metrics: the end of its ARN.
func (g *group) name() string { return g.arn[strings.LastIndexByte(g.arn, ':')+1:] }

func (g *group) tallied() []*tally {
	g.mu.Lock()
	defer g.mu.Unlock()
	tallies := make([]*tally, 0, len(g.tallies))
	for _, t := range g.tallies {
		tallies = append(tallies, t)
	}
	return tallies
}

// A census is how many targets a group has in a zone. Those whose first checks have not
// ended are neither healthy nor unhealthy.
type census struct{ registered, healthy, unhealthy int }

// censuses counts targets by zone; "" is all of them.
func (g *group) censuses() map[string]census {
	counts := map[string]census{"": {}}
	registered, _ := g.candidates()
	for _, t := range registered {
		for _, zone := range slices.Compact([]string{"", t.zone(g.zone)}) {
			n := counts[zone]
			n.registered++
			switch {
			case g.healthy(t):
				n.healthy++
			case t.health.state == types.TargetHealthStateEnumUnhealthy:
				n.unhealthy++
			}
			counts[zone] = n
		}
	}
	return counts
}

// reportHosts tells how many targets are healthy, and whether that is enough.
func (g *group) reportHosts(r *report, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.used || !g.checks() {
		return
	}
	for zone, n := range g.censuses() {
		in := r.in(zone, name)
		r.one(kind{"HealthyHostCount", "Count"}, float64(n.healthy), in...)
		r.one(kind{"UnHealthyHostCount", "Count"}, float64(n.unhealthy), in...)
		r.state("Routing", g.routing.met(n.healthy, n.registered), in)
		r.state("DNS", g.dns.met(n.healthy, n.registered), in)
	}
}

// state tells how many zones are healthy and how many are not. There is one.
func (r *report) state(of string, healthy bool, in []metric.Dimension) {
	good, bad := 1.0, 0.0
	if !healthy {
		good, bad = bad, good
	}
	r.one(kind{"HealthyState" + of, "Count"}, good, in...)
	r.one(kind{"UnhealthyState" + of, "Count"}, bad, in...)
}

// targets tells what was counted of targets. Zeros are told of requests only.
func (r *report) targets(zone, group string, c *counted, zeros bool) {
	in := r.in(zone, group)
	if c.requests > 0 || zeros {
		r.times(kind{"RequestCount", "Count"}, c.requests, in)
	}
	for i, name := range [...]string{2: "2XX", 3: "3XX", 4: "4XX", 5: "5XX"} {
		if n := c.classes[i]; name != "" && n > 0 {
			r.times(kind{"HTTPCode_Target_" + name + "_Count", "Count"}, n, in)
		}
	}
	if c.connectionErrors > 0 {
		r.times(kind{"TargetConnectionErrorCount", "Count"}, c.connectionErrors, in)
	}
	if c.tlsErrors > 0 {
		r.times(kind{"TargetTLSNegotiationErrorCount", "Count"}, c.tlsErrors, in)
	}
	if c.failOpen > 0 && group != "" {
		r.times(kind{"UnhealthyRoutingRequestCount", "Count"}, c.failOpen, in)
	}
	if c.latency.Count > 0 {
		r.samples = append(r.samples, r.sample(kind{"TargetResponseTime", "Seconds"}, c.latency.Clone(), in))
	}
}

// in returns the dimensions of a zone and of a group, if there are any.
func (r *report) in(zone, group string) []metric.Dimension {
	in := []metric.Dimension{{Name: "LoadBalancer", Value: r.balancer}}
	if zone != "" {
		in = append(in, metric.Dimension{Name: "AvailabilityZone", Value: zone})
	}
	if group != "" {
		in = append(in, metric.Dimension{Name: "TargetGroup", Value: group})
	}
	return in
}

// sum tells a number of the load balancer, or of a group, as one value.
func (r *report) sum(k kind, group string, value float64) {
	r.one(k, value, r.in("", group)...)
	if r.zone != "" && group == "" {
		r.one(k, value, r.in(r.zone, "")...)
	}
}

func (r *report) one(k kind, value float64, in ...metric.Dimension) {
	var set metric.Set
	set.Add(value, 1)
	r.samples = append(r.samples, r.sample(k, set, in))
}

// times tells that something happened n times: each is a value of 1, as AWS has it
// ("Statistics for Application Load Balancer metrics"). None is one value of 0.
func (r *report) times(k kind, n int64, in []metric.Dimension) {
	var set metric.Set
	if n > 0 {
		set.Add(1, float64(n))
	} else {
		set.Add(0, 1)
	}
	r.samples = append(r.samples, r.sample(k, set, in))
}

func (r *report) sample(k kind, set metric.Set, in []metric.Dimension) metric.Sample {
	return metric.Sample{Metric: metric.NewID(namespace, k.name, in...), Time: r.at, Unit: k.unit, Set: set}
}
