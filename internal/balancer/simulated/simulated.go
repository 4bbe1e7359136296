// Package simulated is the data plane of load balancers in front of tasks that are records: it takes no
// request, and all registered targets are well.
package simulated

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer"
	"flyball/metric"
)

// A Plane knows target groups. The zero Plane has none; its methods may be called concurrently.
type Plane struct {
	mu     sync.Mutex
	groups map[string]balancer.Group
}

var _ balancer.Driver = (*Plane)(nil)

// SetLoadBalancer implements balancer.Driver: it listens nowhere.
func (p *Plane) SetLoadBalancer(balancer.LoadBalancer) error { return nil }

// RemoveLoadBalancer implements balancer.Driver.
func (p *Plane) RemoveLoadBalancer(string) {}

// SetGroup implements balancer.Driver.
func (p *Plane) SetGroup(g balancer.Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.groups == nil {
		p.groups = map[string]balancer.Group{}
	}
	p.groups[*g.TargetGroupArn] = g
}

// RemoveGroup implements balancer.Driver.
func (p *Plane) RemoveGroup(arn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.groups, arn)
}

// Health implements balancer.Driver.
func (p *Plane) Health(arn string) (all []types.TargetHealthDescription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.groups[arn].Targets {
		health := types.TargetHealth{State: types.TargetHealthStateEnumHealthy}
		if !t.DrainUntil.IsZero() {
			health = types.TargetHealth{
				State: types.TargetHealthStateEnumDraining, Reason: types.TargetHealthReasonEnumDeregistrationInProgress,
			}
		}
		all = append(all, types.TargetHealthDescription{Target: &t.TargetDescription, TargetHealth: &health})
	}
	return all
}

// Take implements balancer.Driver: nothing was counted.
func (p *Plane) Take(time.Time) []metric.Sample { return nil }

// Handler implements balancer.Driver: nobody can be asked.
func (p *Plane) Handler(string) http.Handler { return nil }

// Close implements balancer.Driver.
func (p *Plane) Close(context.Context) error { return nil }
