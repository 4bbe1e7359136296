package main

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ownNetwork reports whether each page can have all ports for itself.
func ownNetwork() bool { return os.Getuid() == 0 }

// inItsOwnNetwork runs a command where all ports are free. That takes root; others use this
// machine's network.
func inItsOwnNetwork(t *testing.T, cmd *exec.Cmd) (out []byte, err error) {
	if !ownNetwork() {
		requireFree(t)
		return cmd.CombinedOutput()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine, and its network with the command
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if err = netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: 1}}); err != nil {
			return
		}
		out, err = cmd.CombinedOutput()
	}()
	<-done
	return out, err
}
