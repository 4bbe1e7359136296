package balancer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A listener accepts connections at one address.
type listener struct {
	net.Listener
	plan    atomic.Pointer[plan]
	tls     *tls.Config
	streams streamServer // for HTTP/2
	admit   func(net.Conn) bool
	closing atomic.Bool

	mu    sync.Mutex
	conns map[*clientConn]struct{}
	ended sync.WaitGroup
}

func listen(address string, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) (*listener, error) {
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err // which names the address and the port
	}
	return newListener(socket, certificate), nil
}

func newListener(socket net.Listener, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *listener {
	l := &listener{Listener: socket, conns: map[*clientConn]struct{}{}}
	if certificate == nil {
		certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, errors.New("the load balancer has no certificates")
		}
	}
	offer := func(protocols ...string) *tls.Config {
		return &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12, NextProtos: protocols}
	}
	one, both := offer("http/1.1"), offer("h2", "http/1.1")
	l.tls = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if l.plan.Load().http2 {
			return both, nil
		}
		return one, nil
	}}
	l.streams.init(l)
	return l
}

// accept accepts connections until the listener is closed.
func (l *listener) accept() {
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(10 * time.Millisecond) // no file descriptors are left
			continue
		}
		if l.admit != nil && !l.admit(conn) {
			conn.Close()
			continue
		}
		b := l.plan.Load().balancer
		b.noteTraffic()
		b.counts.add(newConnections, 1)
		b.counts.active.Add(1)
		l.ended.Go(func() {
			defer b.counts.active.Add(-1)
			l.serve(conn)
		})
	}
}

// serve serves a connection that was accepted.
func (l *listener) serve(conn net.Conn) {
	var state *tls.ConnectionState
	if l.plan.Load().secure {
		secure := tls.Server(conn, l.tls)
		ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
		err := secure.HandshakeContext(ctx)
		cancel()
		if err != nil {
			l.plan.Load().balancer.counts.add(tlsErrors, 1)
			conn.Close()
			return
		}
		s := secure.ConnectionState()
		state, conn = &s, secure
		if s.NegotiatedProtocol == "h2" {
			l.streams.serve(secure)
			return
		}
	}
	c := newClientConn(l, conn)
	c.x.tls = state
	if !l.add(c) {
		conn.Close()
		return
	}
	defer l.remove(c)
	c.serve()
}

func (l *listener) add(c *clientConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return !l.closing.Load()
}

func (l *listener) remove(c *clientConn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
}

// close stops accepting, and closes connections without a request. Those that have one
// end with it.
func (l *listener) close() {
	l.closing.Store(true)
	l.Close()
	l.mu.Lock()
	for c := range l.conns {
		if c.busy.CompareAndSwap(waiting, closed) {
			c.Close()
		}
	}
	l.mu.Unlock()
	l.streams.close()
}

// wait waits until all connections have ended, or ends them when ctx ends.
func (l *listener) wait(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		l.ended.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	l.mu.Lock()
	for c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.streams.server.Close()
	<-ended
}
