package logstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData has a file's data on disk, and its length.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
