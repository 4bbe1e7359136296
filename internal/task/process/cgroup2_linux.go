package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/cgroups/v3"
	"github.com/containerd/cgroups/v3/cgroup2"

	"flyball/internal/task"
	"flyball/internal/task/cgroup"
)

// cgroup2Root is where the one tree of cgroups of version 2 is mounted.
const cgroup2Root = "/sys/fs/cgroup"

// serverGroup is the cgroup that a server moves to in order to have others beside it.
const serverGroup = "flyball-server"

// unified is a host with cgroups of version 2.
type unified struct {
	parent string // above the groups of all tasks, from the root on
	pids   bool   // processes can be limited
}

func newUnified(name string) (*unified, error) {
	_, own, err := cgroups.ParseCgroupFileUnified("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	// Below our own cgroup whatever limits flyball limits its tasks too. But a
	// cgroup with processes may not limit those below it: the server would have
	// to move out of the way first, which it may when it is there alone, as a
	// systemd service with Delegate=yes is. Otherwise the root will do.
	if filepath.Base(own) == serverGroup {
		own = filepath.Dir(own) // we have moved before
	}
	h := &unified{parent: filepath.Join("/", own, name), pids: hasPIDs(own)}
	if err = h.try(); err == nil {
		return h, h.weigh()
	}
	if alone(own) && moveBelow(own, serverGroup) == nil {
		if err = h.try(); err == nil {
			return h, h.weigh()
		}
	}
	h.parent = "/" + name
	if err = h.try(); err == nil {
		return h, h.weigh()
	}
	return nil, err
}

// hasPIDs says whether those below a cgroup can have a limit of their processes.
func hasPIDs(own string) bool {
	controllers, err := os.ReadFile(filepath.Join(cgroup2Root, own, "cgroup.controllers"))
	return err == nil && slices.Contains(strings.Fields(string(controllers)), "pids")
}

// weigh gives the parent its weight.
func (h *unified) weigh() error {
	all, err := cgroup2.Load(h.parent)
	if err != nil {
		return err
	}
	weight := cgroup2.ConvertCPUSharesToCgroupV2Value(*weightOfAll().CPU.Shares)
	return all.Update(&cgroup2.Resources{CPU: &cgroup2.CPU{Weight: &weight}})
}

// alone says whether this process is the only one in its cgroup.
func alone(own string) bool {
	pids, err := os.ReadFile(filepath.Join(cgroup2Root, own, "cgroup.procs"))
	return err == nil && own != "/" && strings.TrimSpace(string(pids)) == strconv.Itoa(os.Getpid())
}

func moveBelow(own, name string) error {
	m, err := cgroup2.NewManager(cgroup2Root, filepath.Join("/", own, name), &cgroup2.Resources{})
	if err != nil {
		return err
	}
	return m.AddProc(uint64(os.Getpid()))
}

// try makes a limited cgroup and removes it.
func (h *unified) try() error {
	g, err := h.create(task.Spec{ID: fmt.Sprintf("try-%d", os.Getpid()), CPU: 256, Memory: 64})
	if err != nil {
		h.close()
		return err
	}
	return g.remove()
}

func unifiedLimits(units, weight, memory int) *cgroup2.Resources {
	l := limits(units, weight, memory)
	r := &cgroup2.Resources{CPU: &cgroup2.CPU{}, Memory: &cgroup2.Memory{Max: l.Memory.Limit}}
	if l.CPU.Quota != nil {
		r.CPU.Max = cgroup2.NewCPUMax(l.CPU.Quota, l.CPU.Period)
	}
	if l.CPU.Shares != nil {
		w := cgroup2.ConvertCPUSharesToCgroupV2Value(*l.CPU.Shares)
		r.CPU.Weight = &w
	}
	return r
}

func (h *unified) create(spec task.Spec) (group, error) {
	path := filepath.Join(h.parent, spec.ID)
	resources := unifiedLimits(spec.CPU, 0, spec.Memory)
	if h.pids && spec.PIDs > 0 {
		resources.Pids = &cgroup2.Pids{Max: int64(spec.PIDs)}
	}
	all, err := cgroup2.NewManager(cgroup2Root, path, resources)
	if err != nil {
		return nil, fmt.Errorf("making the task's cgroup: %w", err)
	}
	g := &unifiedGroup{path: path, all: all}
	if spec.Memory > 0 {
		// Where there is no swap there is no such file.
		none := int64(0)
		if err := all.Update(&cgroup2.Resources{Memory: &cgroup2.Memory{Swap: &none}}); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("limiting the task's swap: %w", err), g.remove())
		}
	}
	for _, c := range spec.Containers {
		sub, err := all.NewChild(c.Name, unifiedLimits(0, c.CPU, shownMemory(spec, c)))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("making the cgroup of container %s: %w", c.Name, err), g.remove())
		}
		g.containers = append(g.containers, sub)
	}
	return g, nil
}

