// Package datafolder knows what is in the data folder of a server: it checks and repairs it,
// makes a backup of it and puts one back.
package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
	if errors.As(Begun(dir), new(*damage.Error)) {
		return true
	}
	for _, name := range store.Files(Database(dir)) {
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
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
