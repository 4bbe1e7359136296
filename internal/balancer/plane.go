package balancer

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/metric"
)

// A Plane is the data plane of load balancers. Its lock is for changes: requests are
// served by plans and rosters, which they read without it.
type Plane struct {
	options Options
	dial    dialFunc

	mu        sync.Mutex
	balancers map[string]*loadBalancer
	groups    map[string]*group
}

var _ Driver = (*Plane)(nil)

// New returns a Plane with no load balancers.
func New(o Options) *Plane {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Plane{options: o, dial: dialer.DialContext, balancers: map[string]*loadBalancer{}, groups: map[string]*group{}}
}

// SetLoadBalancer implements Driver.
func (p *Plane) SetLoadBalancer(spec LoadBalancer) error {
	arn := aws.ToString(spec.LoadBalancerArn)
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.balancers[arn]
	if b == nil {
		b = &loadBalancer{}
	}
	err, rules := b.set(spec, p.options, p.group)
	if err != nil {
		return err
	}
	if rules != nil {
		p.options.Log.Error("A rule of a load balancer is left out", "loadBalancer", arn, "error", rules)
	}
	p.balancers[arn] = b
	p.use()
	return nil
}

// RemoveLoadBalancer implements Driver.
func (p *Plane) RemoveLoadBalancer(arn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.balancers[arn]; b != nil {
		b.closeListeners()
		delete(p.balancers, arn)
		p.use()
	}
}

// group returns a group, which may not have been set yet.
func (p *Plane) group(arn string) *group {
	g := p.groups[arn]
	if g == nil {
		g = newGroup(arn, p.dial, p.options.Changed)
		p.groups[arn] = g
	}
	return g
}

// use tells all groups whether a rule forwards to them.
func (p *Plane) use() {
	used := map[string]string{}
	for _, b := range p.balancers {
		for arn := range b.groups() {
			used[arn] = b.zone()
		}
	}
	for arn, g := range p.groups {
		zone, ok := used[arn]
		g.use(ok, zone)
	}
}

// SetGroup implements Driver.
func (p *Plane) SetGroup(spec Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.group(aws.ToString(spec.TargetGroupArn)).set(spec)
}

// RemoveGroup implements Driver.
func (p *Plane) RemoveGroup(arn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.groups[arn]; g != nil {
		g.close()
		if !g.used { // else rules hold on to it
			delete(p.groups, arn)
		}
	}
}

// Health implements Driver.
func (p *Plane) Health(groupARN string) []types.TargetHealthDescription {
	p.mu.Lock()
	g := p.groups[groupARN]
	p.mu.Unlock()
	if g == nil {
		return nil
	}
	return g.describe()
}

// Handler implements Driver.
func (p *Plane) Handler(lbARN string) http.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.balancers[lbARN]; b != nil && b.handled.Load() != nil {
		return b
	}
	return nil
}

// Take implements Driver.
func (p *Plane) Take(at time.Time) []metric.Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	var samples []metric.Sample
	for _, b := range p.balancers {
		r := report{at: at, balancer: b.name(), zone: b.zone()}
		var groups []*group
		for arn := range b.groups() {
			groups = append(groups, p.group(arn))
		}
		r.add(b, groups)
		samples = append(samples, r.samples...)
	}
	return samples
}

// Close implements Driver.
func (p *Plane) Close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open []*listener
	for _, b := range p.balancers {
		for _, l := range b.listeners {
			open = append(open, l)
		}
		b.closeListeners()
	}
	for _, l := range open {
		l.wait(ctx)
	}
	for _, g := range p.groups {
		g.close()
	}
	return nil
}
