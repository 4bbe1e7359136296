// Package loopback gives out loopback addresses at which a server listens beside its
// own one, each to one user: so that each load balancer has all ports.
package loopback

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Range is where the addresses are from. Tasks have theirs from another one.
var Range = netip.MustParsePrefix("127.32.0.0/11")

// claim is the UDP port that is held at an address as long as it is given out, so
// that other servers on the machine see that it is taken.
const claim = 4566

// tries is how many addresses are tried before one is taken that may be somebody's.
const tries = 64

// Addresses are those that a server has given out. The zero value is ready to use;
// its methods may be called from several goroutines.
type Addresses struct {
	Log *slog.Logger // nil takes nothing

	mu    sync.Mutex
	held  map[netip.Addr]net.PacketConn // nil where the claim was not to be had
	alone bool                          // the system has only 127.0.0.1
}

// localhost is what every system has.
var localhost = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Take gives out an address that nobody has. The same name prefers the same one. A
// system that has only 127.0.0.1 gives that to everybody.
func (a *Addresses) Take(name string) netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	for try := range tries {
		ip := candidate(name, try)
		if _, taken := a.held[ip]; taken {
			continue
		}
		err := a.hold(ip)
		switch {
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			a.warnAlone()
			return localhost
		case err == nil:
			return ip
		}
	}
	ip := candidate(name, 0)
	a.keep(ip)
	return ip
}

// Keep takes an address that was given out by an earlier server.
func (a *Addresses) Keep(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ip == localhost {
		a.warnAlone()
		return
	}
	a.keep(ip)
}

func (a *Addresses) keep(ip netip.Addr) {
	if err := a.hold(ip); err != nil {
		a.held[ip] = nil
		a.warn("an address may be another server's, too", "address", ip, "reason", err)
	}
}

// Release takes an address back.
func (a *Addresses) Release(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.held[ip]; c != nil {
		c.Close()
	}
	delete(a.held, ip)
}

// hold claims an address.
func (a *Addresses) hold(ip netip.Addr) error {
	if a.held == nil {
		a.held = map[netip.Addr]net.PacketConn{}
	}
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, claim)))
	if err != nil {
		return err
	}
	a.held[ip] = c
	return nil
}

func (a *Addresses) warnAlone() {
	if !a.alone {
		a.alone = true
		a.warn("this system has only the loopback address 127.0.0.1, which all load balancers share: two of them cannot listen to one port")
	}
}

func (a *Addresses) warn(message string, args ...any) {
	if a.Log != nil {
		a.Log.Warn(message, args...)
	}
}

// candidate is one of the addresses that a name may have.
func candidate(name string, try int) netip.Addr {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(name), uint32(try)))
	ip := Range.Addr().As4()
	ip[1] |= sum[0] & 31
	ip[2] = sum[1]
	ip[3] = 1 + sum[2]%254 // neither .0 nor .255
	return netip.AddrFrom4(ip)
}
