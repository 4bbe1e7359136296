package discovery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// A Dial connects to an address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// errGone is that of a connection to an address at which there was a task when it was asked for.
var errGone = errors.New("the task has gone")

// Dialing is a dial that gives up once the follower knows that nothing is at the address any
// more: where a task's network has gone with it, nobody would refuse the connection.
func (w *Follower) Dialing(dial Dial) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !w.Place().Has(to.Addr()) {
			return dial(ctx, network, address)
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			for looking := time.NewTicker(w.interval / 4); ; {
				select {
				case <-ctx.Done():
					looking.Stop()
					return
				case <-looking.C:
				}
				if !w.Place().Has(to.Addr()) {
					cancel(errGone)
				}
			}
		}()
		conn, err := dial(ctx, network, address)
		if err != nil && context.Cause(ctx) == errGone {
			err = &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: errGone}
		}
		return conn, err
	}
}

// Has is whether the place is at an address, at any port.
func (p Place) Has(address netip.Addr) bool {
	for _, base := range p.URLs {
		if u, err := url.Parse(base); err == nil && u.Hostname() == address.String() {
			return true
		}
	}
	return false
}
