//go:build unix

package server

import (
	"os"
	"syscall"
)

// ours says whether a path is a directory that this user made.
func ours(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// groupOf is the number of the group of a file.
func groupOf(path string) (gid int, ok bool) {
	stat, ok := statOf(path)
	return int(stat.Gid), ok
}

// userOf is the number of the user that a file belongs to.
func userOf(path string) (uid int, ok bool) {
	stat, ok := statOf(path)
	return int(stat.Uid), ok
}

// statOf is what the system says of a file.
func statOf(path string) (stat syscall.Stat_t, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return stat, false
	}
	said, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stat, false
	}
	return *said, true
}
