package process

import (
	"fmt"
	"os"
)

// HasSocket says whether a task holds the socket with an inode, and which. Tasks are asked
// for that share this machine's network: the others reach it by their own network alone.
// It costs nothing while there are none.
func (r *Runtime) HasSocket(inode uint64) (taskID string, ok bool) {
	socket := fmt.Sprintf("socket:[%d]", inode)
	for _, t := range r.sharing() {
		for _, pid := range t.processes() {
			if holds(pid, socket) {
				return t.spec.ID, true
			}
		}
	}
	return "", false
}

// sharing are the running tasks that share this machine's network.
func (r *Runtime) sharing() (found []*Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		if !isClosed(t.done) && t.attachment.network() == networkLoopback {
			found = append(found, t)
		}
	}
	return found
}

// holds says whether a process has a file open, by the name that the kernel gives it.
func holds(pid int, name string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // it has gone
	}
	for _, entry := range entries {
		if at, err := os.Readlink(dir + "/" + entry.Name()); err == nil && at == name {
			return true
		}
	}
	return false
}
