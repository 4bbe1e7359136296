package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// clockTick is the unit of the times in /proc, the same on all of Go's Linux platforms.
const clockTick = time.Second / 100

// startTime is when a process started, in clock ticks since the machine did.
func startTime(pid int) (uint64, error) {
	stat, err := procStat(pid)
	return stat.Starttime, err
}

// waitedFor is the CPU time of a process's children that have ended.
func waitedFor(pid int) time.Duration {
	stat, err := procStat(pid)
	if err != nil {
		return 0
	}
	return time.Duration(stat.CUTime+stat.CSTime) * clockTick
}

func procStat(pid int) (procfs.ProcStat, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, err
	}
	return p.Stat()
}

// alive says whether the process exists and has not ended.
func (id processID) alive() bool {
	stat, err := procStat(id.PID)
	return err == nil && id.PID > 0 && stat.Starttime == id.Start && stat.State != "Z" && stat.State != "X"
}

// deaf says whether a process is the first of a namespace and has left a signal to its
// default. Linux keeps such a signal from it then.
func (id processID) deaf(sig syscall.Signal) bool {
	if !id.alive() {
		return false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id.PID))
	if err != nil {
		return false
	}
	first, heard := false, false
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		switch name {
		case "NSpid":
			first = len(fields) > 1 && fields[len(fields)-1] == "1"
		case "SigBlk", "SigIgn", "SigCgt":
			set, err := strconv.ParseUint(fields[0], 16, 64)
			heard = heard || err != nil || set&(1<<(sig-1)) != 0
		}
	}
	return first && !heard
}

// boot names the time since the machine was started.
func boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// awaitExit returns when a process has ended that is no child.
func awaitExit(id processID) error {
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		pollExit(id) // before Linux 5.10, or when no more files can be opened
		return nil
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	defer pidfd.Close()
	if start, err := startTime(id.PID); err != nil || start != id.Start {
		return nil // the number has gone to another process
	}
	conn, err := pidfd.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
	})
}

// processesWhere returns the processes whose environment is as asked: variables
// that each end with a zero byte.
func processesWhere(is func(environ []byte) bool) ([]int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	var room []byte
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue // no process
		}
		if room, err = appendEnviron(room[:0], name); err == nil && is(room) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// appendEnviron appends the environment of a process. There are hundreds of them to
// be read at a start, and os.ReadFile asks the kernel twice as often.
func appendEnviron(b []byte, pid string) ([]byte, error) {
	fd, err := unix.Open("/proc/"+pid+"/environ", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return b, err
	}
	defer unix.Close(fd)
	for {
		b = slices.Grow(b, 16<<10)
		n, err := unix.Read(fd, b[len(b):cap(b)])
		if n <= 0 || err != nil {
			return b, err
		}
		b = b[:len(b)+n]
	}
}
