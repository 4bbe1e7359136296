package flow

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What the system keeps of answers, for each connection. Without such bounds it takes 2.5 MiB of an
// answer that nobody reads at a loopback address, and has them for minutes after the connection was
// closed.
const (
	unsent   = 128 << 10        // bytes for which there is no room at the other side
	untilEnd = 30 * time.Second // without any of them being taken
)

// Bounded bounds what the system keeps of answers on the connections that a listener accepts.
func Bounded(l net.Listener) net.Listener { return bounded{l} }

type bounded struct{ net.Listener }

// Accept implements net.Listener.
func (b bounded) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if c, ok := c.(syscall.Conn); ok {
		bound(c)
	}
	return c, err
}

// bound sets options that sockets of a listener do not have from it, as it may be one of Multipath TCP. A
// system that does not have them keeps as much as it likes.
func bound(c syscall.Conn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(untilEnd.Milliseconds()))
	})
}
