//go:build unix

package server

import (
	"errors"
	"os"
	"syscall"
)

// errLocked says that a data folder has a server.
var errLocked = errors.New("in use by another flyball")

// tryLock takes the file's exclusive lock or says at once that another has it. The
// lock is one of the open file, unlike those of fcntl, which belong to the process:
// two servers in one process exclude each other, too.
func tryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return errLocked
		default:
			return err
		}
	}
}

// ours says whether a path is a directory that this user made.
func ours(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
