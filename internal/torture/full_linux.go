package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// onSmallDisk makes a small disk at a folder and calls a function, on a thread that sees the
// disk, as do the programs that the function starts. Nobody else does, and it goes with them.
func onSmallDisk(folder string, do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread has its own view of the disks, and ends
		err := syscall.Unshare(syscall.CLONE_NEWNS)
		if err == nil {
			err = syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
		}
		if err == nil {
			err = syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", fullDiskBytes))
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// roomOf is how many bytes are free on the disk of a folder.
func roomOf(folder string) int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return 0
	}
	return int64(st.Bfree) * st.Bsize
}

// noDisk says why there can be no small disk here.
func noDisk() string {
	if why := noRoot(); why != "" {
		return why
	}
	err := onSmallDisk(os.TempDir(), func() error { return nil })
	switch {
	case errors.Is(err, syscall.EPERM):
		return "needs to mount a disk, which is not permitted here"
	case err != nil:
		return err.Error()
	}
	return ""
}
