package process

import (
	"os"

	"golang.org/x/sys/unix"
)

// punchHole gives the blocks of a file up to end back to the file system.
func punchHole(file *os.File, end int64) error {
	return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, end)
}

// nextData returns the first position at or after offset that is not in a hole.
func nextData(file *os.File, offset int64) int64 {
	data := offset // as it is if there is nothing but a hole, or the end
	conn, err := file.SyscallConn()
	if err != nil {
		return data
	}
	_ = conn.Control(func(fd uintptr) { // which a reader that is closed meanwhile does not lose to another file
		if next, err := unix.Seek(int(fd), offset, unix.SEEK_DATA); err == nil {
			data = next
		}
	}) // fails on a closed file, as the read that follows does
	return data
}
