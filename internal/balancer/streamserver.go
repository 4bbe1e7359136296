package balancer

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// A streamServer serves clients that speak HTTP/2, with net/http. It is the
// net.Listener of that server, too: it hands it connections whose handshake is done.
type streamServer struct {
	listener *listener
	server   http.Server
	begin    sync.Once
	conns    chan net.Conn
	ends     sync.Map // of net.Conn: a channel that is closed when net/http is done with it
	stopped  context.Context
	stop     context.CancelFunc
}

// maxStreams is how many requests a client may have at a time on one connection
// ("Listeners for your Application Load Balancers").
const maxStreams = 128

func (s *streamServer) init(l *listener) {
	s.listener = l
	s.conns = make(chan net.Conn)
	s.stopped, s.stop = context.WithCancel(context.Background())
}

// start makes the server when the first connection needs it.
func (s *streamServer) start() {
	idle := s.listener.plan.Load().idle
	s.server = http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.listener.plan.Load().serveHTTP(w, r)
		}),
		IdleTimeout: idle, ReadHeaderTimeout: idle, MaxHeaderBytes: 64 << 10,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:  log.New(io.Discard, "", 0), // what clients do wrong is counted, not logged
		ConnState: s.changed,
		Protocols: new(http.Protocols),
	}
	s.server.Protocols.SetHTTP2(true)
	go s.server.Serve(s)
}

// serve serves a connection until it ends.
func (s *streamServer) serve(conn *tls.Conn) {
	s.begin.Do(s.start)
	ended := make(chan struct{})
	s.ends.Store(net.Conn(conn), ended)
	select {
	case s.conns <- conn:
		<-ended
	case <-s.stopped.Done():
		conn.Close()
	}
	s.ends.Delete(net.Conn(conn))
}

func (s *streamServer) changed(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	if ended, ok := s.ends.Load(conn); ok {
		close(ended.(chan struct{}))
	}
}

// close takes no more requests, and lets those that are under way end.
func (s *streamServer) close() {
	s.stop()
	s.begin.Do(func() {})
	go s.server.Shutdown(context.Background())
}

// Accept implements net.Listener.
func (s *streamServer) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.stopped.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *streamServer) Close() error {
	s.stop()
	return nil
}

// Addr implements net.Listener.
func (s *streamServer) Addr() net.Addr { return s.listener.Addr() }
