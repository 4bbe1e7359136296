package process

import (
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// children are the processes that this one has started for containers. Linux makes it the
// parent of their descendants, too, whose own parents have ended: those among its children
// that are not here.
type children struct {
	starting sync.RWMutex // held for reading while a process is being started
	follow   sync.Once

	mu      sync.Mutex
	known   map[int]bool
	watched map[int]*child

	keeping  bool // descendants whose parents have ended become children
	sweeping bool // those of them that have ended are waited for soon
}

// ours are those of all runtimes, since the process that has children is one for them.
var ours = &children{known: map[int]bool{}, watched: map[int]*child{}}

// start starts a process for a container.
func (c *children) start(cmd *exec.Cmd, start func() error) error {
	c.starting.RLock()
	defer c.starting.RUnlock()
	if err := start(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[cmd.Process.Pid] = true
	return nil
}

// forget forgets a process that has been waited for.
func (c *children) forget(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, pid)
}

// watch takes a process that was started, whose end it tells without a file for each: the
// signal that some child has ended has it look at all.
func (c *children) watch(cmd *exec.Cmd) *child {
	c.follow.Do(c.begin)
	watched := &child{pid: cmd.Process.Pid, ended: make(chan struct{})}
	_ = cmd.Process.Release() // it closes its file
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched[watched.pid] = watched
	c.look(watched) // it may have ended before
	return watched
}

func (c *children) begin() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	go func() {
		for range ended {
			c.lookAtEach()
		}
	}()
}

func (c *children) lookAtEach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.watched {
		c.look(one)
	}
	if c.keeping && !c.sweeping {
		c.sweeping = true
		time.AfterFunc(sweepDelay, c.sweep)
	}
}

// sweepDelay is how long orphans that have ended may wait to be waited for.
const sweepDelay = time.Second

// sweep waits for orphans that have ended. As long as nobody does, the namespace that one
// was in does not end.
func (c *children) sweep() {
	c.mu.Lock()
	c.sweeping = false
	c.mu.Unlock()
	_, _, _ = c.orphans() // which are tried again with the next child that ends
}

// look tells of the end of a process, if it has ended.
func (c *children) look(one *child) {
	var found unix.Siginfo
	err := unix.Waitid(unix.P_PID, one.pid, &found, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err == nil && found.Signo == 0 || err == unix.EINTR {
		return
	}
	delete(c.watched, one.pid)
	close(one.ended)
}

// A child is a process that is to be waited for. Until it is, its number is no other's.
type child struct {
	pid   int
	ended chan struct{} // closed when it has ended
}

// reap waits for the process.
func (one *child) reap() death {
	defer ours.forget(one.pid)
	var status unix.WaitStatus
	var used unix.Rusage
	for {
		_, err := unix.Wait4(one.pid, &status, 0, &used)
		if err == unix.EINTR {
			continue
		}
		return death{
			known: err == nil, status: syscall.WaitStatus(status),
			cpu: time.Duration(used.Utime.Nano() + used.Stime.Nano()),
		}
	}
}

// keepOrphans makes this process the parent of its descendants whose parents have ended.
func (c *children) keepOrphans() error {
	c.follow.Do(c.begin)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	c.keeping = true
	return nil
}

// orphans are the descendants of containers that have ended themselves, whose children
// they were, and that hide: those that carry the container's environment are found by that.
// Those that have ended are waited for.
func (c *children) orphans() (pids []int, all kinships, err error) {
	c.starting.Lock()
	defer c.starting.Unlock()
	if all, err = kin(); err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	own := os.Getpid()
	for pid, k := range all {
		switch {
		case k.parent != own || c.known[pid]:
		case k.ended && k.session != all[own].session: // which programs have that are run for other ends
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		case !k.ended && isConfined(pid) && !isMarked(pid):
			pids = append(pids, pid)
		}
	}
	return pids, all, nil
}

// isConfined says whether a process was started for a container, or descends from one. What
// it was not to do is with it for good, and others that may become children of this process
// are free to do.
func isConfined(pid int) bool {
	newRights, calls := confinement(pid)
	ownRights, ownCalls := confinement(os.Getpid())
	return newRights > ownRights || calls > ownCalls
}

// confinement is whether a process gets no new rights, and how many filters of system calls
// it has.
func confinement(pid int) (newRights, filters int) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // nothing of one that has gone
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "NoNewPrivs":
			newRights, _ = strconv.Atoi(strings.TrimSpace(value))
		case "Seccomp_filters":
			filters, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return newRights, filters
}

func isMarked(pid int) bool {
	environ, err := appendEnviron(nil, strconv.Itoa(pid))
	return err == nil && valueOf(environ, markTask) != ""
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
