package process

import (
	"log/slog"
	"time"

	"flyball/internal/task"
)

// A host holds tasks apart from each other, as far as this machine permits.
type host interface {
	// create makes the group of a new task.
	create(spec task.Spec) (group, error)
	// open returns the group of a task of an earlier life, or an error if there
	// is none: the machine was started anew, or had another host.
	open(rec *record) (group, error)
	// sweep ends and removes the groups of tasks that are not to be kept, which
	// earlier lives of the server left.
	sweep(keep func(id string) bool) error
	// close removes what create made for all tasks together, when none is left.
	close()
}

// A group is the processes of one task.
type group interface {
	// take takes a process among those of a container. It waits: all that its
	// command does, it does there.
	take(pid, container int) error
	// kill ends all processes of a container at once, its descendants too.
	kill(container int)
	// processes are those of all containers.
	processes() []int
	// reaped tells the group of a process that has ended and been waited for, and of the CPU
	// time that it used with its children.
	reaped(pid int, cpu time.Duration)
	// limitCPU changes the limit of the task's CPU, in units.
	limitCPU(units int) error
	// usage is what the task has used until now.
	usage() (task.Usage, error)
	// outOfMemory says whether a process of a container was killed at a memory limit.
	outOfMemory(container int) bool
	// where tells open how to find the group again.
	where() map[string]string
	// remove removes the group once its processes are gone.
	remove() error
}

// newHost returns the best host that this machine permits.
func newHost(opts Options, name string) host {
	if opts.NoCgroups {
		return newTreeHost(name, opts.Log)
	}
	h, err := newCgroupHost(name)
	if err != nil {
		opts.Log.Info("tasks are measured but not limited: cgroups cannot be used", "reason", err)
		return newTreeHost(name, opts.Log)
	}
	return h
}

func newTreeHost(name string, log *slog.Logger) *treeHost {
	if err := ours.keepOrphans(); err != nil {
		log.Debug("processes of a task that has ended by itself may be missed", "reason", err)
	}
	return &treeHost{mark: mark(name)}
}
