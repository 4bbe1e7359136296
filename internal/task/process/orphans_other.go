//go:build !linux

package process

import (
	"errors"
	"os/exec"

	"github.com/shirou/gopsutil/v4/process"
)

// children is for Linux, where a process can be the parent of orphans.
type children struct{}

var ours children

func (children) start(_ *exec.Cmd, start func() error) error { return start() }

func (children) forget(int) {}

func keepOrphans() error { return errors.ErrUnsupported }

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
