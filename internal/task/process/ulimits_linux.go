package process

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"flyball/internal/task/launch/rootfs"
)

// resources are the numbers of the limits that a task definition names.
var resources = map[string]int{
	"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
	"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO,
	"rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
}

// limits are the container's resource limits: those that it asks for, and where no cgroup
// counts the task's processes, one of the processes that its user has.
func (c *container) limits() []rootfs.Limit {
	var all []rootfs.Limit
	if _, tree := c.task.runtime.host.(*treeHost); tree && c.task.spec.PIDs > 0 && os.Geteuid() != 0 {
		most := uint64(c.task.spec.PIDs + threads())
		all = append(all, rootfs.Limit{Resource: unix.RLIMIT_NPROC, Soft: most, Hard: most})
	}
	for _, u := range c.spec.Ulimits {
		if number, known := resources[u.Name]; known {
			all = append(all, rootfs.Limit{Resource: number, Soft: uint64(u.Soft), Hard: uint64(u.Hard)})
		}
	}
	return all
}

// threads is how many there are on this machine, as in "0.20 0.18 0.12 1/197 26220".
func threads() int {
	text, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if len(fields) < 4 {
		return 0
	}
	_, count, _ := strings.Cut(fields[3], "/")
	n, _ := strconv.Atoi(count)
	return n
}
