package process

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"flyball/internal/task"
)

// treeHost is a host that cannot limit. It measures a task through the tree of
// its processes.
type treeHost struct {
	mark mark

	mu       sync.Mutex
	taken    time.Time
	children map[int][]int // of all processes, when they were looked at last
}

// childrenAge is how old the list of processes may be. Tasks that are measured
// one after the other share one.
const childrenAge = 100 * time.Millisecond

func (h *treeHost) create(spec task.Spec) (group, error) { return h.group(spec), nil }

func (h *treeHost) open(rec *record) (group, error) {
	g := h.group(rec.Spec)
	for i, c := range rec.Containers {
		if c.Process.alive() {
			g.roots[c.Process.PID] = i
		}
	}
	return g, nil
}

func (h *treeHost) sweep(func(string) bool) error { return nil }

func (h *treeHost) close() {}

func (h *treeHost) group(spec task.Spec) *treeGroup {
	return &treeGroup{host: h, spec: spec, roots: map[int]int{}}
}

// tree returns the children of every process of the machine.
func (h *treeHost) tree() (map[int][]int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.taken) < childrenAge {
		return h.children, nil
	}
	all, err := process.Processes()
	if err != nil {
		return nil, err
	}
	h.taken, h.children = time.Now(), map[int][]int{}
	for _, p := range all {
		if parent, err := p.Ppid(); err == nil {
			h.children[int(parent)] = append(h.children[int(parent)], int(p.Pid))
		}
	}
	return h.children, nil
}

// treeGroup is the processes of a task that its containers' first processes
// have begun.
type treeGroup struct {
	host *treeHost
	spec task.Spec

	mu    sync.Mutex
	roots map[int]int   // container by the process that was started for it
	gone  time.Duration // CPU time of roots that were waited for, with their children
	seen  time.Duration // the most that usage has found
}

func (g *treeGroup) take(pid, container int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.roots[pid] = container
	return nil
}

// kill ends the process groups of a container, and those processes that left
// them, which still carry the container's environment.
func (g *treeGroup) kill(container int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for pid, c := range g.roots {
		if c == container {
			_ = syscall.Kill(-pid, syscall.SIGKILL) // it may have gone
		}
	}
	marks := g.host.mark.of(g.spec, container)
	killAll(func() ([]int, error) {
		return processesWhere(func(environ []byte) bool { return hasAll(environ, marks) })
	})
}

func (g *treeGroup) reaped(state *os.ProcessState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.roots, state.Pid())
	g.gone += state.UserTime() + state.SystemTime()
}

func (g *treeGroup) limitCPU(int) error { return nil } // nor is any other limit kept

func (g *treeGroup) usage() (task.Usage, error) {
	children, err := g.host.tree()
	if err != nil {
		return task.Usage{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	usage := task.Usage{At: time.Now(), CPU: g.gone}
	for root := range g.roots {
		addTree(&usage, root, children)
	}
	// A process that nobody waited for takes its CPU time with it.
	g.seen = max(g.seen, usage.CPU)
	usage.CPU = g.seen
	return usage, nil
}

// addTree adds what a process and its descendants use.
func addTree(usage *task.Usage, pid int, children map[int][]int) {
	p := process.Process{Pid: int32(pid)}
	if times, err := p.Times(); err == nil {
		usage.CPU += time.Duration((times.User+times.System)*float64(time.Second)) + waitedFor(pid)
	}
	if memory, err := p.MemoryInfo(); err == nil {
		usage.Memory += int64(memory.RSS)
	}
	for _, child := range children[pid] {
		addTree(usage, child, children)
	}
}

func (g *treeGroup) outOfMemory(int) bool { return false }

func (g *treeGroup) where() map[string]string { return nil }

func (g *treeGroup) remove() error { return nil }

// killAll kills processes until there are none. A process may fork while it is
// being killed, so one round does not do; a task that forks faster than it can
// be killed is given up after a second.
func killAll(processes func() ([]int, error)) {
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		pids, err := processes()
		if err != nil || len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); errors.Is(err, syscall.EPERM) {
				return
			}
		}
		time.Sleep(wait)
	}
}
