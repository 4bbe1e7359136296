package process

import "github.com/prometheus/procfs"

// listening is the state of a socket that takes connections, in /proc/net/tcp.
const listening = 10

// listeners says whether a program of this machine listens on a TCP port: on all
// addresses, or at least on one.
func listeners(port int) (everywhere, somewhere bool) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return false, false
	}
	for _, read := range []func() (procfs.NetTCP, error){fs.NetTCP, fs.NetTCP6} {
		sockets, err := read()
		if err != nil {
			continue // the kernel has no IPv6
		}
		for _, socket := range sockets {
			if socket.St == listening && socket.LocalPort == uint64(port) {
				somewhere = true
				everywhere = everywhere || socket.LocalAddr.IsUnspecified()
			}
		}
	}
	return everywhere, somewhere
}
