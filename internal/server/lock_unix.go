//go:build unix

package server

import (
	"os"
	"syscall"
)

// tryLock takes the file's exclusive lock or says at once that another has it.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