func (h *unified) open(rec *record) (group, error) {
	path := rec.Group[""]
	if path == "" {
		return nil, errors.New("the task has no cgroup")
	}
	if _, err := os.Stat(filepath.Join(cgroup2Root, path)); err != nil {
		return nil, err
	}
	all, err := cgroup2.Load(path)
	if err != nil {
		return nil, err
	}
	g := &unifiedGroup{path: path, all: all}
	for _, c := range rec.Spec.Containers {
		sub, err := cgroup2.Load(filepath.Join(path, c.Name))
		if err != nil {
			return nil, err
		}
		g.containers = append(g.containers, sub)
	}
	return g, nil
}

func (h *unified) sweep(keep func(id string) bool) error {
	ids, err := strays(filepath.Join(cgroup2Root, h.parent), keep)
	failed := []error{err}
	for _, id := range ids {
		cg, err := cgroup2.Load(filepath.Join(h.parent, id))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		killUnified(cg)
		failed = append(failed, cg.Delete())
	}
	return errors.Join(failed...)
}

func (h *unified) close() {
	_ = os.Remove(filepath.Join(cgroup2Root, h.parent)) // stays while it holds a task
}

// unifiedGroup is a task's cgroup with one below it for each container.
type unifiedGroup struct {
	path       string
	all        *cgroup2.Manager
	containers []*cgroup2.Manager
}

func (g *unifiedGroup) take(pid, container int) error {
	return g.containers[container].AddProc(uint64(pid))
}

func (g *unifiedGroup) kill(container int) { killUnified(g.containers[container]) }

func killUnified(cg *cgroup2.Manager) {
	killAll(func() ([]int, error) {
		_ = cg.Kill() // at once, from Linux 5.14 on
		return unifiedPIDs(cg)
	})
}

func (g *unifiedGroup) processes() []int {
	pids, _ := unifiedPIDs(g.all) // none of a group that is gone
	return pids
}

func unifiedPIDs(cg *cgroup2.Manager) ([]int, error) {
	procs, err := cg.Procs(true)
	pids := make([]int, len(procs))
	for i, p := range procs {
		pids[i] = int(p)
	}
	return pids, err
}

func (g *unifiedGroup) reaped(int, time.Duration) {}

func (g *unifiedGroup) limitCPU(units int) error {
	return g.all.Update(&cgroup2.Resources{CPU: unifiedLimits(units, 0, 0).CPU})
}

func (g *unifiedGroup) usage() (task.Usage, error) { return cgroup.Unified(g.all)() }

func (g *unifiedGroup) outOfMemory(container int) bool {
	stat, err := g.containers[container].StatFiltered(cgroup2.StatMemoryEvents)
	return err == nil && stat.MemoryEvents.GetOomKill() > 0
}

func (g *unifiedGroup) where() map[string]string { return map[string]string{"": g.path} }

func (g *unifiedGroup) remove() error {
	for _, cg := range slices.Concat(g.containers, []*cgroup2.Manager{g.all}) {
		if err := cg.Delete(); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
