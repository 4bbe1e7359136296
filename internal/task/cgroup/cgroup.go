// Package cgroup measures tasks by their cgroups, for the runtimes of this machine.
package cgroup

import "flyball/internal/task"

// A Meter reads what the processes of a cgroup have used.
type Meter func() (task.Usage, error)
