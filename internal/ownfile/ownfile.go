//go:build unix

// Package ownfile opens files that the server keeps for itself in its data folder. A link in the
// place of one, which somebody has put there while the folder was open to others, would have the
// server cut or overwrite what it leads to.
package ownfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Open opens a file for the server's user alone. The folder may be a link, the file may not.
func Open(path string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		if linked := NoLink(path); linked != nil {
			return nil, linked
		}
	}
	return file, err
}

// NoLink refuses a link in the place of a file that somebody else opens, such as SQLite. It is for a
// folder that is closed to others by then.
func NoLink(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		return nil // whoever opens it says what is wrong
	}
	return &LinkError{path}
}

// A LinkError is of a link in the place of a file.
type LinkError struct{ Path string }

// Error implements error.
func (e *LinkError) Error() string {
	return fmt.Sprintf("%s is a symbolic link, and has to be a file: put the file itself into its place; to have the data elsewhere, link the whole folder", e.Path)
}

// Unwrap returns what the system says of it.
func (e *LinkError) Unwrap() error { return syscall.ELOOP }
