package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"flyball/internal/task"
	"flyball/internal/task/netns"
)

// sweep removes the control groups and bridges of servers whose data folders are below a folder, and whose tasks have
// ended.
func sweep(path string) error {
	owners := map[string]bool{} // names that runtimes of these folders have
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || entry != nil && !entry.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		owner, err := task.Instance(name)
		owners[owner] = true
		return err
	})
	if len(owners) == 0 || err != nil {
		return err
	}
	return errors.Join(sweepGroups(owners), sweepBridges(owners))
}

// sweepGroups removes control groups, wherever they are in the trees of them.
func sweepGroups(owners map[string]bool) error {
	var found []string
	err := filepath.WalkDir("/sys/fs/cgroup", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil // it has gone, or is not to be read
		}
		if owners[entry.Name()] {
			found = append(found, name)
		}
		return nil
	})
	for _, group := range found {
		err = errors.Join(err, removeGroup(group))
	}
	return err
}

// removeGroup removes a control group after those below it. Its files are no obstacle.
func removeGroup(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, removeGroup(filepath.Join(path, e.Name())))
		}
	}
	if err = errors.Join(err, os.Remove(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweepBridges removes the bridges of networks, with their rules.
func sweepBridges(owners map[string]bool) (err error) {
	links, _ := net.Interfaces() // without them there are no bridges either
	for _, link := range links {
		if owner, is := strings.CutPrefix(link.Name, "fb-"); is && owners["flyball-"+owner] {
			err = errors.Join(err, netns.Remove(link.Name))
		}
	}
	return err
}
