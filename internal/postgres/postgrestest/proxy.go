package postgrestest

import (
	"context"
	"io"
	"net"
	"sync"
)

// A Proxy is a way to a cluster that can be cut, as a network is.
type Proxy struct {
	listener net.Listener
	socket   string

	mu    sync.Mutex
	cut   chan struct{} // closed while nothing gets through; nil while it does
	conns map[net.Conn]bool
}

// NewProxy listens at loopback.
func (c *Cluster) NewProxy() (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, socket: c.Socket(), conns: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Cut has nothing get through any more, without a word: connections stay, and new ones do not come about.
// Those that there are end when it heals, as after a long cut.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == nil {
		p.cut = make(chan struct{})
	}
}

// Heal lets new connections through.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut == nil {
		return
	}
	close(p.cut)
	p.cut = nil
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// Close ends all.
func (p *Proxy) Close() error {
	p.Cut()
	p.Heal()
	return p.listener.Close()
}

// state is the cut that there is, if there is one.
func (p *Proxy) state() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(conn)
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if cut := p.state(); cut != nil {
		<-cut
		return
	}
	server, err := (&net.Dialer{}).DialContext(context.Background(), "unix", p.socket)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			p.relay(way[1], way[0])
			done <- struct{}{}
		}()
	}
	<-done
	if cut := p.state(); cut != nil {
		<-cut // an end does not get through either
	}
}

// relay passes on what comes, until nothing gets through.
func (p *Proxy) relay(to io.Writer, from io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if cut := p.state(); cut != nil {
			<-cut
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
