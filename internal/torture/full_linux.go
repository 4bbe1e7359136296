package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// ownDisk names the folder of a small disk that this process alone sees.
const ownDisk = "FLYBALL_TORTURE_DISK"

// inDiskOfItsOwn runs this program again with a small disk that it alone sees, which goes with
// it, unless it is that one. Then it returns where the disk is.
func inDiskOfItsOwn() (disk string, err error) {
	if disk = os.Getenv(ownDisk); disk != "" {
		err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
		return disk, errors.Join(err, syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", fullDiskBytes)))
	}
	if os.Geteuid() != 0 {
		return "", errors.New("a disk of one's own needs root")
	}
	dir, err := os.MkdirTemp("", "flyball-torture-full-")
	if err != nil {
		return "", err
	}
	runtime.LockOSThread() // the signal comes when the thread ends that began the process
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), ownDisk+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	err = cmd.Run()
	os.Remove(dir) // which is empty here
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(ended.ExitCode())
	}
	if err == nil {
		os.Exit(0)
	}
	return "", err
}
