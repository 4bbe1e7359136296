//go:build unix

package datafolder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"flyball/internal/ownfile"
)

// ErrLocked says that a data folder has a server.
var ErrLocked = errors.New("in use by another flyball")

// Lock locks a folder unless another has the lock. It is given back by closing the file.
func Lock(path string) (*os.File, error) {
	lock, err := ownfile.Open(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	if err := tryLock(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock the data folder %s: %w", path, err)
	}
	return lock, nil
}

// tryLock takes the file's exclusive lock or says at once that another has it. The
// lock is one of the open file, unlike those of fcntl, which belong to the process:
// two servers in one process exclude each other, too.
func tryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case syscall.EINTR:
		case syscall.EWOULDBLOCK:
			return ErrLocked
		default:
			return err
		}
	}
}
