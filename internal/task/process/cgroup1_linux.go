package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/containerd/cgroups/v3/cgroup1"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"flyball/internal/task"
	"flyball/internal/task/cgroup"
)

// legacy is a host with cgroups of version 1: a tree for each controller.
type legacy struct {
	hierarchy cgroup1.Hierarchy
	parent    cgroup1.Path // above the groups of all tasks
	swap      bool         // memory and swap can be limited together
}

func newLegacy(name string) (*legacy, error) {
	controllers, err := cgroup.LegacyControllers()
	if err != nil {
		return nil, err
	}
	h := &legacy{hierarchy: func() ([]cgroup1.Subsystem, error) { return controllers, nil }}
	for _, c := range controllers {
		if c.Name() == cgroup1.Memory {
			_, err := os.Stat(filepath.Join(cgroup.Dir(c, "/"), "memory.memsw.limit_in_bytes"))
			h.swap = err == nil
		}
	}
	// Below our own cgroup whatever limits flyball limits its tasks too. Where
	// that is not visible, as in some containers, the root will do.
	for _, h.parent = range []cgroup1.Path{cgroup1.NestedPath(name), cgroup1.StaticPath("/" + name)} {
		if err = h.try(); err == nil {
			return h, h.weigh()
		}
	}
	return nil, err
}

// weigh gives the parent its weight.
func (h *legacy) weigh() error {
	all, err := cgroup1.Load(h.parent, cgroup1.WithHierarchy(h.hierarchy))
	if err != nil {
		return err
	}
	return all.Update(weightOfAll())
}

// try makes a limited cgroup and removes it.
func (h *legacy) try() error {
	g, err := h.create(task.Spec{ID: fmt.Sprintf("try-%d", os.Getpid()), CPU: 256, Memory: 64})
	if err != nil {
		return err
	}
	return g.remove()
}

func (h *legacy) limits(units, weight, memory int) *specs.LinuxResources {
	resources := limits(units, weight, memory)
	if h.swap {
		resources.Memory.Swap = resources.Memory.Limit
	}
	return resources
}

func (h *legacy) create(spec task.Spec) (group, error) {
	path := below(h.parent, spec.ID)
	resources := h.limits(spec.CPU, 0, spec.Memory)
	resources.Pids = limitPIDs(spec.PIDs)
	all, err := cgroup1.New(path, resources, cgroup1.WithHierarchy(h.hierarchy))
	if err != nil {
		return nil, fmt.Errorf("making the task's cgroup: %w", err)
	}
	g := &legacyGroup{path: path, all: all}
	for _, c := range spec.Containers {
		sub, err := all.New(c.Name, h.limits(0, c.CPU, shownMemory(spec, c)))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("making the cgroup of container %s: %w", c.Name, err), g.remove())
		}
		g.containers = append(g.containers, sub)
	}
	return g, nil
}

func (h *legacy) open(rec *record) (group, error) {
	path := func(controller cgroup1.Name) (string, error) {
		if p, ok := rec.Group[string(controller)]; ok {
			return p, nil
		}
		return "", cgroup1.ErrControllerNotActive
	}
	all, err := cgroup1.Load(path, cgroup1.WithHierarchy(h.hierarchy))
	if err != nil {
		return nil, err
	}
	g := &legacyGroup{path: path, all: all}
	for _, c := range rec.Spec.Containers {
		sub, err := cgroup1.Load(below(path, c.Name), cgroup1.WithHierarchy(h.hierarchy))
		if err != nil {
			return nil, err
		}
		g.containers = append(g.containers, sub)
	}
	return g, nil
}

func (h *legacy) sweep(keep func(id string) bool) error {
	controllers, err := h.hierarchy()
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range controllers {
		parent, err := h.parent(c.Name())
		if err != nil {
			return err
		}
		ids, err := strays(cgroup.Dir(c, parent), keep)
		failed = append(failed, err)
		for _, id := range ids {
			only := func() ([]cgroup1.Subsystem, error) { return []cgroup1.Subsystem{c}, nil }
			cg, err := cgroup1.Load(below(h.parent, id), cgroup1.WithHierarchy(only))
			if errors.Is(err, cgroup1.ErrCgroupDeleted) {
				continue // a task that has ended just now removes its own
			}
			if err != nil {
				failed = append(failed, err)
				continue
			}
			killAll(func() ([]int, error) { return legacyPIDs(cg, c.Name()) })
			failed = append(failed, cg.Delete())
		}
	}
	return errors.Join(failed...)
}

func (h *legacy) close() {
	controllers, err := h.hierarchy()
	if err != nil {
		return
	}
	for _, c := range controllers {
		if path, err := h.parent(c.Name()); err == nil {
			_ = os.Remove(cgroup.Dir(c, path)) // stays while it holds a task
		}
	}
}

func below(parent cgroup1.Path, name string) cgroup1.Path {
	return func(controller cgroup1.Name) (string, error) {
		path, err := parent(controller)
		return filepath.Join(path, name), err
	}
}

// legacyGroup is a task's cgroup with one below it for each container.
type legacyGroup struct {
	path       cgroup1.Path
	all        cgroup1.Cgroup
	containers []cgroup1.Cgroup
}

func (g *legacyGroup) take(pid, container int) error {
	return g.containers[container].AddProc(uint64(pid))
}

func (g *legacyGroup) kill(container int) {
	killAll(func() ([]int, error) { return legacyPIDs(g.containers[container], cgroup1.Memory) })
}

func (g *legacyGroup) processes() []int {
	pids, _ := legacyPIDs(g.all, cgroup1.Memory) // none of a group that is gone
	return pids
}

func legacyPIDs(cg cgroup1.Cgroup, controller cgroup1.Name) ([]int, error) {
	processes, err := cg.Processes(controller, true)
	pids := make([]int, len(processes))
	for i, p := range processes {
		pids[i] = p.Pid
	}
	return pids, err
}

func (g *legacyGroup) reaped(int, time.Duration) {}

func (g *legacyGroup) limitCPU(units int) error {
	return g.all.Update(&specs.LinuxResources{CPU: limits(units, 0, 0).CPU})
}

func (g *legacyGroup) usage() (task.Usage, error) { return cgroup.Legacy(g.all)() }

func (g *legacyGroup) outOfMemory(container int) bool {
	stat, err := g.containers[container].Stat()
	return err == nil && stat.MemoryOomControl.GetOomKill() > 0
}

func (g *legacyGroup) where() map[string]string {
	where := map[string]string{}
	for _, c := range g.all.Subsystems() {
		if path, err := g.path(c.Name()); err == nil {
			where[string(c.Name())] = path
		}
	}
	return where
}

func (g *legacyGroup) remove() error {
	for _, cg := range slices.Concat(g.containers, []cgroup1.Cgroup{g.all}) {
		if err := cg.Delete(); err != nil && !errors.Is(err, cgroup1.ErrCgroupDeleted) {
			return err
		}
	}
	return nil
}
