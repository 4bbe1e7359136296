// Package peer says whose program is at the other end of a TCP connection within this
// machine, as Linux knows it of the socket there. Nothing of it is the program's word.
package peer

import (
	"errors"
	"net"
	"net/netip"
	"os/user"
	"strconv"
)

// A Peer is a program of this machine.
type Peer struct {
	UID   int    // of the user who opened the socket
	Inode uint64 // of the socket, by which /proc/PID/fd tells whose it is
}

var (
	// ErrUnknown says that no program of this machine and of this network namespace has
	// the other end, or none any more.
	ErrUnknown = errors.New("no program of this machine is at the other end of the connection")
	// ErrUnsupported says that this system does not tell.
	ErrUnsupported = errors.New("this system does not tell whose program is at the other end of a connection")
)

// Of is who is at the other end of a connection.
func Of(c net.Conn) (Peer, error) {
	here, ok := c.LocalAddr().(*net.TCPAddr)
	there, also := c.RemoteAddr().(*net.TCPAddr)
	if !ok || !also {
		return Peer{}, ErrUnknown
	}
	return find(pair{plain(there.AddrPort()), plain(here.AddrPort())})
}

// A pair is a connection as the socket at its other end has it.
type pair struct{ own, other netip.AddrPort }

func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// User is a user in words: user web (33).
func User(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return "user " + u.Username + " (" + id + ")"
	}
	return "user " + id
}
