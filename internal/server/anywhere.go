package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// A surrounding is what a program can see of the container that it runs in, if it is in one.
type surrounding struct {
	container bool // it is in one
	machine   bool // its network is the machine's own, as with docker run --network host
}

// surroundings looks for the marks that engines leave in their containers. Nobody is kept out by
// them: they tell whoever types --listen-anywhere on a machine's own network what it does there.
func surroundings() (s surrounding) {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} { // Docker, Podman
		if _, err := os.Stat(mark); err == nil {
			s.container = true
		}
	}
	for _, name := range []string{"KUBERNETES_SERVICE_HOST", "container"} {
		s.container = s.container || os.Getenv(name) != ""
	}
	// The interfaces of a container's own network are no devices.
	devices, err := filepath.Glob("/sys/class/net/*/device")
	s.machine = err == nil && len(devices) > 0
	return s
}

// allowsAnywhere says why a server may not let in whoever reaches it.
func (s surrounding) allowsAnywhere() error {
	switch {
	case !s.container:
		return errors.New("--listen-anywhere is for containers, where what is published decides who reaches the server; here every machine of the network would. " +
			"Listen on 127.0.0.1, or let in only known access keys, with --auth FILE")
	case s.machine:
		return errors.New("--listen-anywhere is for a container with a network of its own; this one has the machine's, and every machine of the network would reach the server. " +
			"Leave out --network host and publish the port (-p 127.0.0.1:4566:4566), or let in only known access keys, with --auth FILE")
	}
	return nil
}

// openAddress refuses an address that other machines can reach, where anybody may call.
func (c Config) openAddress(s surrounding) error {
	if c.ListenAnywhere {
		return s.allowsAnywhere()
	}
	refusal := fmt.Sprintf("address %q can be reached from other machines, and whoever calls flyball can start programs; "+
		"listen on 127.0.0.1, or let in only known access keys, with --auth FILE", c.Addr)
	if s.container {
		refusal += "; in a container whose port is published for this machine alone, let in whoever reaches it: " +
			"docker run -p 127.0.0.1:4566:4566 ... serve --listen-anywhere"
	}
	return errors.New(refusal)
}

// placed is a runtime whose tasks have addresses of a network of their own.
type placed interface {
	Network(context.Context) (netip.Prefix, error)
}

// publishing is a runtime that knows where the ports are published of the container that the
// server runs in.
type publishing interface {
	Published(port uint16) []netip.AddrPort
}

// learnSurroundings asks the runtime which addresses tasks call from, and where the server's port
// is published. Where whoever reaches it is let in, it has to be known who is a task.
func (s *Server) learnSurroundings(ctx context.Context) (err error) {
	if r, ok := s.runtime.(placed); ok && s.anyoneMayCall() {
		if s.taskNetwork, err = r.Network(ctx); err != nil {
			return fmt.Errorf("tell tasks from others that call, as --listen-anywhere needs it: %w", err)
		}
	}
	var published []netip.AddrPort
	if r, ok := s.runtime.(publishing); ok {
		published = r.Published(uint16(portOf(s.listeners[0])))
	}
	if len(published) > 0 {
		s.published = published[0]
	}
	if !s.anyoneMayCall() {
		return nil
	}
	if err := checkPublished(published); err != nil {
		return err
	}
	s.cfg.Log.Warn("WHOEVER REACHES THIS PORT CAN START PROGRAMS WITH ANY KEY, but for tasks and web pages (--listen-anywhere): " +
		"publish it for this machine alone (-p 127.0.0.1:4566:4566), or let in only known access keys, with --auth FILE")
	return nil
}

// anyoneMayCall says whether callers from other networks need no key that the server knows.
func (s *Server) anyoneMayCall() bool { return s.cfg.ListenAnywhere && s.cfg.Administrator == nil }

// checkPublished refuses a port that tasks reach at an address of the machine's: the engine
// hands on what comes there, and a task's call looks like one of the machine's own programs.
func checkPublished(at []netip.AddrPort) error {
	for _, a := range at {
		if !a.Addr().Unmap().IsLoopback() {
			return ConfigError{fmt.Errorf("the port is published at %s, where other machines and tasks reach it and are not told from programs of this machine: "+
				"publish it for this machine alone, with docker run -p 127.0.0.1:%d:4566, or let in only known access keys, with --auth FILE in place of --listen-anywhere", a, a.Port())}
		}
	}
	return nil
}

// mayComeFrom says whether an address that is no program's of this network is one from which
// --listen-anywhere lets in any key. Tasks have addresses of their own network. Its gateway is
// counted with them: a task that reaches a published port through the engine comes from there.
func (s *Server) mayComeFrom(address string) bool {
	at, err := netip.ParseAddr(address)
	if err != nil || !s.anyoneMayCall() {
		return false
	}
	at = at.Unmap()
	return !s.taskNetwork.Contains(at) && !s.cfg.TaskRange.Contains(at) && !isOwnAddress(at)
}

// isOwnAddress says whether an address is one of this program's network: who calls from there
// is a program beside it.
func isOwnAddress(at netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(own, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == at
	})
}

// mountedInVain is the refusal of a start in a container that was given an engine's socket, but
// not the right to open it: its tasks would run as processes in it, which nobody wants who mounts one.
func mountedInVain(reason error) error {
	group := "$(stat -c %g /var/run/docker.sock)"
	if gid, ok := groupOf("/var/run/docker.sock"); ok {
		group = strconv.Itoa(gid)
	}
	return ConfigError{fmt.Errorf("a Docker socket is mounted, and this container's user may not open it: add --group-add %s to docker run, "+
		"or for tasks that are processes in this container, --runtime process to serve (%w)", group, reason)}
}
