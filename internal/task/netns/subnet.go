package netns

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"net/netip"
)

// networkBits is the length of a bridge's network. It has 4,094 addresses for the
// 1,023 ports that a bridge of Linux may have, so that an address that was given
// back can rest.
const networkBits = 20

// networks are the networks that a bridge may have: all that a range has room for,
// beginning at a place that depends on the bridge's name. Bridges on one machine
// seldom ask for the same one. The range is one that CheckRange takes.
func networks(from netip.Prefix, name string) iter.Seq[netip.Prefix] {
	from = from.Masked()
	bits := max(from.Bits(), networkBits)
	count, size := uint32(1)<<(bits-from.Bits()), uint32(1)<<(32-bits)
	base := binary.BigEndian.Uint32(from.Addr().AsSlice())
	hash := fnv.New32a()
	hash.Write([]byte(name))
	first := hash.Sum32()
	return func(yield func(netip.Prefix) bool) {
		for i := range count {
			if !yield(netip.PrefixFrom(address(base+(first%count+i)%count*size), bits)) {
				return
			}
		}
	}
}

// CheckRange says why no bridge's network can be taken from a range; nil if one can.
func CheckRange(from netip.Prefix) error {
	if !from.Addr().Is4() || from.Bits() < 8 || from.Bits() > 24 {
		return fmt.Errorf("%s is not a range of IPv4 addresses, of a length from /8 to /24; give one such as 100.64.0.0/11", from)
	}
	return nil
}

// gateway is a network's first address, the bridge's own, with the network's length.
func gateway(network netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(network.Masked().Addr().Next(), network.Bits())
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

// portPrefix begins the names of the bridges' ports.
const portPrefix = "fb"

// portName is the name of the device that leads to an address. No other bridge of
// the machine has the address.
func portName(addr netip.Addr) string {
	return fmt.Sprintf("%s%08x", portPrefix, addr.As4())
}

// portAddress is the address to which a device of a name leads.
func portAddress(name string) (addr netip.Addr, ok bool) {
	var n uint32
	if _, err := fmt.Sscanf(name, portPrefix+"%08x", &n); err != nil {
		return netip.Addr{}, false
	}
	return address(n), portName(address(n)) == name
}

// hardwareAddress is that of the device with an address. It is always the same:
// whoever has an earlier one in mind reaches the next that has the address.
func hardwareAddress(addr netip.Addr) []byte {
	// 02 is for addresses that are administered locally.
	return append([]byte{0x02, 0xfb}, addr.AsSlice()...)
}
