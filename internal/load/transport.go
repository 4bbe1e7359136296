package load

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// A Guard says to which addresses requests may go, whatever names and redirections lead
// there. It is asked by several goroutines at once.
type Guard func(netip.Addr) bool

// A RefusedError is that of a request to an address that a Guard does not let through.
type RefusedError struct{ Address netip.Addr }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is neither of this machine nor a task of the server", e.Address)
}

// NewTransport returns a transport that keeps all its connections: with the usual two for
// each host, most users would open one for each request. Without a guard it connects to
// any address.
func NewTransport(guard Guard) *http.Transport {
	dialer := net.Dialer{Timeout: 30 * time.Second}
	if guard != nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err == nil && !guard(to.Addr().Unmap()) {
				err = &RefusedError{to.Addr()}
			}
			return err
		}
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && isLocalName(host) {
				address = net.JoinHostPort("127.0.0.1", port)
			}
			return dialer.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: mostInFlight,
		IdleConnTimeout:     10 * time.Second,
		DisableCompression:  true,
	}
}

// Lookup finds the addresses of a host, as a transport does.
func Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if isLocalName(host) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// isLocalName says whether a name stands below localhost, and so is this machine's (RFC 6761, 6.3):
// curl and browsers know that by themselves, name servers and Go do not.
func isLocalName(host string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost")
}
