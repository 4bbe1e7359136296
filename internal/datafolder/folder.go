// Package datafolder knows what is in the data folder of a server: it checks and repairs it,
// makes a backup of it and puts one back.
package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"flyball/internal/damage"
	"flyball/internal/store"
)

// The folders in a data folder. Those of queues, deliveries, log events and functions have
// one of an account with one of a region for each cell.
const (
	Queues     = "queues"     // messages of queues
	Deliveries = "deliveries" // events on their way to targets, in the form of queues
	Logs       = "logs"       // log events
	Functions  = "functions"  // code of functions
	Registry   = "registry"   // layers and manifests
)

// Database is the path of the state in a data folder.
func Database(dir string) string { return filepath.Join(dir, "flyball.db") }

// ErrOther is of a folder that no server has kept its state in.
var ErrOther = errors.New("not the data folder of a server")

// nameIt says which folder to give in place of another.
const nameIt = "name the folder that flyball serve keeps its state in, ~/.local/state/flyball unless its --data names another"

// ours tells whether a folder is a data folder. One that has lost its state is one, too.
func ours(dir string) bool {
	for _, name := range store.Files(Database(dir)) {
		if _, err := os.Lstat(name); err == nil {
			return true
		}
	}
	lock, other := contents(dir)
	return lock && (other == "" || replicas(dir))
}

// replicas tells whether a folder with a lock is of a replica, which keeps its state in a database: it has
// the folders that a server makes at its start.
func replicas(dir string) bool {
	return !slices.ContainsFunc([]string{Deliveries, Logs, Registry}, func(name string) bool {
		info, err := os.Lstat(filepath.Join(dir, name))
		return err != nil || !info.IsDir()
	})
}

// lockName is of the file that a server makes before all others.
const lockName = "lock"

// others are what a server has in its data folder beside its lock and its state; an asterisk stands
// for the rest of a name.
var others = []string{
	"reserve*", "tasks", "images", "environments", Queues, Deliveries, Logs, Functions, Registry, scratch + "*", "damaged-*",
}

// beside are what a folder may have that is meant for a server: hidden files, what a file system
// keeps there, and the folder of a controller, whose place that is by default.
var beside = []string{".*", "lost+found", "control"}

// contents tells whether the lock of a server is in a folder, and names what no server makes there.
// Where there is no lock, that is all that is not beside it.
func contents(dir string) (lock bool, other string) {
	entries, _ := os.ReadDir(dir) // what cannot be read cannot be a server's
	among := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(pattern string) bool {
			is, _ := filepath.Match(pattern, name) // the patterns are sound
			return is
		})
	}
	lock = slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == lockName })
	for _, e := range entries {
		name := e.Name()
		if !among(beside, name) && name != lockName && !(lock && among(others, name)) {
			return lock, name
		}
	}
	return lock, ""
}

// Usable refuses a folder with files of others, in which no server has kept its state: a server would
// close it to other users, and take for its own what has a name that it uses itself. It refuses one,
// too, that has links in the places of the state's files.
func Usable(dir string) error {
	if ours(dir) {
		return store.NoLinks(Database(dir))
	}
	if _, other := contents(dir); other != "" {
		return fmt.Errorf("%s: %w: it has %s; name an empty folder, such as %s, or the one that a server has kept its state in",
			dir, ErrOther, other, filepath.Join(dir, "flyball"))
	}
	return nil
}

// Take locks a data folder that a server has left.
func Take(dir string) (lock *os.File, err error) {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w: there is no such folder; %s", dir, ErrOther, nameIt)
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("%s: %w: it is a file; %s", dir, ErrOther, nameIt)
	}
	if err := Begun(dir); err != nil {
		return nil, err
	}
	if _, err := os.Stat(Database(dir)); err != nil {
		return nil, fmt.Errorf("%s: %w: it has no %s; %s", dir, ErrOther, filepath.Base(Database(dir)), nameIt)
	}
	if err := store.NoLinks(Database(dir)); err != nil {
		return nil, err
	}
	if lock, err = Lock(dir); errors.Is(err, ErrLocked) {
		err = fmt.Errorf("%w; stop the server first", err)
	}
	return lock, err
}

// Begun refuses a folder that has lost its state: a server that began anew in it would
// remove the rest, since nothing in its state names it.
func Begun(dir string) error {
	if _, err := os.Stat(Database(dir)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range []string{Queues, Logs, Functions} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return &damage.Error{
				File: Database(dir), Where: fmt.Sprintf("it is gone, and %s is there", filepath.Join(dir, name)),
				Remedy: "restore a backup with flyball restore, or begin with an empty folder",
			}
		}
	}
	return nil
}
