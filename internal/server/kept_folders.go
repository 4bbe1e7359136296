package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"flyball/internal/damage"
	"flyball/internal/datafolder"
	"flyball/internal/state"
)

// tellGoneFolders tells of folders that were there and are not, before they are made anew.
func (s *Server) tellGoneFolders() error {
	if s.dir.temp || s.tenancy != nil {
		return nil
	}
	noted, err := datafolder.NotedFolders(s.state)
	if err != nil {
		return err
	}
	for _, folder := range noted {
		path := filepath.Join(s.dir.path, folder)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			s.cfg.Log.Error("what was kept in a folder of the data folder is lost: it is gone, and begins empty", "folder", path, "next", damage.Restore)
		}
	}
	return nil
}

// noteFolders notes the folders that there are.
func (s *Server) noteFolders() {
	if s.dir.temp || s.tenancy != nil {
		return
	}
	s.state.Later(func(tx *state.Tx) { datafolder.NoteFolders(tx, s.dir.path) })
}
