package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// grace is how long programs may take to end by themselves.
const grace = 2 * time.Second

// supervise runs a command, and ends what is left of all that it has started.
func supervise(ctx context.Context, cmd *exec.Cmd) (code int, err error) {
	// A program whose parent ends becomes a child of this one, however deep it was and whatever session it has.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended, none := make(chan syscall.WaitStatus, 1), make(chan struct{})
	go func() {
		defer close(none)
		reap(cmd.Process.Pid, ended)
	}()
	select {
	case status := <-ended:
		if code = status.ExitStatus(); status.Signaled() {
			code = 128 + int(status.Signal())
		}
		return code, endChildren(none, "make test: a test has left this program, which is ended now:")
	case <-ctx.Done():
		_ = cmd.Process.Signal(os.Interrupt) // where it did not get the terminal's
		select {
		case <-ended:
		case <-time.After(grace):
		}
		return 130, endChildren(none, "")
	}
}

// reap waits for all children, and tells of the end of one.
func reap(pid int, ended chan<- syscall.WaitStatus) {
	for {
		var status syscall.WaitStatus
		found, err := syscall.Wait4(-1, &status, 0, nil)
		if found == pid {
			ended <- status
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return // there is none
		}
	}
}

// endChildren ends all children, and with them their own, which become this program's. It tells of each if there is
// something to say.
func endChildren(none <-chan struct{}, saying string) error {
	asked := map[int]bool{}
	for began := time.Now(); ; {
		select {
		case <-none:
			return nil
		case <-time.After(20 * time.Millisecond):
		}
		since := time.Since(began)
		if since > 10*grace {
			return fmt.Errorf("%d programs do not end", len(asked))
		}
		for _, child := range children() {
			if since > grace {
				_ = syscall.Kill(child.PID, syscall.SIGKILL)
			} else if !asked[child.PID] {
				asked[child.PID] = true
				if saying != "" {
					name, _ := child.CmdLine() // none if it ends at this moment
					fmt.Fprintln(os.Stderr, saying, child.PID, strings.Join(name, " "))
				}
				_ = syscall.Kill(child.PID, syscall.SIGTERM)
			}
		}
	}
}

// children are those of this program that have not ended.
func children() (found []procfs.Proc) {
	all, _ := procfs.AllProcs() // it is tried again
	for _, p := range all {
		if stat, err := p.Stat(); err == nil && stat.PPID == os.Getpid() && stat.State != "Z" {
			found = append(found, p)
		}
	}
	return found
}
