package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"flyball/internal/flow"
	"flyball/internal/state"
	"flyball/internal/store"
)

// listen opens the address that was asked for. Tasks that are processes of this
// machine call it there too, if they can: in plain HTTP, at loopback.
func (s *Server) listen() error {
	l, err := s.ownListener()
	if err != nil {
		return err
	}
	s.listeners = append(s.listeners, l)
	s.host, s.hostEndpoint = l.Addr().(*net.TCPAddr).IP.String(), s.URL()
	s.taskEndpoint = s.hostEndpoint
	s.warnOfPlain(l)
	s.warnOfUsers()
	if s.cfg.Certificate == nil && atLoopback(l) {
		return nil
	}
	return s.listenForTasks()
}

// ownListener listens at the address that was asked for, unless a replica does.
func (s *Server) ownListener() (net.Listener, error) {
	if s.tenancy != nil {
		return s.tenancy.listener, nil
	}
	return listenAt(s.cfg.Addr)
}

func listenAt(address string) (net.Listener, error) {
	l, err := awaitAddress(address, patience)
	if err != nil {
		return nil, fmt.Errorf("%w; --addr chooses another address", err)
	}
	return l, nil
}

// warnOfPlain tells of what others can read on its way, where it does not matter more what they
// can do.
func (s *Server) warnOfPlain(l net.Listener) {
	if s.cfg.Certificate == nil && !atLoopback(l) && !s.anyoneMayCall() {
		s.cfg.Log.Warn("the server can be reached from other machines without TLS: whoever is on the way reads calls and answers, "+
			"with the secrets of new access keys; give --tls-cert and --tls-key", "address", l.Addr())
	}
}

// kindPort is the port at which tasks find the server where that is not the one of
// clients; one document. Tasks that outlive the server call it there again.
var kindPort = state.Kind{Name: "server.port", Version: 1}

const portKey = "tasks"

// listenForTasks opens an address of this machine's own, at the port of earlier lives
// of the server if it is free.
func (s *Server) listenForTasks() error {
	before, err := state.Get[int](s.state, kindPort, portKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read the port of the tasks: %w", err)
	}
	var l net.Listener
	if before != nil {
		l, err = awaitAddress("127.0.0.1:"+strconv.Itoa(*before), patience)
	}
	if l == nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return fmt.Errorf("listen for tasks: %w", err)
	}
	s.listeners = append(s.listeners, l)
	s.hostEndpoint = "http://" + l.Addr().String()
	s.taskEndpoint = s.hostEndpoint
	s.state.Later(func(tx *state.Tx) { tx.Put(kindPort, portKey, portOf(l)) })
	return nil
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

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

// listenOnBridge lets tasks reach the server on their own network, at the port of
// other tasks. There it listens to this machine's tasks only.
func (s *Server) listenOnBridge(ctx context.Context, runtime bridged) {
	l, err := runtime.Listen(ctx, uint16(portOf(s.listeners[len(s.listeners)-1])))
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

// serve answers what comes to a listener, over TLS at the address that was asked for.
func (s *Server) serve(l net.Listener) error {
	accepted := s.connections.Listener(flow.Bounded(l))
	if s.cfg.Certificate != nil && l == s.listeners[0] {
		return s.http.ServeTLS(accepted, "", "")
	}
	return s.http.Serve(accepted)
}

// tls is how the server speaks TLS, or nil.
func (c Config) tls() *tls.Config {
	if c.Certificate == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{*c.Certificate},
		// Without them net/http readies HTTP/2 only if the listener with TLS is the first to
		// serve, and offers it in any case.
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// withConnection notes in the context of a connection's calls what is known of its other end.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	return withVisitor(withSource(flow.WithClient(ctx), c), c)
}

type nearKey struct{}

// withListener notes in the context of a listener's calls whether only this machine
// and its tasks can reach it: those beside the one that was asked for are for tasks. Pods that were told of the server call
// it where everybody does: what they ask for has their secrets in its path.
func (s *Server) withListener(l net.Listener) context.Context {
	near := atLoopback(l) || l.Addr().String() != s.listeners[0].Addr().String() || s.inCluster() && s.endpointOfTasks() != ""
	return context.WithValue(context.Background(), nearKey{}, near)
}

// isNear reports whether a call came from this machine or one of its tasks.
func isNear(ctx context.Context) bool {
	near, _ := ctx.Value(nearKey{}).(bool)
	return near
}

func atLoopback(l net.Listener) bool { return l.Addr().(*net.TCPAddr).IP.IsLoopback() }

// isLoopback reports whether a name or an address is one that only this machine has.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// hosts are the names that requests may address the server by, beside the loopback
// ones and the address at which they come in: those that it was given, that it
// listens on and that its certificate is for.
func (s *Server) hosts() []string {
	hosts := append([]string{}, s.cfg.Hosts...)
	if host, _, err := net.SplitHostPort(s.cfg.Addr); err == nil && !net.ParseIP(host).IsUnspecified() {
		hosts = append(hosts, host)
	}
	if c := s.cfg.Certificate; c != nil && c.Leaf != nil {
		hosts = append(hosts, c.Leaf.DNSNames...)
		for _, ip := range c.Leaf.IPAddresses {
			hosts = append(hosts, ip.String())
		}
	}
	if u, err := url.Parse(s.cfg.Kubernetes.Endpoint); err == nil && u.Host != "" {
		hosts = append(hosts, u.Hostname())
	}
	if host, _, err := net.SplitHostPort(s.cfg.Kubernetes.Registry); err == nil {
		hosts = append(hosts, host)
	}
	if s.bridge != "" {
		hosts = append(hosts, s.bridge, "host.docker.internal")
	}
	return hosts
}
