package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"flyball/internal/task/launch/rootfs"
)

// join lets a command join the container's first process.
func join(id processID, cmd *exec.Cmd, spec *rootfs.Spec) error {
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return fmt.Errorf("finding the container's process: %w", err)
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	if !id.alive() { // then the number may be another's
		return errors.Join(errors.New("the container has ended"), pidfd.Close())
	}
	spec.Join = true
	cmd.ExtraFiles = []*os.File{pidfd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return nil
}

// startJoined starts a command that joins the container: a process can enter all other
// namespaces by itself, but only be born in one of processes.
func startJoined(cmd *exec.Cmd) error {
	pidfd := cmd.ExtraFiles[len(cmd.ExtraFiles)-1]
	defer pidfd.Close()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		own, err := os.Open("/proc/thread-self/ns/pid")
		if err != nil {
			started <- err
			return
		}
		defer own.Close()
		if err := unix.Setns(int(pidfd.Fd()), unix.CLONE_NEWPID); err != nil {
			started <- fmt.Errorf("entering the container: %w", err)
			return
		}
		err = cmd.Start()
		if unix.Setns(int(own.Fd()), unix.CLONE_NEWPID) == nil {
			runtime.UnlockOSThread() // otherwise the thread ends here
		}
		started <- err
	}()
	return <-started
}
