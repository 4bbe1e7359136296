package elb

import (
	"context"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/state"
)

// An endpoint is a name by which a load balancer is reached beside its own. Several
// services that share a load balancer are told apart by it.
type endpoint struct {
	Host    string
	Address netip.Addr `json:",omitzero"` // the load balancer listens here, too
}

// localDomain ends the names of endpoints where all load balancers have the same
// address. Such names lead to this machine ("Special-Use Domain Names", RFC 6761).
const localDomain = "localhost"

// AddEndpoint gives a load balancer another name, and returns it. As with the name of
// the load balancer itself it is below the domain of load balancers, where there is
// one, or else an address at which the load balancer listens from now on. Rules tell
// by it for whom a request is.
func (a *API) AddEndpoint(ctx context.Context, balancer, name string) (host string, err error) {
	err = a.changeBalancer(ctx, &balancer, func(ctx context.Context, b *loadBalancer) error {
		return a.write(ctx, func(_ context.Context, tx *state.Tx) error {
			e := a.newEndpoint(tx, name)
			host = e.Host
			b.Endpoints = append(slices.Clone(b.Endpoints), e)
			return nil
		})
	})
	return host, err
}

func (a *API) newEndpoint(tx *state.Tx, name string) endpoint {
	if a.cfg.Domain != "" {
		return endpoint{Host: name + "." + a.cfg.Domain}
	}
	ip := a.cfg.Addresses.Take(name)
	if ip == (onlyLoopback{}).Take("") {
		return endpoint{Host: name + "." + localDomain}
	}
	tx.Undo(func() { a.cfg.Addresses.Release(ip) })
	return endpoint{Host: ip.String(), Address: ip}
}

// RemoveEndpoint takes a name of a load balancer away again.
func (a *API) RemoveEndpoint(ctx context.Context, balancer, host string) error {
	return a.changeBalancer(ctx, &balancer, func(ctx context.Context, b *loadBalancer) error {
		i := slices.IndexFunc(b.Endpoints, func(e endpoint) bool { return e.Host == host })
		if i < 0 {
			return nil
		}
		gone := b.Endpoints[i]
		b.Endpoints = slices.Delete(slices.Clone(b.Endpoints), i, i+1)
		return a.write(ctx, func(_ context.Context, tx *state.Tx) error {
			tx.After(func() { a.release(gone) })
			return nil
		})
	})
}

func (a *API) release(e endpoint) {
	if e.Address.IsValid() {
		a.cfg.Addresses.Release(e.Address)
	}
}

// PortOf is the port at which a load balancer listens in place of one of its
// listeners' ports: the same one, unless the system does not give it.
func (a *API) PortOf(balancer string, port int32) int32 {
	if a.plane.replaced(balancer) && port < 1024 {
		return port + otherPorts
	}
	return port
}

// named says whether a load balancer is reached by a name.
func (b loadBalancer) named(name string) bool {
	return aws.ToString(b.DNSName) == name || slices.ContainsFunc(b.Endpoints, func(e endpoint) bool { return e.Host == name })
}

// others are the addresses at which a load balancer listens beside its own.
func (b loadBalancer) others() (all []netip.Addr) {
	for _, e := range b.Endpoints {
		if e.Address.IsValid() {
			all = append(all, e.Address)
		}
	}
	return all
}
