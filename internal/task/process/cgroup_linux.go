package process

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"runtime"

	"github.com/containerd/cgroups/v3"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"flyball/internal/task"
)

// newCgroupHost returns a host that holds tasks in cgroups, in those of the kind
// this machine has. It has made one, so it can make more.
func newCgroupHost(name string) (host, error) {
	if cgroups.Mode() == cgroups.Unified {
		return newUnified(name)
	}
	return newLegacy(name)
}

// limits are the limits of a cgroup, 0 being none. Memory is in MiB.
func limits(units, weight, memory int) *specs.LinuxResources {
	resources := &specs.LinuxResources{CPU: &specs.LinuxCPU{}, Memory: &specs.LinuxMemory{}}
	if units > 0 {
		quota, period := task.CPULimit(units)
		quotaMicros, periodMicros := quota.Microseconds(), uint64(period.Microseconds())
		resources.CPU.Quota, resources.CPU.Period = &quotaMicros, &periodMicros
	}
	if weight > 0 {
		shares := uint64(min(max(weight, 2), 262144))
		resources.CPU.Shares = &shares
	}
	if memory > 0 {
		limit := int64(memory) << 20
		resources.Memory.Limit = &limit
	}
	return resources
}

// limitPIDs is a limit of the processes and threads of a cgroup; 0 is none.
func limitPIDs(n int) *specs.LinuxPids {
	if n == 0 {
		return nil
	}
	limit := int64(n)
	return &specs.LinuxPids{Limit: &limit}
}

// weightOfAll is the weight of the tasks of a server together, beside other programs: one
// of these for each processor. With that of a single program they would wait behind those of
// a busy machine, and use less than they need.
func weightOfAll() *specs.LinuxResources { return limits(0, 1024*runtime.NumCPU(), 0) }

// strays are the cgroups below a directory whose names are not to be kept.
func strays(dir string, keep func(id string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() && !keep(entry.Name()) {
			found = append(found, entry.Name())
		}
	}
	return found, err
}

// shownMemory is the limit of a container's cgroup. Where only the task has one the
// container has the same: runtimes of languages choose the size of their heaps by what
// they see there.
func shownMemory(spec task.Spec, c task.Container) int { return cmp.Or(c.Memory, spec.Memory) }
