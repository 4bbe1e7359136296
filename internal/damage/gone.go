package damage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A Gone is the error of files that are not any more those that a server has open: what is
// written to them is lost.
type Gone struct{ Path, How string }

// Error implements error.
func (e *Gone) Error() string {
	return fmt.Sprintf("%s was %s while the server ran; stop it, put the data folder back, and start again", e.Path, e.How)
}

// Present returns a *Gone when a file is not any more what its path leads to.
func Present(path string, is os.FileInfo) error {
	switch now, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return &Gone{path, "removed"}
	case err != nil:
		return err
	case !os.SameFile(is, now):
		return &Gone{path, "replaced"}
	}
	return nil
}

// Parent has the error with which a file could not be made in a folder be a *Gone of the folder
// where that is the reason.
func Parent(folder string, err error) error {
	if _, gone := os.Stat(folder); err != nil && errors.Is(gone, fs.ErrNotExist) {
		return &Gone{folder, "removed"}
	}
	return err
}
