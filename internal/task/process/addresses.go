package process

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
)

// addresses hands out the IPv4 addresses of a range, in turn, so that one that was
// given back is not used again soon: a client that still has it should meet nobody,
// not another service's task.
type addresses struct {
	first, count uint32

	mu   sync.Mutex
	next uint32                // offset from first
	used map[netip.Addr]string // the ids of the tasks that have them
}

// newAddresses starts at some place in the range that depends on seed.
func newAddresses(prefix netip.Prefix, seed uint32) (*addresses, error) {
	prefix = prefix.Masked()
	if !prefix.Addr().Is4() || prefix.Bits() < 8 {
		return nil, fmt.Errorf("%s is not a range of at most 2^24 IPv4 addresses", prefix)
	}
	first := binary.BigEndian.Uint32(prefix.Addr().AsSlice())
	count := uint32(1) << (32 - prefix.Bits())
	return &addresses{first: first, count: count, next: seed % count, used: map[netip.Addr]string{}}, nil
}

// take gives a task an address that no other has.
func (a *addresses) take(id string) (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range a.count {
		n := a.first + a.next
		a.next = (a.next + 1) % a.count
		addr := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		// Some programs take .0 and .255 for a network and its broadcast address.
		if last := byte(n); a.used[addr] != "" || a.count > 2 && (last == 0 || last == 255) {
			continue
		}
		a.used[addr] = id
		return addr, nil
	}
	return netip.Addr{}, fmt.Errorf("all %d task addresses are in use", len(a.used))
}

// reserve gives an address to whoever has it already, such as a recovered task,
// unless another has it.
func (a *addresses) reserve(addr netip.Addr, id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used[addr] != "" {
		return false
	}
	a.used[addr] = id
	return true
}

// release takes an address from the task that has it.
func (a *addresses) release(addr netip.Addr, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used[addr] == id {
		delete(a.used, addr)
	}
}

// inUse says whether somebody has an address.
func (a *addresses) inUse(addr netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used[addr] != ""
}
