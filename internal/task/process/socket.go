package process

import (
	"fmt"
	"os"
	"slices"
	"strconv"
)

// HasSocket says whether a task holds the socket with an inode, and which. Tasks are asked
// for that share this machine's network: the others reach it by their own network alone.
// It costs nothing while there are none.
func (r *Runtime) HasSocket(inode uint64) (taskID string, ok bool) {
	sharing := r.sharing()
	if len(sharing) == 0 {
		return "", false
	}
	socket := fmt.Sprintf("socket:[%d]", inode)
	for _, t := range sharing {
		for _, pid := range t.processes() {
			if holds(pid, socket) {
				return t.spec.ID, true
			}
		}
	}
	return "", false
}

// MayHide says whether a task may have the socket with an inode where HasSocket does not
// see it: a descriptor that is on its way from one process to another is in no list, nor is
// one that a thread keeps to itself. While tasks share this machine's network, a socket is
// somebody else's only if a process has it that is no task's.
func (r *Runtime) MayHide(inode uint64) bool {
	if len(r.sharing()) == 0 {
		return false
	}
	socket := fmt.Sprintf("socket:[%d]", inode)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return true
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		// A process that has it before and after is among a task's in between, if it is one.
		if err == nil && holds(pid, socket) && !r.isTasks(pid) && holds(pid, socket) {
			return false
		}
	}
	return true
}

// isTasks says whether a process is that of a task that shares this machine's network.
func (r *Runtime) isTasks(pid int) bool {
	return slices.ContainsFunc(r.sharing(), func(t *Task) bool { return slices.Contains(t.processes(), pid) })
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
