package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// What Go writes when nothing was compiled before, with the race detector, in MiB: into its cache, and into its
// temporary folder at a time. A second number is what it needs there when all was compiled: for the programs of three
// packages at a time, and for the files of tests.
const (
	cacheCold, cacheWarm = 3300, 100
	workCold, workWarm   = 3700, 500
)

// A place is a folder where something is written.
type place struct {
	dir, what  string
	cold, warm int64
	free       int64 // MiB
	disk       uint64
}

// checkRoom looks whether there is room for what a command of Go's compiles, and for what tests open.
func checkRoom(ctx context.Context, command []string) error {
	if os.Getenv("ROOM") == "any" {
		return nil
	}
	if err := checkDescriptors(); err != nil {
		return err
	}
	places, err := placesOf(ctx, command[0])
	if err != nil || enough(places, 1) {
		return err
	}
	share, err := stale(ctx, command) // which takes seconds
	if err != nil || enough(places, share) {
		return err
	}
	return lack(places, share)
}

// descriptors are the files that a test may have open at a time, with those of the server in its process.
const descriptors = 1024

// checkDescriptors looks whether as many files can be open. Go uses all that a program may have.
func checkDescriptors() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max >= descriptors {
		return err
	}
	return fmt.Errorf("this shell lets a program have %d files open, and tests have up to %d: allow more (ulimit -Hn %d, as root, or in /etc/security/limits.conf)",
		limit.Max, descriptors, descriptors)
}

// placesOf are where Go writes.
func placesOf(ctx context.Context, program string) ([]place, error) {
	text, err := exec.CommandContext(ctx, program, "env", "-json", "GOCACHE", "GOTMPDIR").Output()
	var env struct{ GOCACHE, GOTMPDIR string }
	if err = errors.Join(err, json.Unmarshal(text, &env)); err != nil {
		return nil, fmt.Errorf("asking Go where it writes: %w", err)
	}
	places := []place{
		{dir: env.GOCACHE, what: "its cache", cold: cacheCold, warm: cacheWarm},
		{dir: cmp.Or(env.GOTMPDIR, os.TempDir()), what: "its temporary folder", cold: workCold, warm: workWarm},
	}
	for i := range places {
		if err := places[i].look(); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// look measures a place, which need not be there yet.
func (p *place) look() error {
	dir := p.dir
	var found unix.Stat_t
	var disk unix.Statfs_t
	for errors.Is(unix.Stat(dir, &found), unix.ENOENT) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	if err := unix.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("%s, %s: %w", p.what, p.dir, err)
	}
	p.free = int64(disk.Bavail) * int64(disk.Bsize) >> 20
	p.disk = uint64(found.Dev)
	return nil
}

// needs is what a place needs if a share of all is compiled.
func (p place) needs(share float64) int64 { return p.warm + int64(share*float64(p.cold-p.warm)) }

// enough says whether there is room in all places, of which some may be on the same disk.
func enough(places []place, share float64) bool {
	return !slices.ContainsFunc(places, func(p place) bool {
		needs := int64(0)
		for _, other := range places {
			if other.disk == p.disk {
				needs += other.needs(share)
			}
		}
		return needs > p.free
	})
}

// stale is the share of all packages, with those of the tests, that Go has to compile: it says what it would do. The
// programs of the tests, which are main, are made each time, and small.
func stale(ctx context.Context, command []string) (float64, error) {
	const all = 1700
	args := slices.Insert(slices.Clone(command[1:]), 1, "-n")
	said, err := exec.CommandContext(ctx, command[0], args...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("asking Go what it has to compile: %w\n%s", err, said)
	}
	n := 0
	for line := range bytes.Lines(said) {
		if bytes.Contains(line, []byte("/compile -o ")) && !bytes.Contains(line, []byte(" -p main ")) {
			n++
		}
	}
	return min(1, float64(n)/all), nil
}

// lack says what to do where there is not enough room.
func lack(places []place, share float64) error {
	var needs []string
	for _, p := range places {
		needs = append(needs, fmt.Sprintf("%d MiB in %s, %s, where %d MiB are free", p.needs(share), p.what, p.dir, p.free))
	}
	text := strings.Join(needs, ", and ")
	if places[0].disk == places[1].disk {
		text += ": on one disk"
	}
	return fmt.Errorf(`there is too little room. Go has to compile %.0f %% of the packages anew, and needs %s.
Make room (go clean -cache removes what was compiled of all modules), or name folders on another disk:
  GOCACHE=DIR GOTMPDIR=DIR make test
ROOM=any make test begins all the same`, 100*share, text)
}
