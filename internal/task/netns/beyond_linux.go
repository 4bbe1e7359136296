package netns

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Beyond says why namespaces reach nothing beyond this machine; nil when they do.
func (b *Bridge) Beyond() error { return b.confined }

// routesFrom are the networks that a namespace reaches through the gateway: all, or
// this machine's addresses, so that a call to anything else fails at once.
func (b *Bridge) routesFrom() ([]*net.IPNet, error) {
	if b.confined == nil {
		return []*net.IPNet{{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}}, nil
	}
	addrs, err := whole(func() ([]netlink.Addr, error) { return b.links.AddrList(nil, netlink.FAMILY_V4) })
	var routes []*net.IPNet
	for _, addr := range addrs {
		own := prefixOf(addr.IPNet).Addr()
		if !own.IsLoopback() && !b.gateway.Contains(own) {
			routes = append(routes, ipNet(netip.PrefixFrom(own, own.BitLen())))
		}
	}
	return routes, err
}

// masquerade lets namespaces reach what lies beyond this machine with its address. It
// does not make the machine a router, which is a decision about all of its networks;
// and one that is a router already leads nobody from elsewhere to a namespace.
func (b *Bridge) masquerade() error {
	forwards, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(forwards, []byte("1")) {
		return errors.New("it forwards no packets (sysctl net.ipv4.ip_forward)")
	}
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: b.link.Attrs().Name})
	conn.FlushTable(table) // an earlier life may have made it
	leaving := conn.AddChain(&nftables.Chain{
		Table: table, Name: "leaving", Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: leaving, Exprs: b.fromItself(&expr.Masq{})})
	entering := conn.AddChain(&nftables.Chain{
		Table: table, Name: "entering", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: entering, Exprs: b.fromElsewhere(&expr.Verdict{Kind: expr.VerdictDrop})})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("making the table %s of nftables: %w", table.Name, err)
	}
	return b.passDocker()
}

// fromItself is a rule for packets of the namespaces to other networks.
func (b *Bridge) fromItself(do expr.Any) []expr.Any {
	network := ipNet(b.gateway.Masked())
	const sourceAddress = 12 // in the IPv4 header
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: sourceAddress, Len: net.IPv4len},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: net.IPv4len, Mask: network.Mask, Xor: make([]byte, net.IPv4len)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: network.IP.To4()},
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: b.paddedName()},
		do,
	}
}

// fromElsewhere is a rule for packets that begin a connection from another network to
// a namespace.
func (b *Bridge) fromElsewhere(do expr.Any) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b.paddedName()},
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: b.paddedName()},
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{
			SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitNEW), Xor: binaryutil.NativeEndian.PutUint32(0),
		},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(0)},
		do,
	}
}

// paddedName is the bridge's name as nftables compares it.
func (b *Bridge) paddedName() []byte {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, b.link.Attrs().Name)
	return name
}

// unmasquerade removes what masquerade of this life or an earlier one has made, if
// either has.
func (b *Bridge) unmasquerade() {
	b.unpassDocker()
	conn, err := nftables.New()
	if err != nil {
		return
	}
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: b.link.Attrs().Name})
	_ = conn.Flush() // there may be no such table
}
