package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Supported says whether this system tells who calls.
const Supported = true

// find asks the kernel for the one socket, and where it does not answer reads the list of
// all.
func find(p pair) (Peer, error) {
	found, err := ask(p)
	if err == nil || errors.Is(err, ErrUnknown) {
		return found, err
	}
	return look(p)
}

// What sock_diag(7) calls these.
const (
	headerSize  = 16
	requestSize = headerSize + 56
	answerSize  = headerSize + 72
)

// The states of a socket of TCP whose program has taken part in its connection.
const (
	established = 1
	finWait1    = 4
	finWait2    = 5
	closeWait   = 8
)

// ask asks for a socket by its addresses, which is found without a search.
func ask(p pair) (Peer, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return Peer{}, fmt.Errorf("open a socket of sock_diag: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, question(p), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return Peer{}, fmt.Errorf("ask for a socket: %w", err)
	}
	answer := make([]byte, 1024)
	n, _, err := unix.Recvfrom(fd, answer, unix.MSG_DONTWAIT) // the kernel answers within the call before
	if err != nil {
		return Peer{}, fmt.Errorf("ask for a socket: %w", err)
	}
	return read(answer[:n], p)
}

// question is a message with the header nlmsghdr and an inet_diag_req_v2.
func question(p pair) []byte {
	b := make([]byte, requestSize)
	native := binary.NativeEndian
	native.PutUint32(b, requestSize)
	native.PutUint16(b[4:], unix.SOCK_DIAG_BY_FAMILY)
	native.PutUint16(b[6:], unix.NLM_F_REQUEST)
	q := b[headerSize:]
	q[0], q[1] = family(p), unix.IPPROTO_TCP
	native.PutUint32(q[4:], 0xffffffff) // whatever its state
	p.put(q[8:])
	native.PutUint64(q[48:], 0xffffffffffffffff) // no cookie
	return b
}

func family(p pair) byte {
	if p.own.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// put writes the beginning of an inet_diag_sockid: ports and addresses.
func (p pair) put(b []byte) {
	binary.BigEndian.PutUint16(b, p.own.Port())
	binary.BigEndian.PutUint16(b[2:], p.other.Port())
	copy(b[4:20], p.own.Addr().AsSlice())
	copy(b[20:36], p.other.Addr().AsSlice())
}

// read reads an answer. A socket that has been closed has no inode, and user 0 then. The
// kernel also answers with one that listens at the address, where there is no other.
func read(b []byte, p pair) (Peer, error) {
	if len(b) < headerSize+4 {
		return Peer{}, errors.New("the kernel's answer is cut off")
	}
	native := binary.NativeEndian
	if native.Uint16(b[4:]) == unix.NLMSG_ERROR {
		errno := unix.Errno(-int32(native.Uint32(b[headerSize:])))
		if errno == unix.ENOENT {
			return Peer{}, ErrUnknown
		}
		return Peer{}, fmt.Errorf("ask for a socket: %w", errno)
	}
	if len(b) < answerSize {
		return Peer{}, errors.New("the kernel's answer is cut off")
	}
	a := b[headerSize:]
	if !takesPart(a[1]) || addressesOf(a) != p || native.Uint32(a[68:]) == 0 {
		return Peer{}, ErrUnknown
	}
	return Peer{UID: int(native.Uint32(a[64:])), Inode: uint64(native.Uint32(a[68:]))}, nil
}

func takesPart(state byte) bool {
	return state == established || state == finWait1 || state == finWait2 || state == closeWait
}

// addressesOf are those in an inet_diag_msg.
func addressesOf(a []byte) pair {
	size := 16
	if a[0] == unix.AF_INET {
		size = 4
	}
	own, _ := netip.AddrFromSlice(a[8 : 8+size])
	other, _ := netip.AddrFromSlice(a[24 : 24+size])
	return pair{
		plain(netip.AddrPortFrom(own, binary.BigEndian.Uint16(a[4:]))),
		plain(netip.AddrPortFrom(other, binary.BigEndian.Uint16(a[6:]))),
	}
}
