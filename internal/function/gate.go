package function

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"flyball/internal/peer"
)

// A gate is where one environment, and no other, finds the Runtime API. On a network of
// their own environments are told apart by their addresses. Elsewhere they share the
// loopback addresses of this machine, each has a port, and is told by the sockets that its
// processes hold.
type gate struct {
	net.Listener
	environment *environment
	bridged     bool
	holder      func(inode uint64) (id string, ok bool)
	room        chan struct{} // holds a token for each connection
	only        netip.Addr    // who may come in, once opened is closed
	opened      chan struct{} // closed when only is known
	closed      chan struct{}
}

// connections is how many an environment may have with the Runtime API at once, of which it
// needs one or two: each takes a descriptor of the server's.
const connections = 64

// newGate opens a gate that holds everybody up until the environment's address is known.
func (h *Host) newGate(ctx context.Context, e *environment) (*gate, error) {
	l, err := h.tasks.Listen(ctx, 0)
	bridged := l != nil
	if l == nil && err == nil {
		l, err = net.Listen("tcp4", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listening for an environment: %w", err)
	}
	return &gate{Listener: l, environment: e, bridged: bridged, holder: h.tasks.HasSocket, room: make(chan struct{}, connections), opened: make(chan struct{}), closed: make(chan struct{})}, nil
}

// open lets in those at an address.
func (g *gate) open(address string) {
	g.only, _ = netip.ParseAddr(address) // or nobody comes in
	close(g.opened)
}

// Accept returns the environment's next connection.
func (g *gate) Accept() (net.Conn, error) {
	for {
		select {
		case g.room <- struct{}{}:
		case <-g.closed:
			return nil, net.ErrClosed
		}
		conn, err := g.Listener.Accept()
		if err != nil {
			<-g.room
			return nil, err
		}
		conn = &admitted{Conn: conn, leave: sync.OnceFunc(func() { <-g.room })}
		select {
		case <-g.opened:
		case <-g.closed:
			conn.Close()
			return nil, net.ErrClosed
		}
		if g.admits(conn) {
			return conn, nil
		}
		conn.Close()
	}
}

// admits says whether the environment is at the other end of a connection. Where the system
// does not tell, everybody on this machine is let in.
func (g *gate) admits(conn net.Conn) bool {
	if g.bridged {
		return conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap() == g.only
	}
	p, err := peer.Of(conn)
	if errors.Is(err, peer.ErrUnsupported) {
		return true
	}
	id, ok := g.holder(p.Inode)
	return err == nil && ok && id == g.environment.id
}

// An admitted is a connection that makes room for another one when it is closed.
type admitted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *admitted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// shut closes the gate.
func (g *gate) shut() {
	close(g.closed)
	_ = g.Listener.Close() // nobody is there any more
}
