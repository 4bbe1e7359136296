package balancer

import (
	"errors"
	"iter"
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
	listeners map[netip.AddrPort]*listener
	counts    counts
	seen      atomic.Bool          // something came since the last datapoints
	handled   atomic.Pointer[plan] // of the first HTTP listener, or of the first one
}

// name is the load balancer in the dimensions of metrics: the end of its ARN.
func (b *loadBalancer) name() string {
	_, name, _ := strings.Cut(aws.ToString(b.spec.LoadBalancerArn), ":loadbalancer/")
	return name
}

// noteTraffic notes that there is something to report.
func (b *loadBalancer) noteTraffic() {
	if !b.seen.Load() { // to read is cheaper than to write what all processors share
		b.seen.Store(true)
	}
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
	listeners := make(map[netip.AddrPort]*listener, len(spec.Listeners))
	var first *plan
	for _, l := range spec.Listeners {
		p, err := newPlan(b, settings, l, groupOf)
		rules = errors.Join(rules, err)
		if first == nil || first.secure && !p.secure {
			first = p
		}
		for at := range spec.at(l) {
			kept, ok := b.listeners[at]
			if !ok {
				kept = opened[at]
			}
			kept.plan.Store(p)
			listeners[at] = kept
			if !ok {
				go kept.accept()
			}
		}
	}
	b.handled.Store(first)
	before := b.listeners
	b.listeners = listeners
	for at, l := range before {
		if listeners[at] != l {
			l.close()
		}
	}
	return nil, rules
}

// at is where a listener listens.
func (spec LoadBalancer) at(l Listener) iter.Seq[netip.AddrPort] {
	return func(yield func(netip.AddrPort) bool) {
		port := uint16(aws.ToInt32(l.Port))
		if !yield(netip.AddrPortFrom(spec.Address, port)) {
			return
		}
		for _, other := range spec.Others {
			if !yield(netip.AddrPortFrom(other, port)) {
				return
			}
		}
	}
}

// open opens the sockets that are missing.
func (b *loadBalancer) open(spec LoadBalancer, o Options) (map[netip.AddrPort]*listener, error) {
	opened := map[netip.AddrPort]*listener{}
	for _, l := range spec.Listeners {
		for at := range spec.at(l) {
			if b.listeners[at] != nil || opened[at] != nil {
				continue
			}
			made, err := listen(at.String(), o.Certificate)
			if err != nil {
				for _, l := range opened {
					l.close()
				}
				return nil, err
			}
			made.admit = o.Admit
			opened[at] = made
		}
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

// ServeHTTP serves as the first HTTP listener does, or the first one.
func (b *loadBalancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := b.handled.Load()
	if p == nil {
		http.Error(w, "the load balancer has no listener", http.StatusServiceUnavailable)
		return
	}
	p.serveHTTP(w, r)
}
