package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// listen opens the address that was asked for. Tasks that are processes of this
// machine call it there too.
func (s *Server) listen() error {
	l, err := awaitAddress(s.cfg.Addr, patience)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.listeners = append(s.listeners, l)
	s.host, s.taskEndpoint = l.Addr().(*net.TCPAddr).IP.String(), s.URL()
	return nil
}

// awaitAddress listens to an address that the server before may just be leaving. Of
// a half-made child (see awaitFolder) the kernel closes one file after the other,
// the lock before the listener.
func awaitAddress(addr string, patience time.Duration) (net.Listener, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(patience / 200) {
		l, err := net.Listen("tcp", addr)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return l, err
		}
	}
}

// bridged is a runtime whose tasks may be on a network of their own.
type bridged interface {
	Listen(ctx context.Context, port uint16) (net.Listener, error)
}

// listenOnBridge lets tasks reach the server on their own network, at the same port.
// There it listens to this machine's tasks only.
func (s *Server) listenOnBridge(ctx context.Context, runtime bridged) {
	l, err := runtime.Listen(ctx, s.listeners[0].Addr().(*net.TCPAddr).AddrPort().Port())
	if err != nil {
		s.cfg.Log.Warn("tasks cannot call the server back", "reason", err)
		return
	}
	if l == nil {
		return // they reach it where everybody does
	}
	s.listeners = append(s.listeners, l)
	s.bridge = l.Addr().(*net.TCPAddr).IP.String()
	s.taskEndpoint = "http://" + l.Addr().String()
}

// hosts are the names that requests may address the server by, beside the
// loopback ones.
func (s *Server) hosts() []string {
	hosts := s.cfg.Hosts
	if s.bridge != "" {
		hosts = append(hosts[:len(hosts):len(hosts)], s.bridge, "host.docker.internal")
	}
	return hosts
}
