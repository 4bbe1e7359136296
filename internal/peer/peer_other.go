//go:build !linux

package peer

// Supported says whether this system tells who calls.
const Supported = false

func find(pair) (Peer, error) { return Peer{}, ErrUnsupported }
