package function

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"flyball/internal/task"
)

// Where a function finds things, as in Lambda.
const (
	taskRoot    = "/var/task"
	runtimeRoot = "/var/runtime"
	languages   = "/var/lang"
	scratchRoot = "/tmp"
)

// nobody runs functions where the server is root.
const nobody = 65534

// A layout is where an environment finds its files. Where nothing can be mounted they are
// where this machine has them.
type layout struct {
	mounted bool
	code    string
	runtime string
	scratch string // what it may write to
	own     string // the same, on this machine
	mounts  []task.Mount
	user    string
}

// arrange makes the folder that an environment may write to, and says where it finds that
// and its other files.
func (h *Host) arrange(fn Function, id string) (*layout, error) {
	own := filepath.Join(h.scratch(), id)
	if err := os.MkdirAll(own, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of an environment: %w", err)
	}
	if !h.tasks.Mounts() {
		return &layout{code: fn.Code, runtime: h.programs.dir, scratch: own, own: own}, nil
	}
	l := &layout{
		mounted: true, code: taskRoot, runtime: runtimeRoot, scratch: scratchRoot, own: own,
		mounts: []task.Mount{
			{Path: taskRoot, Source: fn.Code}, {Path: runtimeRoot, Source: h.programs.dir}, {Path: scratchRoot, Source: own, Writable: true},
		},
	}
	if h.opts.Hidden != "" { // before others, which may hide its path
		l.mounts = slices.Insert(l.mounts, 0, task.Mount{Path: h.opts.Hidden, Source: h.programs.empty})
	}
	if os.Geteuid() != 0 {
		return l, nil
	}
	l.user = fmt.Sprintf("%d:%d", nobody, nobody)
	return l, os.Chown(own, nobody, nobody)
}

// scratch is the folder with what environments may write to.
func (h *Host) scratch() string { return filepath.Join(h.opts.Dir, "scratch") }

// interpreter is where the environment finds an interpreter. One that lies where only the
// server's user may go is mounted.
func (l *layout) interpreter(i interpreter) string {
	if !l.mounted || isOpen(i.path) {
		return i.path
	}
	inside, err := filepath.Rel(i.prefix, i.path)
	if err != nil || strings.HasPrefix(inside, "..") {
		return i.path
	}
	l.mounts = append(l.mounts, task.Mount{Path: languages, Source: i.prefix})
	return filepath.Join(languages, inside)
}

// isOpen says whether every user may go to a file.
func isOpen(path string) bool {
	for at := filepath.Dir(path); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil || info.Mode().Perm()&0o005 != 0o005 {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}

// size is how much there is in a folder on disk, in bytes. What goes while it is counted
// does not count.
func size(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it has gone, or is not to be read
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			sum += onDisk(info)
		}
		return nil
	})
	return sum
}
