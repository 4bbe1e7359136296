package process

import (
	"errors"
	"os"
	"time"
)

// boundInterval is how often the logs of all tasks are looked at, whether it is known that
// they have grown or not.
const boundInterval = time.Second

// boundLogs keeps the logs of all tasks within their bounds until the runtime is closed.
func (r *Runtime) boundLogs(interval time.Duration) {
	if r.notifier != nil {
		go r.boundWritten()
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-r.closed:
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		var all []*container
		for _, t := range r.tasks {
			all = append(all, t.containers...)
		}
		r.mu.Unlock()
		for _, c := range all {
			r.boundLog(c)
		}
	}
}

// A log that is written is looked at after a pause: for the time in which a program writes some
// MiB, and so long that a thousand programs that write cost a part of a processor only.
const (
	boundPause    = 10 * time.Millisecond
	boundPauseFor = 500 * time.Microsecond // each
)

// boundWritten keeps logs within their bounds while they are written. A program writes
// hundreds of MiB in the time between two looks at all.
func (r *Runtime) boundWritten() {
	for {
		written := r.notifier.next()
		if len(written) == 0 {
			return
		}
		time.Sleep(max(boundPause, time.Duration(len(written))*boundPauseFor))
		for _, c := range written {
			r.notifier.watch(c)
			r.boundLog(c) // which may have grown before it was watched again
		}
	}
}

func (r *Runtime) boundLog(c *container) {
	path := c.logPath()
	if err := boundLog(path, c.pace.bound(path, r.logBytes)); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.log.Warn("cannot bound a task's log", "path", path, "error", err)
	}
}

// watchLog has the container's log kept within its bounds while it is written.
func (c *container) watchLog() {
	if n := c.task.runtime.notifier; n != nil {
		n.watch(c)
	}
}
