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
		if info, errLook := os.Lstat(path); errLook == nil && info.Mode()&os.ModeSymlink != 0 {
			return nil, fmt.Errorf("%s is a symbolic link, and has to be a file: remove the link; to have the data elsewhere, link the whole folder: %w", path, err)
		}
	}
	return file, err
}
