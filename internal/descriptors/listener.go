//go:build unix

package descriptors

import (
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// mostConnections bounds how many connections there are at a time, whatever the limit of
// descriptors: each costs some 20 KiB.
const mostConnections = 16_384

// Connections are those of an http.Server, which are accepted as long as there are
// descriptors for them. Beyond that those are ended first on which nothing has been asked for
// the longest time.
type Connections struct {
	reserve *Reserve

	mu    sync.Mutex
	turn  int64              // counts what has become idle
	since map[net.Conn]int64 // the turn at which each became idle; 0: it is not
}

// Connections returns the connections of a server, which leave the reserve alone.
func (r *Reserve) Connections() *Connections {
	return &Connections{reserve: r, since: map[net.Conn]int64{}}
}

// Note is for http.Server.ConnState: it counts connections, and tells which are idle.
func (s *Connections) Note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		s.since[c] = 0
	case http.StateIdle:
		s.turn++
		s.since[c] = s.turn
	case http.StateClosed, http.StateHijacked:
		delete(s.since, c)
	}
}

// full reports whether there are as many connections as there may be.
func (s *Connections) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.since) >= mostConnections
}

// endIdle ends the connection that has been idle for the longest time, if there is one. It looks at
// all of them, which is for when descriptors run short: what is noted for each call is cheap.
func (s *Connections) endIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var longest net.Conn
	for c, turn := range s.since {
		if turn > 0 && (longest == nil || turn < s.since[longest]) {
			longest = c
		}
	}
	if longest == nil {
		return false
	}
	s.since[longest] = 0 // it is ended once
	go longest.Close()   // one with TLS says goodbye first
	return true
}

// Listener returns a listener that accepts connections of the server.
func (s *Connections) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, connections: s, closed: make(chan struct{})}
}

// A listener accepts as long as there are descriptors.
type listener struct {
	net.Listener
	connections *Connections
	closed      chan struct{}
	shut        sync.Once
}

// How long accepting rests without descriptors: nothing tells when one is given back.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 320 * time.Millisecond
)

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	reserve := l.connections.reserve
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		c, err := l.Listener.Accept()
		if err != nil && !Exhausted(err) {
			return nil, err
		}
		if err == nil {
			if !reserve.takes(c) && !l.connections.full() {
				return c, nil
			}
			c.Close()
		}
		reserve.tell()
		if l.connections.endIdle() {
			continue
		}
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		case <-time.After(pause):
		}
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.shut.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Admits reports whether a connection that was accepted leaves the reserve alone.
func (r *Reserve) Admits(c net.Conn) bool {
	if r == nil || !r.takes(c) {
		return true
	}
	r.tell()
	return false
}

// takes reports whether a connection has one of the descriptors that are kept. The kernel
// gives out the lowest number that is free, so all below it are in use.
func (r *Reserve) takes(c net.Conn) (last bool) {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	_ = control.Control(func(fd uintptr) { last = uint64(fd)+r.kept >= r.limit })
	return last
}
