//go:build !linux

package process

import (
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// startTime is when a process started, in milliseconds since 1970.
func startTime(pid int) (uint64, error) {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return 0, err
	}
	ms, err := p.CreateTime()
	return uint64(ms), err
}

// waitedFor is not known here.
func waitedFor(int) time.Duration { return 0 }

func (id processID) alive() bool {
	start, err := startTime(id.PID)
	return err == nil && id.PID > 0 && start == id.Start
}

// boot is not known here; start times have a date.
func boot() string { return "" }

// awaitExit returns when a process has ended that is no child.
func awaitExit(id processID) error {
	pollExit(id)
	return nil
}

// processesWhere knows no environments here.
func processesWhere(func(environ []byte) bool) ([]int, error) { return nil, nil }

// deaf is for what has a namespace, which is a part of Linux.
func (processID) deaf(syscall.Signal) bool { return false }
