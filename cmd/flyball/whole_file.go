package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A wholeFile is a file that has its name only once it is whole: what had the name before stays
// until then, and stays for good where the new one cannot be written. Devices and pipes are
// written as they are, and are not removed.
type wholeFile struct {
	*os.File
	target string
}

// createWhole begins to write a file.
func createWhole(name string) (wholeFile, error) {
	f := wholeFile{target: name}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		f.target = real
	}
	part := f.target + ".part"
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() || strings.HasPrefix(filepath.Clean(name), "/dev/") {
		f.target, part = name, name
	}
	var err error
	// Not open to read as well, which would have a pipe that nobody reads any more wait for ever.
	if f.File, err = os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666); err != nil {
		return f, ofFile(err, name)
	}
	return f, nil
}

// finish gives the file its name, or leaves nothing of it where writing it has failed.
func (f wholeFile) finish(err error) error {
	err = errors.Join(err, f.Close())
	switch {
	case f.Name() == f.target:
		return err
	case err != nil:
		return errors.Join(ofFile(err, f.target), os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), f.target)
}

// ofFile is an error of a file by the name that the user knows.
func ofFile(err error, name string) error {
	if wrong, is := errors.AsType[*fs.PathError](err); is {
		return &fs.PathError{Op: wrong.Op, Path: name, Err: wrong.Err}
	}
	return err
}

// createFile writes a file, and leaves none that is cut off.
func createFile(name string, write func(io.Writer) error) error {
	file, err := createWhole(name)
	if err != nil {
		return err
	}
	return file.finish(write(file))
}
