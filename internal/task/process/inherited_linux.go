package process

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// keepFiles keeps the files that the server was started with from its tasks, which
// would inherit them: an open directory leads out of any container. All that the
// server opens itself is kept from them anyway.
func keepFiles() error {
	const own = 3 // after the standard ones
	if unix.CloseRange(own, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	open, err := os.ReadDir("/proc/self/fd") // before Linux 5.11
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= own {
			unix.CloseOnExec(fd)
		}
	}
	return err
}
