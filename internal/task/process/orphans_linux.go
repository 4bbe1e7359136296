package process

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// children are the processes that this one has started for containers. Linux makes it the
// parent of their descendants, too, whose own parents have ended: those among its children
// that are not here.
type children struct {
	mu    sync.RWMutex // held for reading while a process is being started
	one   sync.Mutex
	known map[int]bool
}

// ours are those of all runtimes, since the process that has children is one for them.
var ours = &children{known: map[int]bool{}}

// start starts a process for a container.
func (c *children) start(cmd *exec.Cmd, start func() error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if err := start(); err != nil {
		return err
	}
	c.one.Lock()
	defer c.one.Unlock()
	c.known[cmd.Process.Pid] = true
	return nil
}

// forget forgets a process that has been waited for.
func (c *children) forget(pid int) {
	c.one.Lock()
	defer c.one.Unlock()
	delete(c.known, pid)
}

// keepOrphans makes this process the parent of its descendants whose parents have ended.
func keepOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// orphans are the descendants of containers that have ended themselves, whose children
// they were. They are not in the session of this process, as programs are that it runs for
// itself. Those that have ended are waited for.
func (c *children) orphans() (pids []int, all kinships, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if all, err = kin(); err != nil {
		return nil, nil, err
	}
	c.one.Lock()
	defer c.one.Unlock()
	own, session := os.Getpid(), all[os.Getpid()].session
	for pid, k := range all {
		if k.parent != own || k.session == session || c.known[pid] {
			continue
		}
		if k.ended {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
			continue
		}
		pids = append(pids, pid)
	}
	return pids, all, nil
}

// kin says how all processes of this machine are related.
func kin() (kinships, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := kinships{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue // no process
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has gone
		}
		// The name, in parentheses, may have anything in it.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 4 {
			continue
		}
		k := kinship{ended: fields[0] == "Z" || fields[0] == "X"}
		k.parent, _ = strconv.Atoi(fields[1])
		k.session, _ = strconv.Atoi(fields[3])
		all[pid] = k
	}
	return all, nil
}
