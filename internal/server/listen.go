package server

import (
	"context"
	"fmt"
	"net"

	"flyball/internal/task"
	"flyball/internal/task/docker"
	"flyball/internal/workload"
)

// listen opens the address that was asked for. Tasks that are processes of this
// machine call it there too.
func (s *Server) listen() error {
	l, err := net.Listen("tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.listeners = append(s.listeners, l)
	s.taskEndpoint = s.URL()
	return nil
}

// openDocker runs tasks as containers. They reach the server on the engine's
// bridge, at the same port, where it listens to this machine's containers only.
func (s *Server) openDocker(ctx context.Context) error {
	open := func(dir string) (*docker.Runtime, error) {
		return docker.New(ctx, docker.Options{Dir: dir, Args: []string{workload.Command}, Log: s.cfg.Log})
	}
	s.removeOrphans(ctx, func(dir string) (task.Runtime, error) { return open(dir) })
	engine, err := open(s.dir.path)
	if err != nil {
		return err
	}
	s.runtime = engine
	l, err := engine.Listen(ctx, s.listeners[0].Addr().(*net.TCPAddr).AddrPort().Port())
	if err != nil {
		s.cfg.Log.Warn("containers cannot call the server back", "reason", err)
		return nil
	}
	s.listeners = append(s.listeners, l)
	s.bridge = l.Addr().(*net.TCPAddr).IP.String()
	s.taskEndpoint = "http://" + l.Addr().String()
	return nil
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
