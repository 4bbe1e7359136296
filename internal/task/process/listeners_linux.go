package process

import "github.com/vishvananda/netlink"

// listeners says whether a program of this machine listens on a TCP port: on all
// addresses, or at least on one.
func listeners(port int) (everywhere, somewhere bool) {
	for _, family := range []uint8{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		sockets, err := netlink.SocketDiagTCP(family)
		if err != nil {
			continue // the kernel has no IPv6, or does not tell
		}
		for _, socket := range sockets {
			if socket.State == netlink.TCP_LISTEN && int(socket.ID.SourcePort) == port {
				somewhere = true
				everywhere = everywhere || socket.ID.Source.IsUnspecified()
			}
		}
	}
	return everywhere, somewhere
}
