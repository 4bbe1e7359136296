// Package reach bounds where calls go whose address somebody else has said: who may make a policy in a cluster has what
// governs it call whatever the policy names, from a place where others do not stand.
package reach

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Addresses may be called. The zero Addresses are all but those of this machine and its link, and those at which clouds tell
// what runs there who it is.
type Addresses struct {
	networks []netip.Prefix
	names    []string // lower case; one that begins with a dot stands for all that end with it
}

// withheld are never reached without being listed: who answers there trusts whoever can ask.
var withheld = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("::/128"), // of this machine, as connect has them
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"), netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("fd00:ec2::/32"),      // instance metadata and pod identities of EC2
	netip.MustParsePrefix("fd20:ce::254/128"),   // metadata of Compute Engine
	netip.MustParsePrefix("168.63.129.16/32"),   // what Azure's virtual machines are told by
	netip.MustParsePrefix("100.100.100.200/32"), // metadata of Alibaba Cloud
}

// nat64 is where a network without IPv4 has all of it (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

var hostname = regexp.MustCompile(`^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// Parse reads a list of addresses (10.1.2.3), networks (10.0.0.0/8), names of hosts (prometheus.monitoring) and of all hosts
// of a domain (*.monitoring.svc). Only these may be called then. Without any it returns the zero Addresses.
func Parse(list []string) (a Addresses, err error) {
	for _, text := range list {
		text = strings.ToLower(strings.TrimSpace(text))
		if network, err := netip.ParsePrefix(text); err == nil {
			a.networks = append(a.networks, network.Masked())
		} else if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
			a.networks = append(a.networks, netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()))
		} else if hostname.MatchString(text) {
			a.names = append(a.names, strings.TrimPrefix(text, "*"))
		} else {
			return a, fmt.Errorf("%q is neither an address, a network such as 10.0.0.0/8, nor the name of a host such as prometheus.monitoring or *.monitoring.svc", text)
		}
	}
	return a, nil
}

// Client makes calls to these addresses only. What counts is the address that is connected to, whatever name led there and
// whatever answer redirected to it, so it takes no proxy.
func (a Addresses) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: a.dial, ForceAttemptHTTP2: true,
		MaxIdleConns: 1000, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}}
}

func (a Addresses) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	if !a.named(host) {
		d.Control = func(_, found string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(found)
			if err != nil {
				return err
			}
			return a.check(to.Addr())
		}
	}
	return d.DialContext(ctx, network, address)
}

// named is whether a host is listed by its name.
func (a Addresses) named(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return slices.ContainsFunc(a.names, func(name string) bool {
		return host == name || name[0] == '.' && strings.HasSuffix(host, name)
	})
}

// check is why an address is not called; nil: it is.
func (a Addresses) check(to netip.Addr) error {
	to = to.Unmap().WithZone("")
	if nat64.Contains(to) {
		last := to.As16()
		to = netip.AddrFrom4([4]byte(last[12:]))
	}
	has := func(n netip.Prefix) bool { return n.Contains(to) }
	switch {
	case slices.ContainsFunc(a.networks, has):
		return nil
	case len(a.networks)+len(a.names) > 0:
		return fmt.Errorf("%s is not among the addresses that policies may name: have --allow-addresses list it", to)
	case slices.ContainsFunc(withheld, has):
		return fmt.Errorf("%s is not called for a policy: it is an address of this machine, of its link or of a cloud's metadata; --allow-addresses would have to list it", to)
	}
	return nil
}
