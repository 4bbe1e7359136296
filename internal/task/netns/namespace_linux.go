package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Namespace is a network namespace that is joined to a bridge. Its methods may be
// called from several goroutines.
type Namespace struct {
	bridge *Bridge
	addr   netip.Addr

	mu    sync.Mutex
	space *os.File   // nil while a process holds the namespace
	held  func() int // tells the process then
}

// device is the name of the device inside each namespace.
const device = "eth0"

// Join makes a namespace with an address of the bridge's network, which no other may
// have. Its programs reach each other at 127.0.0.1, this machine at the gateway and
// at its other addresses, and the bridge's other namespaces at theirs.
func (b *Bridge) Join(addr netip.Addr) (*Namespace, error) {
	b.joined(addr)
	space, err := b.home.unshare(func(inside *netlink.Handle) error {
		err := b.connect(addr)
		if errors.Is(err, unix.EEXIST) {
			// An earlier namespace with the address is still being removed.
			err = errors.Join(b.remove(portName(addr)), b.connect(addr))
		}
		if err != nil {
			return err
		}
		if err := b.configure(inside, addr); err != nil {
			return err
		}
		// As container engines do: a program that runs as another user than root may
		// listen on port 80.
		return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the network at %s: %w", addr, err), b.remove(portName(addr)))
	}
	b.awaitPort(addr)
	return &Namespace{bridge: b, addr: addr, space: space}, nil
}

// portPatience is how long a port may take to come up.
const portPatience = 100 * time.Millisecond

// awaitPort waits until the port that leads to an address is up, which it is soon after the
// device at its other end. What a program sends before that is lost, and it is a second
// before it is sent again.
func (b *Bridge) awaitPort(addr netip.Addr) {
	name := portName(addr)
	for begun := time.Now(); time.Since(begun) < portPatience; time.Sleep(200 * time.Microsecond) {
		link, err := b.links.LinkByName(name)
		if err != nil || link.Attrs().OperState == netlink.OperUp {
			return // or the program will tell
		}
	}
}

// connect connects the bridge with the namespace of the calling thread.
func (b *Bridge) connect(addr netip.Addr) error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = portName(addr)
	attributes.MasterIndex = b.link.Attrs().Index
	attributes.Flags = net.FlagUp
	port := netlink.NewVeth(attributes)
	port.PeerName = device
	port.PeerHardwareAddr = hardwareAddress(addr)
	port.PeerNamespace = netlink.NsPid(unix.Gettid())
	return b.links.LinkAdd(port)
}

// configure sets up the devices in a namespace.
func (b *Bridge) configure(inside *netlink.Handle, addr netip.Addr) error {
	for _, name := range []string{"lo", device} {
		link, err := inside.LinkByName(name)
		if err != nil {
			return err
		}
		if name == device {
			own := netip.PrefixFrom(addr, b.gateway.Bits())
			if err := inside.AddrAdd(link, &netlink.Addr{IPNet: ipNet(own)}); err != nil {
				return err
			}
		}
		if err := inside.LinkSetUp(link); err != nil {
			return err
		}
	}
	routes, err := b.routesFrom()
	if err != nil {
		return err
	}
	for _, to := range routes {
		if err := inside.RouteAdd(&netlink.Route{Dst: to, Gw: b.gateway.Addr().AsSlice()}); err != nil {
			return err
		}
	}
	return nil
}

// Rejoin returns the namespace that a process is in.
func (b *Bridge) Rejoin(pid int, addr netip.Addr) (*Namespace, error) {
	space, err := os.Open(spaceOf(pid))
	if err != nil {
		return nil, err
	}
	return &Namespace{bridge: b, addr: addr, space: space}, nil
}

// Start starts a command in the namespace. It fails if the namespace has been left.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	return n.bridge.home.visit(func() error {
		if err := n.enter(); err != nil {
			return fmt.Errorf("entering the network at %s: %w", n.addr, err)
		}
		return cmd.Start()
	})
}

// HeldBy lets go of the file that keeps the namespace: its processes do from now on. The
// function tells one of them to those who want to start another.
func (n *Namespace) HeldBy(process func() (pid int)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.space != nil {
		_ = n.space.Close() // of which nothing was read
		n.space, n.held = nil, process
	}
}

// enter takes the calling thread into the namespace.
func (n *Namespace) enter() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.space != nil {
		return unix.Setns(int(n.space.Fd()), unix.CLONE_NEWNET)
	}
	if n.held == nil {
		return os.ErrClosed
	}
	space, err := os.Open(spaceOf(n.held()))
	if err != nil {
		return err
	}
	defer space.Close()
	return unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
}

func spaceOf(pid int) string { return fmt.Sprintf("/proc/%d/ns/net", pid) }

// Leave gives the namespace up, which has no processes any more. Linux removes it and
// its devices soon after, many in one go: to wait for that takes 30 ms each.
func (n *Namespace) Leave() error {
	n.bridge.left(n.addr)
	return n.Close()
}

// Close lets go of the namespace, which stays as long as a process is in it.
func (n *Namespace) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = nil
	if n.space == nil {
		return nil
	}
	defer func() { n.space = nil }()
	return n.space.Close()
}
