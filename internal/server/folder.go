package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/cell"
	"flyball/internal/datafolder"
	"flyball/internal/task"
	"flyball/internal/task/process"
)

// A folder is the data folder, locked for this process.
type folder struct {
	path string
	temp bool
	lock *os.File
	// replica says that it is a replica's: if that is killed, others start its tasks anew.
	replica bool
}

// temporary begins the names of temporary data folders.
const temporary = "flyball-temporary-"

// openFolder makes and locks the data folder. Without a path it is a temporary
// one that goes with the process.
func openFolder(path string) (f folder, err error) {
	f.path = path
	if f.temp = path == ""; f.temp {
		f.path, err = os.MkdirTemp("", temporary)
	} else if f.path, err = filepath.Abs(path); err == nil { // processes elsewhere are told of it
		err = makeFolder(f.path)
	}
	if errors.As(err, new(ConfigError)) {
		return folder{}, err
	} else if err != nil {
		return folder{}, fmt.Errorf("make the data folder: %w; --data names another", err)
	}
	if f.lock, err = awaitFolder(f.path); errors.Is(err, datafolder.ErrLocked) {
		return f, fmt.Errorf("%w; stop that one, or name another folder with --data", err)
	} else if err != nil {
		return f, err
	}
	return f, errors.Join(datafolder.Begun(f.path), datafolder.Sweep(f.path))
}

// makeFolder makes a data folder. One that has files of others is refused.
func makeFolder(path string) error {
	if err := datafolder.Usable(path); errors.Is(err, datafolder.ErrOther) {
		return ConfigError{fmt.Errorf("--data %w", err)}
	} else if err != nil {
		return ConfigError{err}
	}
	return os.MkdirAll(path, 0o700)
}

// closeToOthers takes from other users what they may do with the data folder and the files in
// it, which an earlier release, or whoever made them, may have let them. Nobody comes to what
// is deeper but through the folder.
func closeToOthers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := closePath(dir); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			if err := closePath(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	if uid, known := userOf(dir); known && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, and the server runs as user %d", dir, uid, os.Geteuid())
	}
	return nil
}

// closePath closes one folder or file to other users.
func closePath(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()&0o700)
}

// patience is how long is waited for what the server before may just be leaving: the
// lock of the data folder, and the address.
const patience = 2 * time.Second

// awaitFolder locks a folder that the server before may just be leaving. A process
// that is made by fork holds the server's open files until it executes its program,
// also when the server is killed meanwhile: the lock and the listener with it. So
// only a lock that stays is another server's.
func awaitFolder(path string) (*os.File, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(patience / 200) {
		lock, err := datafolder.Lock(path)
		if !errors.Is(err, datafolder.ErrLocked) || time.Now().After(deadline) {
			return lock, err
		}
	}
}

// database is the path of the state file, empty for a state in memory.
func (f folder) database() string {
	if f.temp {
		return ""
	}
	return datafolder.Database(f.path)
}

// queues is the folder of the messages of a cell's queues.
func (f folder) queues(scope string) string {
	return filepath.Join(f.path, datafolder.Queues, filepath.FromSlash(scope))
}

// deliveries is the folder of what is on its way from a cell to targets.
func (f folder) deliveries(scope string) string {
	return filepath.Join(f.path, datafolder.Deliveries, filepath.FromSlash(scope))
}

// environments is the folder of the environments that functions run in.
func (f folder) environments() string { return filepath.Join(f.path, "environments") }

// registry is the folder of the layers and manifests of images.
func (f folder) registry() string { return filepath.Join(f.path, datafolder.Registry) }

// logs is the folder of the log events of a cell.
func (f folder) logs(c *cell.Cell) string {
	return filepath.Join(f.path, datafolder.Logs, c.Account, c.Region)
}

func (f folder) release() {
	if f.temp {
		os.RemoveAll(f.path)
	}
	if f.lock != nil {
		f.lock.Close() // and with it the lock
	}
}

// note says in the folder which runtime runs the tasks, if somebody else has to remove them
// should this server be killed.
func (f folder) note(runtime string) error {
	if !f.temp && !f.replica {
		return nil
	}
	if err := errors.Join(f.lock.Truncate(0), writeAt(f.lock, runtime)); err != nil {
		return fmt.Errorf("note the runtime: %w", err)
	}
	return nil
}

// removeOrphans stops the tasks of servers that kept nothing and were killed:
// nobody else ever will. Their temporary folders tell of them.
func (s *Server) removeOrphans(ctx context.Context) {
	stale, err := filepath.Glob(filepath.Join(os.TempDir(), temporary+"*", "lock"))
	if err != nil {
		return
	}
	for _, path := range stale {
		dir := filepath.Dir(path)
		if !ours(dir) {
			continue // whoever made it could have us stop and delete anything
		}
		if _, err := os.Stat(filepath.Join(dir, "flyball.db")); err == nil {
			continue // somebody keeps a state there, whatever its name
		}
		lock, err := datafolder.Lock(dir)
		if err != nil {
			continue // its server lives
		}
		if err := s.removeTasks(ctx, dir); err != nil {
			s.cfg.Log.Warn("tasks of a server that was killed could not be removed", "folder", dir, "reason", err)
		} else {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// removeTasks removes the tasks that the folder of a server or a replica tells of that was killed.
func (s *Server) removeTasks(ctx context.Context, dir string) error {
	if err := s.removeEnvironments(dir); err != nil {
		return err
	}
	name, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil || len(name) == 0 || string(name) == "simulated" {
		return err // killed before it had a runtime, or records, which are gone
	}
	runtime, err := s.runtimeNamed(ctx, string(name), dir, process.NetworkLoopback) // none for new tasks
	if err != nil {
		return err
	}
	return errors.Join(clearTasks(ctx, runtime), runtime.Close())
}

// clearTasks stops and removes all tasks of a runtime.
func clearTasks(ctx context.Context, runtime task.Runtime) error {
	tasks, err := runtime.Recover(ctx)
	return errors.Join(err, stopAndRemove(ctx, tasks))
}

// stopAndRemove does so with all tasks at the same time.
func stopAndRemove(ctx context.Context, tasks []task.Task) error {
	var clearing errgroup.Group
	for _, t := range tasks {
		clearing.Go(func() error { return errors.Join(t.Stop(ctx), t.Remove()) })
	}
	return clearing.Wait()
}
