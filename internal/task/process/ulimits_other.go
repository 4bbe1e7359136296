//go:build !linux

package process

import "flyball/internal/task/launch/rootfs"

func (*container) limits() []rootfs.Limit { return nil }
