package code

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"flyball/internal/damage"
)

// Check looks at all packages in a folder that no store has open.
func Check(folder string) (r damage.Report, err error) {
	r = damage.Report{Store: "code of functions", Items: "packages"}
	s := &Store{folder: folder, log: slog.New(slog.DiscardHandler)}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	for _, e := range entries {
		if len(e.Name()) != 2*sha256.Size {
			continue
		}
		path := filepath.Join(folder, e.Name())
		zipped, err := s.read(e.Name())
		if err != nil {
			r.Found = append(r.Found, damage.Finding{File: filepath.Join(path, packageName), Where: "it is not what was uploaded", Repair: func(aside string) (string, error) {
				return "its function cannot be invoked until the code is uploaded again", os.Rename(path, filepath.Join(aside, e.Name()))
			}})
			continue
		}
		// A tree that is not there, as after a restore, is unpacked when it is needed.
		if tree := filepath.Join(path, treeName); exists(tree) && !isWhole(zipped, tree) {
			r.Found = append(r.Found, damage.Finding{File: tree, Where: "it is not what is in its package", Repair: func(aside string) (string, error) {
				return "the package is unpacked again at the function's next invocation", os.Rename(tree, filepath.Join(aside, e.Name()))
			}})
			continue
		}
		r.Sound++
	}
	return r, err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
