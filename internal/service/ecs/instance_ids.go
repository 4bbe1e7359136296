package ecs

import (
	"encoding/hex"
	"net/netip"
	"strings"
)

// Target groups of instances know a task by the instance that it is on, and tell
// tasks on one instance apart by their host ports. Here host ports are the
// container's and each task has an address of its own, so each is taken for an
// instance of its own, whose ID carries the address: it can be told without asking
// anybody, before a server that has begun anew knows its tasks.

// taskInstance begins the ID of an instance that stands for a task. The address
// follows in hexadecimal.
const taskInstance = "i-000000000"

// instanceAt is the ID of the instance that stands for a task at an IPv4 address.
func instanceAt(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is4() {
		return address
	}
	return taskInstance + hex.EncodeToString(ip.AsSlice())
}

// InstanceAddress is the address of the task that an instance in a target group
// stands for; false for an instance that stands for none.
func InstanceAddress(id string) (netip.Addr, bool) {
	digits, ok := strings.CutPrefix(id, taskInstance)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(b)
}
