package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"

	"flyball/internal/task/netns"
)

// A NetworkMode says which network tasks are given.
type NetworkMode string

// The network modes.
const (
	NetworkAuto      NetworkMode = "auto"      // a namespace where this machine permits it, or else a loopback address
	NetworkNamespace NetworkMode = "namespace" // each task has a network namespace
	NetworkLoopback  NetworkMode = "loopback"  // each task has a loopback address of this machine
)

// A network gives tasks their addresses.
type network interface {
	// join gives a new task an address that no other has.
	join(id string) (attachment, error)
	// rejoin gives a task of an earlier life the address that it has. One of its
	// processes runs, or has until now.
	rejoin(rec *record) (attachment, error)
	// sweep removes what earlier lives left of tasks that do not run any more.
	sweep() error
	// listen listens where tasks reach this machine and nobody else does; nil is for
	// tasks that reach all that this machine itself does.
	listen(ctx context.Context, port uint16) (net.Listener, error)
	// close removes what was made for all tasks together, when none is left.
	close() error
}

// An attachment is how a task is on a network.
type attachment interface {
	// network names the kind of network, for the record.
	network() string
	// address is where others reach the task.
	address() netip.Addr
	// host is the address that the task's programs should listen to.
	host() string
	// start starts a process of the task.
	start(cmd *exec.Cmd) error
	// heldBy tells that the task has all its containers, which hold what it has been lent.
	// The function tells a process of it that runs.
	heldBy(process func() (pid int))
	// obstacle says what keeps a program of the task from listening on one of the
	// ports, and how to mend it; "" if nothing does, as far as it can be known. The
	// program has failed and left a log.
	obstacle(ports []int, log string) string
	// leave gives back the address when the task's processes are gone.
	leave() error
}

// networks are those that tasks of the runtime may be on: an earlier life may have
// given its tasks another than this one does.
type networks struct {
	network    // of new tasks
	loopback   network
	namespaces network // nil where there are none
}

// newNetworks returns the networks of the runtime with a name.
func newNetworks(opts Options, name string) (networks, error) {
	loopback, err := newLoopback(opts.Addresses, name)
	if err != nil {
		return networks{}, err
	}
	if !opts.Range.IsValid() {
		opts.Range = netip.MustParsePrefix("100.64.0.0/11")
	}
	if err := netns.CheckRange(opts.Range); err != nil {
		return networks{}, err
	}
	all := networks{network: loopback, loopback: loopback}
	switch opts.Network {
	case NetworkLoopback:
		all.namespaces, err = findNamespaces(name)
		return all, err
	case NetworkAuto, NetworkNamespace, "":
		all.namespaces, err = openNamespaces(name, opts.Range, opts.Log)
	default:
		err = fmt.Errorf("network %q: give auto, namespace or loopback", opts.Network)
	}
	if err == nil {
		all.network = all.namespaces
	} else if opts.Network == NetworkAuto || opts.Network == "" {
		opts.Log.Info("tasks share the network of this machine, each at a loopback address of its own: they cannot have networks of their own", "reason", err)
		err = nil
	}
	return all, err
}

func (n networks) rejoin(rec *record) (attachment, error) {
	if rec.Network == networkLoopback {
		return n.loopback.rejoin(rec)
	}
	if n.namespaces == nil {
		return nil, errors.New("its network is a namespace, and this server has no right to enter it")
	}
	return n.namespaces.rejoin(rec)
}

func (n networks) sweep() error {
	if n.namespaces == nil {
		return nil
	}
	return n.namespaces.sweep()
}

func (n networks) close() error {
	if n.namespaces == nil {
		return nil
	}
	return n.namespaces.close()
}

// bridgeName is the name of the bridge of a runtime's namespaces. A device's name has
// at most 15 bytes.
func bridgeName(runtime string) string { return strings.Replace(runtime, "flyball-", "fb-", 1) }

// gatewayID has the bridge's own address. It is the id of no task.
const gatewayID = "the gateway"

// detached is for a task that has no running process: it has an address for the
// record only.
type detached struct {
	kind string
	addr netip.Addr
}

func (d detached) network() string     { return d.kind }
func (d detached) address() netip.Addr { return d.addr }
func (d detached) host() string        { return d.addr.String() }
func (detached) start(*exec.Cmd) error {
	return errors.New("the task has ended, and its network with it")
}
func (detached) heldBy(func() int)             {}
func (detached) obstacle([]int, string) string { return "" }
func (detached) leave() error                  { return nil }
