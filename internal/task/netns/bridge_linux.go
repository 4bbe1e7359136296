package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Bridge is a network of this machine, whose gateway the machine is. Its methods
// may be called from several goroutines.
type Bridge struct {
	link    netlink.Link
	gateway netip.Prefix    // its own address, with the network's length
	home    home            // the namespace that it is in
	links   *netlink.Handle // of that namespace, from whichever a thread is in

	confined error // why namespaces reach nothing beyond this machine

	mu   sync.Mutex
	gone map[netip.Addr]bool // addresses of namespaces that have been left
}

// Open returns the bridge of a name. One that has ports is taken as it is; otherwise
// it is made, with a network of the range that overlaps none that the machine knows a
// route to. The error says what this machine does not permit.
func Open(name string, from netip.Prefix) (*Bridge, error) {
	b, err := Find(name)
	if err != nil {
		return nil, err
	}
	if !b.Exists() || !b.used() {
		err = b.make(name, from)
	}
	if err == nil {
		err = b.try()
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.confined = b.masquerade()
	return b, nil
}

// Find returns the bridge of a name, as an earlier life has left it. There may be
// none; see Exists.
func Find(name string) (*Bridge, error) {
	home, err := findHome()
	if err != nil {
		return nil, err
	}
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	b := &Bridge{home: home, links: links, gone: map[netip.Addr]bool{}}
	link, err := links.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return b, nil
	}
	if err != nil {
		links.Close()
		return nil, err
	}
	b.link = link
	addrs, err := whole(func() ([]netlink.Addr, error) { return links.AddrList(link, netlink.FAMILY_V4) })
	if err != nil {
		links.Close()
		return nil, err
	}
	for _, addr := range addrs {
		b.gateway = prefixOf(addr.IPNet)
	}
	return b, nil
}

// Remove removes the bridge of a name, if there is one, with what namespaces have left of it: those of a program that
// was killed.
func Remove(name string) error {
	if _, err := net.InterfaceByName(name); err != nil {
		return nil // there is none, and nothing that takes rights
	}
	b, err := Find(name)
	if err != nil {
		return err
	}
	if b.link == nil { // it has gone at this moment
		return b.Close()
	}
	return errors.Join(b.Sweep(func(netip.Addr) bool { return false }), b.Close())
}

// Exists says whether the machine has the bridge, whole.
func (b *Bridge) Exists() bool { return b.link != nil && b.gateway.IsValid() }

// Gateway is the bridge's own address, at which namespaces reach this machine, with
// the length of the network.
func (b *Bridge) Gateway() netip.Prefix { return b.gateway }

