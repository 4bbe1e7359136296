package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// home is the network namespace that this program is in. It is left open: a namespace
// that outlives its bridge still starts processes, and comes home from that.
type home struct{ space *os.File }

func findHome() (home, error) {
	space, err := os.Open(ownNamespace)
	return home{space}, err
}

// ownNamespace is the network namespace of the thread that opens it.
const ownNamespace = "/proc/thread-self/ns/net"

// visit runs f on a thread that f may take to another namespace.
func (h home) visit(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := f()
		if unix.Setns(int(h.space.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread() // otherwise the thread ends here
		}
		result <- err
	}()
	return <-result
}

// unshare makes a namespace and runs f in it.
func (h home) unshare(f func(inside *netlink.Handle) error) (space *os.File, err error) {
	err = h.visit(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		if space, err = os.Open(ownNamespace); err != nil {
			return err
		}
		inside, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer inside.Close()
		return f(inside)
	})
	if err != nil && space != nil {
		return nil, errors.Join(err, space.Close())
	}
	return space, err
}
