// Package task runs tasks: the containers of a task definition, started
// together at one address, limited, measured and stopped. The runtimes are in
// the packages below it.
package task

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"time"
)

// ErrNoImage is wrapped by Start when a runtime cannot run an image. Its message
// is shown to users as the task's stopped reason.
var ErrNoImage = errors.New("CannotPullContainerError")

// ErrNoRoom is wrapped by Start when this machine lacks what any task takes. Nothing is
// wrong with the task, which can be started when others have ended.
var ErrNoRoom = errors.New("ResourceInitializationError: the task is not started")

// A Runtime starts tasks on some kind of host. Its methods may be called from
// several goroutines.
type Runtime interface {
	// Name is "process", "docker", "kubernetes" or "simulated".
	Name() string
	// Start starts all containers of a task. It returns when they have been
	// started, or with the reason why one could not be; then none is left running.
	// A container that depends on others is started when they have come as far as
	// it wants. If they never will, it ends without having been started. When ctx
	// ends before, nothing is left of the task.
	Start(ctx context.Context, spec Spec) (Task, error)
	// Recover returns the tasks that earlier lives of the server started and that
	// are still kept: those that run, and those that have stopped, whose Done is
	// closed or will be soon. The caller adopts each, or stops and removes it. What
	// is left of tasks that were not started whole, or whose records are damaged, is
	// ended and removed; it is no reason for an error.
	Recover(ctx context.Context) ([]Task, error)
	// Close releases the runtime. It does not stop tasks.
	Close() error
}

// A Puller is a Runtime that can fetch an image before a task is started with it.
type Puller interface {
	// Pull fetches the image with a digest, which its name has stood for; without a
	// digest, the one that it stands for now. It returns the digest, or "" for a
	// program that comes with the runtime. An error wraps ErrNoImage.
	Pull(ctx context.Context, image, digest string) (string, error)
}

// Effortless is a Runtime whose tasks are no programs: what they do is known, not measured.
type Effortless interface {
	// StartsAtOnce is how many tasks may be started at the same time.
	StartsAtOnce() int
	// Now is the time that Usage tells.
	Now() time.Time
}

// A Task is one running or stopped task. Its methods may be called from several
// goroutines, and again.
type Task interface {
	// ID is the one of its spec.
	ID() string
	// Address is the IPv4 address at which the task's ports are open.
	Address() string
	// Done is closed when the task has stopped: all its containers have exited.
	// When an essential container exits, the runtime stops the others.
	Done() <-chan struct{}
	// Exits tells how the containers ended that have; all, once Done is closed.
	Exits() []Exit
	// Stop sends SIGTERM to the containers, and SIGKILL to those that are left
	// after their stop timeout. It returns when the task has stopped, at once if it
	// has already.
	Stop(ctx context.Context) error
	// Usage measures the task now.
	Usage(ctx context.Context) (Usage, error)
	// Health is the result of the container health checks.
	Health() Health
	// Logs opens what a container has written. An empty container name means the
	// first container.
	Logs(ctx context.Context, container string, opts LogOptions) (Log, error)
	// Remove deletes what is kept of a stopped task, its logs too, unless it is
	// deleted already.
	Remove() error
}

// A Losable task may be ended by others than its server and itself.
type Losable interface {
	// Lost is why others have ended the task; "" if they have not.
	Lost() string
}

// A Spec is all that a runtime needs to know of a task.
type Spec struct {
	ID         string            // the task's id, unique and safe in file names
	Labels     map[string]string // cluster, service, task definition: for people who look at the host
	CPU        int               // limit in CPU units, 1024 to a virtual CPU; 0 is no limit
	Memory     int               // limit in MiB; 0 is no limit
	PIDs       int               // limit of processes and threads, where cgroups have one; 0 is no limit
	Containers []Container
}

