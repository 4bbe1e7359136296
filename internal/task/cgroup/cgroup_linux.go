package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/cgroups/v3"
	"github.com/containerd/cgroups/v3/cgroup1"
	"github.com/containerd/cgroups/v3/cgroup2"

	"flyball/internal/task"
)

// LegacyControllers are the controllers of cgroups of version 1 that limit and
// measure CPU and memory.
func LegacyControllers() ([]cgroup1.Subsystem, error) {
	all, err := cgroup1.Default()
	if err != nil {
		return nil, err
	}
	var controllers []cgroup1.Subsystem
	needed := 0
	for _, c := range all {
		switch c.Name() {
		case cgroup1.Cpu, cgroup1.Cpuacct:
			needed++
			controllers = append(controllers, c)
		case cgroup1.Pids: // which not every machine has
			controllers = append(controllers, c)
		case cgroup1.Memory:
			needed++
			root := filepath.Dir(Dir(c, "/"))
			controllers = append(controllers, cgroup1.NewMemory(root, cgroup1.IgnoreModules("memsw", "kmem", "kmem.tcp")))
		}
	}
	if needed != 3 {
		return nil, errors.New("the controllers cpu, cpuacct and memory are not all there")
	}
	return controllers, nil
}

// Dir is the directory of a cgroup of version 1.
func Dir(controller cgroup1.Subsystem, path string) string {
	return controller.(interface{ Path(string) string }).Path(path)
}

// Legacy measures a cgroup of version 1.
func Legacy(cg cgroup1.Cgroup) Meter {
	return func() (task.Usage, error) {
		stat, err := cg.Stat()
		if err != nil {
			return task.Usage{}, err
		}
		return usageOf(time.Duration(stat.CPU.Usage.Total), stat.Memory.Usage.Usage, stat.Memory.TotalInactiveFile), nil
	}
}

// Unified measures a cgroup of version 2.
func Unified(cg *cgroup2.Manager) Meter {
	return func() (task.Usage, error) {
		stat, err := cg.StatFiltered(cgroup2.StatCPU | cgroup2.StatMemory)
		if err != nil {
			return task.Usage{}, err
		}
		cpu := time.Duration(stat.CPU.GetUsageUsec()) * time.Microsecond
		return usageOf(cpu, stat.Memory.GetUsage(), stat.Memory.GetInactiveFile()), nil
	}
}

// usageOf makes a usage of the counters of a cgroup. Page cache that nobody
// used lately is not counted: the kernel takes it back when memory is short.
func usageOf(cpu time.Duration, memory, inactiveFile uint64) task.Usage {
	return task.Usage{At: time.Now(), CPU: cpu, Memory: int64(memory - min(memory, inactiveFile))}
}

// OfContainer measures the cgroup of a container by one of its processes. The
// process may be known by that number on another machine or in another namespace
// only, so its cgroup has to have the container's id in its name.
func OfContainer(pid int, id string) (Meter, error) {
	file, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(file), id) {
		return nil, fmt.Errorf("process %d of this machine is not in container %s", pid, id)
	}
	var meter Meter
	if cgroups.Mode() == cgroups.Unified {
		path, err := cgroup2.PidGroupPath(pid)
		if err != nil {
			return nil, err
		}
		cg, err := cgroup2.Load(path)
		if err != nil {
			return nil, err
		}
		meter = Unified(cg)
	} else {
		cg, err := cgroup1.Load(cgroup1.PidPath(pid), cgroup1.WithHierarchy(LegacyControllers))
		if err != nil {
			return nil, err
		}
		meter = Legacy(cg)
	}
	_, err = meter() // it may be out of sight
	return meter, err
}
