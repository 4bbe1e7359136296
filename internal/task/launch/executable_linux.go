package launch

import (
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// ownExecutable is found once: what is opened for it stays open.
var ownExecutable = sync.OnceValue(openExecutable)

// executable is where this program can be started again, even when its file was replaced
// or lies where the command's user cannot go.
func executable() (string, error) { return ownExecutable(), nil }

// openExecutable opens the program through a mount of its own that is read-only: a process
// that waits shows its file to the container that it is about to become a part of, and
// root there could write to it as soon as it does not run.
func openExecutable() string {
	const self = "/proc/self/exe"
	file, err := unix.OpenTree(unix.AT_FDCWD, self, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return self // without root's rights, nor are there containers that have them
	}
	defer unix.Close(file)
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if unix.MountSetattr(file, "", unix.AT_EMPTY_PATH, readOnly) != nil {
		return self // before Linux 5.12
	}
	const first = 16 // above those that a process is given
	kept, err := unix.FcntlInt(uintptr(file), unix.F_DUPFD_CLOEXEC, first)
	if err != nil {
		return self
	}
	return "/proc/self/fd/" + strconv.Itoa(kept)
}
