package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	taskruntime "flyball/internal/task"
)

// The variables by which processes of this run are found: those of tasks, and
// those of the server and of children that it has not made into tasks yet.
const (
	taskMark   = "TORTURE_TASK"
	serverMark = "TORTURE_SERVER"
)

// processes are those with a variable in their environment, with the id of the
// task that each belongs to.
func processes(variable, value string) (map[int]string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("find the processes of tasks, which needs Linux: %w", err)
	}
	found := map[int]string{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environment, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil { // it has ended, or is somebody else's
			continue
		}
		if task, ok := marked(environment, variable+"="+value); ok {
			found[pid] = task
		}
	}
	return found, nil
}

// marked reports whether an environment has a variable, and whose task it says
// it is.
func marked(environment []byte, mark string) (task string, ok bool) {
	for v := range bytes.SplitSeq(environment, []byte{0}) {
		if id, found := strings.CutPrefix(string(v), "FLYBALL_TASK="); found {
			task = id
		}
		ok = ok || string(v) == mark
	}
	return task, ok
}

// aliveTasks are the tasks that have a process.
func aliveTasks(processes map[int]string) map[string]bool {
	alive := map[string]bool{}
	for _, id := range processes {
		alive[id] = true
	}
	return alive
}

// kill ends processes of this run that nobody else will end.
func kill(processes map[int]string) {
	for pid := range processes {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
}

// leftovers are processes, cgroups and folders of tasks that a server does not
// know, or not as running.
func leftovers(mark, data string, server int, tasks map[string]task) ([]fault, error) {
	running, err := processes(taskMark, mark)
	if err != nil {
		return nil, err
	}
	faults, err := halfMade(mark, server)
	if err != nil {
		return nil, err
	}
	for pid, id := range running {
		if t, ok := tasks[id]; !ok || t.status == "STOPPED" {
			faults = append(faults, fault{orphan, fmt.Sprint("process ", pid), fmt.Sprintf("process %d of task %s runs, which the server says is %s", pid, id, say(t.status))})
		}
	}
	groups, err := cgroups(data)
	if err != nil {
		return nil, err
	}
	for _, id := range groups {
		if t, ok := tasks[id]; !ok || t.status == "STOPPED" {
			faults = append(faults, fault{orphan, "cgroup " + id, fmt.Sprintf("task %s, which the server says is %s, has a cgroup", id, say(t.status))})
		}
	}
	folders, err := os.ReadDir(filepath.Join(data, "tasks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // there was no task yet
		return nil, err
	}
	for _, f := range folders {
		if _, ok := tasks[f.Name()]; !ok {
			faults = append(faults, fault{orphan, "folder " + f.Name(), fmt.Sprintf("task %s, which the server does not know, has a folder", f.Name())})
		}
	}
	return faults, nil
}

// halfMade are children of earlier lives that were killed between fork and exec.
// They hold the lock of the data folder, and would for ever.
func halfMade(mark string, server int) ([]fault, error) {
	found, err := processes(serverMark, mark)
	var faults []fault
	for pid := range found {
		if pid != server {
			faults = append(faults, fault{orphan, fmt.Sprint("process ", pid), fmt.Sprintf("process %d is a child that the server has not made into a task", pid)})
		}
	}
	return faults, err
}

// cgroups are the names of the cgroups that hold tasks of the server with a data
// folder. Where there are none, tasks run without them.
func cgroups(data string) ([]string, error) {
	parents, err := cgroupParents(data)
	var names []string
	for _, dir := range parents {
		entries, _ := os.ReadDir(dir) // it may have gone
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), "try-") { // the server has tried what it may do
				names = append(names, e.Name())
			}
		}
	}
	return names, err
}

// cgroupParents are the directories of the cgroups above those of tasks, one in
// each tree of cgroups.
func cgroupParents(data string) ([]string, error) {
	instance, err := taskruntime.Instance(data)
	if err != nil {
		return nil, err
	}
	var parents []string
	err = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
			return nil
		case err != nil:
			return err
		case d.IsDir() && d.Name() == instance:
			parents = append(parents, path)
			return fs.SkipDir
		}
		return nil
	})
	return parents, err
}

// removeCgroups removes what a run has left of its cgroups.
func removeCgroups(data string) {
	parents, _ := cgroupParents(data)
	for _, dir := range parents {
		var dirs []string
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append([]string{path}, dirs...) // those below first
			}
			return nil
		})
		for _, d := range dirs {
			_ = os.Remove(d)
		}
	}
}
