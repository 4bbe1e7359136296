package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"flyball/internal/task"
)

// health is what a container's health checks have found so far. The zero value
// is that of a container that was not checked yet.
type health struct {
	mu       sync.Mutex
	found    task.Health
	failures int // in a row, those that count
}

func (h *health) state() task.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.found == "" {
		return task.HealthUnknown
	}
	return h.found
}

// observe takes in the result of a check made when the container had run for
// age. Failures within the start period do not count, unless the container has
// been well before.
func (h *health) observe(check task.HealthCheck, passed bool, age time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case passed:
		h.found, h.failures = task.Healthy, 0
	case h.found == "" && age < check.StartPeriod:
	default:
		h.failures++
		if h.failures >= max(check.Retries, 1) {
			h.found = task.Unhealthy
		}
	}
}

// checkHealth runs a container's health check until ctx ends.
func (c *container) checkHealth(ctx context.Context, check task.HealthCheck) {
	argv, err := healthCommand(check.Command)
	if err != nil || len(argv) == 0 {
		if err != nil {
			c.task.runtime.log.Warn("a container's health is not checked", "task", c.task.spec.ID, "container", c.spec.Name, "error", err)
		}
		return
	}
	interval := check.Interval
	if interval <= 0 {
		interval = 30 * time.Second
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	well := sync.OnceFunc(func() { close(c.Healthy) })
	for started := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		passed := c.check(ctx, argv, check.Timeout)
		if ctx.Err() != nil {
			return // it failed because the container ended
		}
		c.health.observe(check, passed, time.Since(started))
		if passed {
			well()
		}
	}
}

// check runs a health check's command among the container's processes.
func (c *container) check(ctx context.Context, argv []string, timeout time.Duration) (passed bool) {
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd, waiting, err := c.command(ctx, argv, true)
	if err != nil {
		return false
	}
	defer waiting.Close()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := ours.start(cmd, func() error { return c.startAnother(cmd) }); err != nil {
		return false
	}
	pid := cmd.Process.Pid
	defer ours.forget(pid)
	err = c.run(pid, waiting)
	waiting.Close() // which ends a process that may not run
	err = errors.Join(err, cmd.Wait())
	c.task.group.reaped(pid, cpuOf(cmd.ProcessState))
	return err == nil
}

func cpuOf(state *os.ProcessState) time.Duration {
	if state == nil {
		return 0
	}
	return state.UserTime() + state.SystemTime()
}

// startAnother starts a process of the container besides the first.
func (c *container) startAnother(cmd *exec.Cmd) error {
	if len(cmd.ExtraFiles) > filesToWait {
		return startJoined(cmd)
	}
	return c.task.attachment.start(cmd)
}

// filesToWait is how many files a process has that waits and joins no other.
const filesToWait = 2

// healthCommand is the command line of a health check, none for {"NONE"}.
func healthCommand(command []string) ([]string, error) {
	if len(command) == 0 {
		return nil, errors.New("a health check needs a command")
	}
	switch form, args := command[0], command[1:]; {
	case form == "NONE":
		return nil, nil
	case form == "CMD-SHELL" && len(args) == 1:
		return []string{"/bin/sh", "-c", args[0]}, nil
	case form == "CMD" && len(args) > 0:
		return args, nil
	case form == "CMD" || form == "CMD-SHELL":
		return nil, fmt.Errorf("health check %q has no command", command)
	default:
		return command, nil // a bare command is taken for CMD
	}
}
