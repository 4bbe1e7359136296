package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// look looks for a socket in the lists of all, which takes longer the more there are. A
// socket of IPv6 may hold either end of a connection of IPv4.
func look(p pair) (Peer, error) {
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		list, err := os.Open(name)
		if err != nil {
			if errors.Is(err, os.ErrNotExist) && name == "/proc/net/tcp6" {
				break // there is no IPv6
			}
			return Peer{}, errors.Join(ErrUnsupported, err)
		}
		found, err := search(list, p)
		list.Close()
		if !errors.Is(err, ErrUnknown) {
			return found, err
		}
	}
	return Peer{}, ErrUnknown
}

// search searches a list, in the form of proc_pid_net(5), for the socket of a connection.
func search(list io.Reader, p pair) (Peer, error) {
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		field := strings.Fields(lines.Text())
		if len(field) < 10 {
			continue
		}
		own, ok := parseAddress(field[1])
		other, also := parseAddress(field[2])
		state, stateErr := strconv.ParseUint(field[3], 16, 8)
		uid, uidErr := strconv.Atoi(field[7])
		inode, inodeErr := strconv.ParseUint(field[9], 10, 64)
		if !ok || !also || (pair{own, other}) != p || errors.Join(stateErr, uidErr, inodeErr) != nil {
			continue
		}
		if !takesPart(byte(state)) || inode == 0 {
			continue // it has been closed, and has user 0 then
		}
		return Peer{UID: uid, Inode: inode}, nil
	}
	if err := lines.Err(); err != nil {
		return Peer{}, err
	}
	return Peer{}, ErrUnknown
}

// parseAddress reads ADDRESS:PORT in hexadecimal, the address in words of 4 bytes in the
// machine's order.
func parseAddress(s string) (a netip.AddrPort, ok bool) {
	address, portText, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(address)
	port, portErr := strconv.ParseUint(portText, 16, 16)
	if err != nil || portErr != nil || len(b)%4 != 0 {
		return a, false
	}
	if littleEndian {
		for word := range slices.Chunk(b, 4) {
			slices.Reverse(word)
		}
	}
	ip, ok := netip.AddrFromSlice(b)
	return plain(netip.AddrPortFrom(ip, uint16(port))), ok
}

// littleEndian says in which order this machine has the bytes of a word.
var littleEndian = func() bool {
	var word [2]byte
	binary.NativeEndian.PutUint16(word[:], 1)
	return word[0] == 1
}()
