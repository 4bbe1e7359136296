package process

import (
	"encoding/binary"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A notifier tells which containers have written to their logs. A container is told of
// once; then it has to be watched again.
type notifier struct {
	file *os.File

	mu      sync.Mutex
	watched map[int32]*container // by the number of the watch
}

func newNotifier() (*notifier, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &notifier{file: os.NewFile(uintptr(fd), "inotify"), watched: map[int32]*container{}}, nil
}

// watch begins to watch a container's log. One that cannot be watched is looked at from time
// to time anyway.
func (n *notifier) watch(c *container) {
	conn, err := n.file.SyscallConn()
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = conn.Control(func(fd uintptr) { // fails once the file is closed
		if number, err := unix.InotifyAddWatch(int(fd), c.logPath(), unix.IN_MODIFY|unix.IN_ONESHOT); err == nil {
			n.watched[int32(number)] = c
		}
	})
}

// next returns the containers that have written; none once the notifier is closed.
func (n *notifier) next() []*container {
	var buffer [64 * unix.SizeofInotifyEvent]byte // events of files have no names
	for {
		length, err := n.file.Read(buffer[:])
		if err != nil {
			return nil
		}
		if written := n.of(buffer[:length]); len(written) > 0 {
			return written
		}
	}
}

// of are the containers of some events.
func (n *notifier) of(events []byte) (written []*container) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ; len(events) >= unix.SizeofInotifyEvent; events = events[unix.SizeofInotifyEvent:] {
		number := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		if c := n.watched[number]; c != nil && mask&unix.IN_MODIFY != 0 {
			written = append(written, c)
		}
		delete(n.watched, number) // the watch has gone, or the file
	}
	return written
}

func (n *notifier) close() error { return n.file.Close() }
