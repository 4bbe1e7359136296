package process

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"

	"flyball/internal/task"
	"flyball/internal/task/netns"
)

// networkNamespace is what the record says of a task with a namespace.
const networkNamespace = "namespace"

// namespaces is a network of the runtime's own, on which each task has a namespace.
type namespaces struct {
	bridge    *netns.Bridge
	addresses *addresses
}

// openNamespaces returns the network of the runtime with a name, which an earlier life
// may have left. The error says what this machine does not permit.
func openNamespaces(name string, from netip.Prefix, log *slog.Logger) (network, error) {
	bridge, err := netns.Open(bridgeName(name), from)
	if err != nil {
		return nil, err
	}
	if err := bridge.Beyond(); err != nil {
		log.Info("tasks reach this machine and each other, and nothing beyond", "network", bridge.Gateway().Masked(), "reason", err)
	}
	return newNamespaces(bridge, name)
}

// findNamespaces returns the network that an earlier life has left; nil if there is none.
func findNamespaces(name string) (network, error) {
	bridge, err := netns.Find(bridgeName(name))
	if err != nil {
		return nil, err
	}
	if !bridge.Exists() {
		return nil, bridge.Close()
	}
	return newNamespaces(bridge, name)
}

func newNamespaces(bridge *netns.Bridge, name string) (network, error) {
	addresses, err := newAddresses(bridge.Gateway(), seedOf(name))
	if err != nil {
		return nil, err
	}
	addresses.reserve(bridge.Gateway().Addr(), gatewayID)
	return &namespaces{bridge, addresses}, nil
}

func (n *namespaces) join(id string) (attachment, error) {
	addr, err := n.addresses.take(id)
	if err != nil {
		return nil, err
	}
	space, err := n.bridge.Join(addr)
	if err != nil {
		n.addresses.release(addr, id)
		return nil, fmt.Errorf("ResourceInitializationError: %w", err)
	}
	return &namespaceAttachment{n, id, addr, space}, nil
}

func (n *namespaces) rejoin(rec *record) (attachment, error) {
	id := rec.Spec.ID
	if !n.addresses.reserve(rec.Address, id) {
		return nil, fmt.Errorf("address %s belongs to another task", rec.Address)
	}
	for _, c := range rec.Containers {
		space, err := n.bridge.Rejoin(c.Process.PID, rec.Address)
		if err != nil {
			continue
		}
		if c.Process.alive() { // so it was the one whose namespace this is
			return &namespaceAttachment{n, id, rec.Address, space}, nil
		}
		space.Close()
	}
	n.addresses.release(rec.Address, id)
	return detached{networkNamespace, rec.Address}, nil
}

func (n *namespaces) sweep() error { return n.bridge.Sweep(n.addresses.inUse) }

func (n *namespaces) listen(ctx context.Context, port uint16) (net.Listener, error) {
	return n.bridge.Listen(ctx, port)
}

func (n *namespaces) close() error { return n.bridge.Close() }

// namespaceAttachment is a task's namespace.
type namespaceAttachment struct {
	on    *namespaces
	id    string
	addr  netip.Addr
	space *netns.Namespace
}

func (a *namespaceAttachment) network() string { return networkNamespace }

func (a *namespaceAttachment) address() netip.Addr { return a.addr }

// host is every address, so that containers of the task reach each other at 127.0.0.1.
func (a *namespaceAttachment) host() string { return "0.0.0.0" }

func (a *namespaceAttachment) start(cmd *exec.Cmd) error { return a.space.Start(cmd) }

func (a *namespaceAttachment) heldBy(process func() int) { a.space.HeldBy(process) }

// obstacle is another container of the task: nobody else is in its network.
func (a *namespaceAttachment) obstacle(_ []int, log string) string {
	if !complains(log) {
		return ""
	}
	return task.PortInUse + ": another program of the task listens on the port. The containers of a task share its network: give each a port of its own."
}

func (a *namespaceAttachment) leave() error {
	err := a.space.Leave()
	a.on.addresses.release(a.addr, a.id)
	return err
}
