//go:build !linux

package process

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
)

func openNamespaces(string, netip.Prefix, *slog.Logger) (network, error) {
	return nil, fmt.Errorf("network namespaces are a part of Linux: %w", errors.ErrUnsupported)
}

func findNamespaces(string) (network, error) { return nil, nil }
