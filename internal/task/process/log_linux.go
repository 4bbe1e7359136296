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
	data, err := unix.Seek(int(file.Fd()), offset, unix.SEEK_DATA)
	if err != nil {
		return offset // nothing but a hole, or the end
	}
	return data
}
