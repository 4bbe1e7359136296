package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"flyball/internal/damage"
	"flyball/internal/datafolder"
	"flyball/internal/state"
	"flyball/internal/store"
)

// kindFolders notes which folders the data folder has, so that one that is gone is missed; one
// document. Those of queues are noted by SQS.
var kindFolders = state.Kind{Name: "server.folders", Version: 1}

const foldersKey = "folders"

// keptFolders are patterns of the folders that are noted.
var keptFolders = []string{datafolder.Deliveries + "/*/*", datafolder.Logs + "/*/*", datafolder.Functions + "/*/*", datafolder.Registry + "/blobs"}

// tellGoneFolders tells of folders that were there and are not, before they are made anew.
func (s *Server) tellGoneFolders() error {
	noted, err := state.Get[[]string](s.state, kindFolders, foldersKey)
	if errors.Is(err, store.ErrNotFound) || s.dir.temp || s.tenancy != nil {
		return nil
	}
	if err != nil {
		return err
	}
	for _, folder := range *noted {
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
	var found []string
	for _, pattern := range keptFolders {
		paths, _ := filepath.Glob(filepath.Join(s.dir.path, pattern)) // the patterns are sound
		for _, path := range paths {
			if folder, err := filepath.Rel(s.dir.path, path); err == nil {
				found = append(found, folder)
			}
		}
	}
	s.state.Later(func(tx *state.Tx) { tx.Put(kindFolders, foldersKey, found) })
}
