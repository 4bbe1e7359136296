package process

import (
	"errors"
	"slices"
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
			g.roots[c.Process.PID] = root{i, c.Process.Start}
		}
	}
	return g, nil
}

func (h *treeHost) sweep(func(string) bool) error { return nil }

func (h *treeHost) close() {}

func (h *treeHost) group(spec task.Spec) *treeGroup {
	return &treeGroup{host: h, spec: spec, roots: map[int]root{}}
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

// A kinship is what binds a process to others.
type kinship struct {
	parent, session int
	ended           bool
}

// kinships are those of all processes.
type kinships map[int]kinship

// withDescendants are some processes and all that descend from them, but for those that
// have ended.
func (all kinships) withDescendants(pids []int) []int {
	children := map[int][]int{}
	for pid, k := range all {
		children[k.parent] = append(children[k.parent], pid)
	}
	var found []int
	seen := map[int]bool{}
	for queue := slices.Clone(pids); len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		if k, is := all[pid]; !is || seen[pid] {
			continue
		} else if !k.ended {
			found = append(found, pid)
		}
		seen[pid] = true
		queue = append(queue, children[pid]...)
	}
	return found
}

// treeGroup is the processes of a task that its containers' first processes
// have begun.
type treeGroup struct {
	host *treeHost
	spec task.Spec

	mu    sync.Mutex
	roots map[int]root
	gone  time.Duration // CPU time of roots that were waited for, with their children
	seen  time.Duration // the most that usage has found
}

// A root is a process that was started for a container.
type root struct {
	container int
	start     uint64
}

func (g *treeGroup) take(pid, container int) error {
	start, err := startTime(pid)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.roots[pid] = root{container, start}
	return nil
}

// kill ends all processes of a container. They are stopped before they are killed, so that
// none begins another meanwhile.
func (g *treeGroup) kill(container int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	marks := g.host.mark.of(g.spec, container)
	stopped := map[int]bool{}
	for begun := time.Now(); time.Since(begun) < killPatience; {
		pids := g.members(container, marks)
		if len(pids) == 0 {
			return
		}
		more := false
		for _, pid := range pids {
			if !stopped[pid] && syscall.Kill(pid, syscall.SIGSTOP) == nil {
				stopped[pid], more = true, true
			}
		}
		if more {
			continue // they may have begun others before
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have gone
		}
		clear(stopped)
		time.Sleep(time.Millisecond)
	}
}

// killPatience is how long the processes of a container may take to end.
const killPatience = 5 * time.Second

// members are the processes of a container: its first ones with all that descend from
// them, those that carry its environment, and those whose container has ended before them.
func (g *treeGroup) members(container int, marks []string) []int {
	begin, all, err := ours.orphans()
	if err != nil {
		return nil
	}
	for pid, r := range g.roots {
		if start, err := startTime(pid); r.container == container && err == nil && start == r.start {
			begin = append(begin, pid)
		}
	}
	marked, _ := processesWhere(func(environ []byte) bool { return hasAll(environ, marks) })
	return all.withDescendants(append(begin, marked...))
}

func (g *treeGroup) processes() (all []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.spec.Containers {
		all = append(all, g.members(i, g.host.mark.of(g.spec, i))...)
	}
	return all
}

func (g *treeGroup) reaped(pid int, cpu time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.roots, pid)
	g.gone += cpu
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
