package balancer

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A loadBalancer is one load balancer with its sockets and counts.
type loadBalancer struct {
	spec      LoadBalancer
	listeners map[int32]*listener // by port
	counts    counts
	seen      atomic.Bool          // something came since the last datapoints
	handled   atomic.Pointer[plan] // of the first HTTP listener
}

// name is the load balancer in the dimensions of metrics: the end of its ARN.
func (b *loadBalancer) name() string {
	_, name, _ := strings.Cut(aws.ToString(b.spec.LoadBalancerArn), ":loadbalancer/")
	return name
}

// zone is the zone that traffic is counted in when the target says none.
func (b *loadBalancer) zone() string {
	for _, z := range b.spec.AvailabilityZones {
		return aws.ToString(z.ZoneName)
	}
	return ""
}

// set makes the load balancer what a specification says. Sockets are opened before
// anything changes, so that an error changes nothing. What can not be compiled is the
// second result.
func (b *loadBalancer) set(spec LoadBalancer, o Options, groupOf func(arn string) *group) (err, rules error) {
	opened, err := b.open(spec, o)
	if err != nil {
		return err, nil
	}
	b.spec = spec
	settings := newSettings(spec.Attributes)
	listeners := make(map[int32]*listener, len(spec.Listeners))
	var first *plan
	for _, l := range spec.Listeners {
		port := aws.ToInt32(l.Port)
		p, err := newPlan(b, settings, l, groupOf)
		rules = errors.Join(rules, err)
		if first == nil && !p.secure {
			first = p
		}
		kept, ok := b.listeners[port]
		if !ok {
			kept = opened[port]
		}
		kept.plan.Store(p)
		listeners[port] = kept
		if !ok {
			go kept.accept()
		}
	}
	b.handled.Store(first)
	before := b.listeners
	b.listeners = listeners
	for port, l := range before {
		if listeners[port] != l {
			l.close()
		}
	}
	return nil, rules
}

// open opens the sockets that are missing.
func (b *loadBalancer) open(spec LoadBalancer, o Options) (map[int32]*listener, error) {
	if b.spec.Address != spec.Address {
		// Another address needs other sockets; there is no way back but a new one.
		b.closeListeners()
	}
	opened := map[int32]*listener{}
	for _, l := range spec.Listeners {
		port := aws.ToInt32(l.Port)
		if b.listeners[port] != nil || opened[port] != nil {
			continue
		}
		made, err := listen(netip.AddrPortFrom(spec.Address, uint16(port)).String(), o.Certificate)
		if err != nil {
			for _, l := range opened {
				l.close()
			}
			return nil, err
		}
		opened[port] = made
	}
	return opened, nil
}

func (b *loadBalancer) closeListeners() {
	for _, l := range b.listeners {
		l.close()
	}
	b.listeners = nil
	b.handled.Store(nil)
}

// wait waits until the connections of all listeners have ended.
func (b *loadBalancer) wait(ctx context.Context, listeners map[int32]*listener) {
	for _, l := range listeners {
		l.wait(ctx)
	}
}

// groups are the ARNs of the target groups that rules forward to.
func (b *loadBalancer) groups() map[string]bool {
	used := map[string]bool{}
	for _, l := range b.spec.Listeners {
		for _, r := range l.Rules {
			for _, a := range r.Actions {
				if a.Type != types.ActionTypeEnumForward {
					continue
				}
				if a.ForwardConfig == nil || len(a.ForwardConfig.TargetGroups) == 0 {
					used[aws.ToString(a.TargetGroupArn)] = true
					continue
				}
				for _, g := range a.ForwardConfig.TargetGroups {
					used[aws.ToString(g.TargetGroupArn)] = true
				}
			}
		}
	}
	return used
}

// ServeHTTP serves as the first HTTP listener does.
func (b *loadBalancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := b.handled.Load()
	if p == nil {
		http.Error(w, "the load balancer has no HTTP listener", http.StatusServiceUnavailable)
		return
	}
	p.serveHTTP(w, r)
}
