//go:build !linux

package peer

func find(pair) (Peer, error) { return Peer{}, ErrUnsupported }