// make makes the bridge anew.
func (b *Bridge) make(name string, from netip.Prefix) error {
	if err := CheckRange(from); err != nil {
		return err
	}
	if err := b.remove(name); err != nil { // it may be there, without ports
		return err
	}
	b.link = nil
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	attributes.Flags = net.FlagUp
	link := &netlink.Bridge{LinkAttrs: attributes}
	if err := b.links.LinkAdd(link); err != nil {
		return fmt.Errorf("making bridge %s: %w", name, err)
	}
	b.link = link
	known, err := b.routes()
	if err != nil {
		return err
	}
	for network := range networks(from, name) {
		if slices.ContainsFunc(known, network.Overlaps) {
			continue
		}
		if err := b.claim(network); !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return fmt.Errorf("all networks in %s overlap others that this machine has a route to", from)
}

// routes are the networks that the machine knows a route to, but for the default.
func (b *Bridge) routes() ([]netip.Prefix, error) {
	all := &netlink.Route{Table: unix.RT_TABLE_UNSPEC}
	routes, err := whole(func() ([]netlink.Route, error) {
		return b.links.RouteListFiltered(netlink.FAMILY_V4, all, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("listing routes: %w", err)
	}
	var known []netip.Prefix
	for _, route := range routes {
		if network := prefixOf(route.Dst); network.IsValid() && network.Bits() > 0 {
			known = append(known, network)
		}
	}
	return known, nil
}

// claim gives the bridge a network, or returns EEXIST when another program has
// claimed it at this moment: a route can be there once only.
func (b *Bridge) claim(network netip.Prefix) error {
	own := gateway(network)
	addr := &netlink.Addr{IPNet: ipNet(own), Flags: unix.IFA_F_NOPREFIXROUTE}
	if err := b.links.LinkSetHardwareAddr(b.link, hardwareAddress(own.Addr())); err != nil {
		return fmt.Errorf("giving the bridge its hardware address: %w", err)
	}
	if err := b.links.AddrAdd(b.link, addr); err != nil {
		return fmt.Errorf("giving the bridge %s: %w", own, err)
	}
	err := b.links.RouteAdd(&netlink.Route{
		LinkIndex: b.link.Attrs().Index, Dst: ipNet(network), Src: own.Addr().AsSlice(), Scope: netlink.SCOPE_LINK,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("making a route to %s: %w", network, err), b.links.AddrDel(b.link, addr))
	}
	b.gateway = own
	return nil
}

// try makes a namespace, which may not be permitted though bridges are.
func (b *Bridge) try() error {
	space, err := b.home.unshare(func(*netlink.Handle) error { return nil })
	if err != nil {
		return err
	}
	return space.Close()
}

// used says whether the bridge leads to a namespace that has not been left. In doubt it
// does.
func (b *Bridge) used() bool {
	ports, err := b.ports()
	b.mu.Lock()
	defer b.mu.Unlock()
	return err != nil || slices.ContainsFunc(ports, func(addr netip.Addr) bool { return !b.gone[addr] })
}

func (b *Bridge) joined(addr netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.gone, addr)
}

func (b *Bridge) left(addr netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone[addr] = true
}

// ports are the addresses of the bridge's network to which devices lead, also those
// that were not put to the bridge yet.
func (b *Bridge) ports() ([]netip.Addr, error) {
	links, err := whole(b.links.LinkList)
	if err != nil {
		return nil, fmt.Errorf("listing devices: %w", err)
	}
	var ports []netip.Addr
	for _, link := range links {
		if addr, ok := portAddress(link.Attrs().Name); ok && b.gateway.Contains(addr) {
			ports = append(ports, addr)
		}
	}
	return ports, nil
}

// Sweep removes the devices that lead to addresses that are not to be kept.
func (b *Bridge) Sweep(keep func(netip.Addr) bool) error {
	if !b.Exists() {
		return nil
	}
	ports, err := b.ports()
	failed := []error{err}
	for _, addr := range ports {
		if !keep(addr) {
			failed = append(failed, b.remove(portName(addr)))
		}
	}
	return errors.Join(failed...)
}

// remove removes a device of this machine, and with a port the device in its
// namespace, unless both are gone with the namespace.
func (b *Bridge) remove(name string) error {
	link, err := b.links.LinkByName(name)
	if err == nil {
		err = b.links.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) && !errors.As(err, new(netlink.LinkNotFoundError)) {
		return fmt.Errorf("removing device %s: %w", name, err)
	}
	return nil
}

// Listen listens at the gateway's address for what comes over the bridge, and for
// nothing else, although Linux takes in packets to any of its addresses from any
// network.
func (b *Bridge) Listen(ctx context.Context, port uint16) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) error {
		var bound error
		err := conn.Control(func(fd uintptr) { bound = unix.BindToDevice(int(fd), b.link.Attrs().Name) })
		return errors.Join(err, bound)
	}}
	return config.Listen(ctx, "tcp4", netip.AddrPortFrom(b.gateway.Addr(), port).String())
}

// Close removes the bridge unless something is joined to it. Processes can still be
// started in its namespaces.
func (b *Bridge) Close() error {
	var err error
	if b.link != nil && !b.used() {
		// Linux may not have come to the devices of namespaces that were left.
		err = b.Sweep(func(netip.Addr) bool { return false })
		b.unmasquerade()
		err = errors.Join(err, b.remove(b.link.Attrs().Name))
	}
	b.links.Close()
	return err
}

// listings are how often a listing is tried that others keep changing.
const listings = 100

// whole lists again what others have changed while it was listed, which Linux tells:
// something may be left out of it.
func whole[T any](list func() ([]T, error)) (listed []T, err error) {
	for range listings {
		if listed, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return listed, err
}

func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	addr, _ := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), ones)
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
