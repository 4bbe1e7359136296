package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"syscall"
)

// A folder is where the tests have their temporary files.
type folder struct {
	path string
	lock *os.File // of the run that it is now
}

// openFolder makes the folder of this clone, which is the same each time: Go takes the results of tests again that
// have seen the same environment. A second run beside the first has one of its own.
func openFolder() (*folder, error) {
	clone, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	hash := fnv.New32a()
	hash.Write([]byte(clone))
	path := filepath.Join(os.TempDir(), fmt.Sprintf("flyball-test-%d-%08x", os.Getuid(), hash.Sum32()))
	f := &folder{path: path}
	if f.lock, err = lock(path + ".lock"); err != nil {
		return nil, err
	}
	if f.lock == nil {
		f.path = fmt.Sprint(path, "-", os.Getpid())
	} else if err := f.clear(); err != nil { // of a run that was killed
		return nil, err
	}
	// Tests start programs as other users, which find their files below it.
	if err := errors.Join(os.Mkdir(f.path, 0o711), os.Chmod(f.path, 0o711)); err != nil {
		return nil, err
	}
	return f, nil
}

// lock locks a file, which it makes; nil: it is another program's.
func lock(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			return nil, f.Close()
		}
		own, err := f.Stat()
		there, _ := os.Stat(path) // nil if the one before has removed it at this moment
		if err != nil || os.SameFile(own, there) {
			return f, err
		}
		f.Close()
	}
}

// remove removes the folder and gives up its lock.
func (f *folder) remove() error {
	err := f.clear()
	if f.lock != nil {
		err = errors.Join(err, os.Remove(f.lock.Name()), f.lock.Close())
	}
	return err
}

// clear removes the folder, and what tasks with files in it have left beside it.
func (f *folder) clear() error {
	return errors.Join(sweep(f.path), removeAll(f.path))
}

// removeAll removes a folder also where a test has made it read-only.
func removeAll(path string) error {
	err := os.RemoveAll(path)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(name string, entry os.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(name, 0o700) // the next attempt tells
		}
		return nil
	})
	return os.RemoveAll(path)
}
