// Package balancer is the data plane of application load balancers: it listens,
// chooses a target for each request, passes it on, and checks the health of
// targets.
//
//	plane := balancer.New(balancer.Options{Log: log, Changed: changed})
//	err := plane.SetLoadBalancer(lb)  // a value; one of the same ARN is replaced
//	plane.SetGroup(group)
//	health := plane.Health(groupARN)
//	samples := plane.Take(start)      // what was counted since the last time
//
// What it is told are values in the SDK's own types. Everything in it is real time:
// health checks, draining, time-outs. It keeps nothing: who drives it tells it
// everything again after a restart.
package balancer

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/metric"
)

// A LoadBalancer says what one load balancer is and does.
type LoadBalancer struct {
	types.LoadBalancer
	Attributes map[string]string // complete: every attribute that AWS reads back
	Address    netip.Addr        // it listens here, on its listeners' ports
	Others     []netip.Addr      // and at these addresses, too
	Listeners  []Listener
}

// A Listener says where a load balancer listens, and what it does with requests.
type Listener struct {
	types.Listener
	Attributes map[string]string
	Rules      []types.Rule // by priority; the last one is the default rule
}

// A Group says what a target group is, and which targets it has.
type Group struct {
	types.TargetGroup
	Attributes map[string]string // complete
	Targets    []Target
}

// A Target is one registered target, or one that was deregistered and drains.
type Target struct {
	types.TargetDescription           // Id is an IP address, Port is set
	DrainUntil              time.Time // when it is gone; zero while it is registered
}

// Options say how a Plane works. None has to be set.
type Options struct {
	Log *slog.Logger
	// Changed is called when the health of targets of a group has changed, or
	// requests to one that drains have ended. It may read the plane, and must not
	// wait for long.
	Changed func(groupARN string)
	// Certificate is what HTTPS listeners present. Without it they accept no one.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Admit, where it is set, says whether a connection may be served; others are closed.
	Admit func(net.Conn) bool
}

// A Driver is what the service drives of a Plane; Plane implements it.
type Driver interface {
	// SetLoadBalancer makes or replaces a load balancer. Connections and requests
	// that are under way go on. An error, such as an address in use, leaves it as it
	// was; the text says which address and port.
	SetLoadBalancer(LoadBalancer) error
	RemoveLoadBalancer(arn string)
	// SetGroup makes or replaces a target group. Targets that stay keep their
	// health. A group's targets are checked while a rule of a listener forwards to
	// the group.
	SetGroup(Group)
	RemoveGroup(arn string)
	// Health describes the targets of a group, those that drain too, in the order
	// in which they were given, in the words of AWS.
	Health(groupARN string) []types.TargetHealthDescription
	// Take returns what was counted since it was last called, as datapoints of the
	// namespace AWS/ApplicationELB at a time, in the dimensions that AWS publishes.
	Take(at time.Time) []metric.Sample
	// Handler serves requests as the first HTTP listener of a load balancer does, or the
	// first one if none speaks HTTP, for those who come to another address. It is nil when
	// there is no listener.
	Handler(lbARN string) http.Handler
	// Close stops listening and ends what is under way when ctx ends.
	Close(ctx context.Context) error
}
