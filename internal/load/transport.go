package load

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
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
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: mostInFlight,
		IdleConnTimeout:     10 * time.Second,
		DisableCompression:  true,
	}
}
