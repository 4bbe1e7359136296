//go:build !linux

package process

import (
	"errors"
	"os/exec"
	"syscall"

	"github.com/shirou/gopsutil/v4/process"
)

// children is for Linux, where a process can be the parent of orphans.
type children struct{}

var ours children

func (children) start(_ *exec.Cmd, start func() error) error { return start() }

func (children) forget(int) {}

// watch takes a process that was started. It is waited for as soon as it has ended.
func (children) watch(cmd *exec.Cmd) *child {
	watched := &child{ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // says what the state says
		if state := cmd.ProcessState; state != nil {
			status, known := state.Sys().(syscall.WaitStatus)
			watched.death = death{known, status, state.UserTime() + state.SystemTime()}
		}
		close(watched.ended)
	}()
	return watched
}

// A child is a process that is waited for.
type child struct {
	ended chan struct{}
	death death
}

func (c *child) reap() death {
	<-c.ended
	return c.death
}

func (children) keepOrphans() error { return errors.ErrUnsupported }

func (children) orphans() (pids []int, all kinships, err error) {
	found, err := process.Processes()
	all = kinships{}
	for _, p := range found {
		if parent, err := p.Ppid(); err == nil {
			all[int(p.Pid)] = kinship{parent: int(parent)}
		}
	}
	return nil, all, err
}
