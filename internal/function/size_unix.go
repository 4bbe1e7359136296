//go:build unix

package function

import (
	"io/fs"
	"syscall"
)

// onDisk is how much of the disk a file takes, which may be less than its length.
func onDisk(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}