// A Container is one container of a task.
type Container struct {
	Name        string
	Image       string
	Digest      string // of what Image is to stand for; empty is what it stands for at the start
	EntryPoint  []string
	Command     []string
	Env         []string // NAME=value
	WorkingDir  string
	User        string
	Essential   bool
	CPU         int // units within the task's; 0 is a fair share
	Memory      int // hard limit in MiB; 0 is the task's
	Ports       []int
	StopTimeout time.Duration // in real time; 0 means 30 s
	HealthCheck *HealthCheck
	Ulimits     []Ulimit
	// ReadOnlyRoot keeps the container from changing the image's files, where the
	// runtime gives it a root of its own.
	ReadOnlyRoot bool
	// Mounts are folders of this machine that the container sees at paths of its own
	// choice. One without an image then sees the rest of this machine's files as well, and
	// can change none of them. It is for the process runtime, where that has the right to
	// mount.
	Mounts    []Mount
	DependsOn []Dependency
	// StartTimeout is how long, in real time, the containers that depend on this
	// one wait for it; 0 is without end.
	StartTimeout time.Duration
}

// A Mount is a folder of this machine that a container sees at a path.
type Mount struct {
	Path     string
	Source   string
	Writable bool
}

// A Ulimit is a resource limit of a container's processes, named as setrlimit(2)
// names it: nofile, nproc and so on. -1 is no limit.
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// TimeToStop is how long the container has between SIGTERM and SIGKILL.
func (c Container) TimeToStop() time.Duration {
	if c.StopTimeout == 0 {
		return 30 * time.Second
	}
	return c.StopTimeout
}

// A HealthCheck is a command that tells whether a container is well.
type HealthCheck struct {
	Command     []string // CMD or CMD-SHELL first, as in a task definition
	Interval    time.Duration
	Timeout     time.Duration
	Retries     int
	StartPeriod time.Duration
}

// Health is the health of a container or of a whole task.
type Health string

// The states of health, in ECS's words.
const (
	HealthUnknown Health = "UNKNOWN"
	Healthy       Health = "HEALTHY"
	Unhealthy     Health = "UNHEALTHY"
)

// OutOfMemory is the reason of an exit at a memory limit.
const OutOfMemory = "OutOfMemoryError: Container killed due to memory usage"

// PortInUse begins the reason of an exit of a program that could not listen on a port
// of its container, because another program does.
const PortInUse = "PortInUseError"

// NoProgram begins the reason of an exit of what is no program for this machine: it is for
// another architecture, or text that does not say what is to read it.
const NoProgram = "ExecFormatError"

// An Exit tells how a container ended.
type Exit struct {
	Container string
	Code      int    // 128 + the signal's number after a signal
	Known     bool   // false when the exit code could not be learned
	Reason    string // such as OutOfMemory; empty when there is nothing to say
	// Err is why the container was not started, or one that it depends on. It is of this life of the
	// server: nil in the next.
	Err error `json:"-"`
}

// Usage is what a task has used. Two of them make a utilization.
type Usage struct {
	At     time.Time     // by the wall clock, unless the runtime is Effortless
	CPU    time.Duration // CPU time since the task started
	Memory int64         // bytes in use, without reclaimable page cache
}

// CombineHealth makes the health of a task of that of its containers, as ECS
// does: it is decided by the essential containers that have a health check.
func CombineHealth(containers []Container, health func(i int) Health) Health {
	passed, pending := false, false
	for i, c := range containers {
		if !c.Essential || c.HealthCheck == nil {
			continue
		}
		switch health(i) {
		case Unhealthy:
			return Unhealthy
		case Healthy:
			passed = true
		default:
			pending = true
		}
	}
	if passed && !pending {
		return Healthy
	}
	return HealthUnknown
}

// CPULimit is the kernel's form of a limit in CPU units: the CPU time that may be
// used in each period. The period is short, so that a task at its limit looks
// evenly busy when it is measured each second: with 20 ms the error is 2 %, with
// the usual 100 ms it is 10 %. The kernel allows no quota under 1 ms and no period
// over 1 s, so small limits have longer periods: 256 units are 5 ms in 20 ms, 32
// units 1 ms in 32 ms, and less than 2 units cannot be had.
func CPULimit(units int) (quota, period time.Duration) {
	units = max(units, 2)
	period = max(20, time.Duration((1024+units-1)/units)) * time.Millisecond
	return period * time.Duration(units) / 1024, period
}

// Instance is the name, on a host, of what belongs to the server with a data
// directory. Several servers on one host do not touch each other's tasks.
func Instance(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	hash := fnv.New32a()
	hash.Write([]byte(dir))
	return fmt.Sprintf("flyball-%08x", hash.Sum32()), nil
}
