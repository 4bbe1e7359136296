package datafolder

import (
	"errors"
	"path/filepath"

	"flyball/internal/state"
	"flyball/internal/store"
)

// kindFolders notes which folders the data folder has, so that one that is gone is missed; one
// document. Those of queues are noted by SQS.
var kindFolders = state.Kind{Name: "server.folders", Version: 1}

const foldersKey = "folders"

// keptFolders are patterns of the folders that are noted.
var keptFolders = []string{Deliveries + "/*/*", Logs + "/*/*", Functions + "/*/*", Registry + "/blobs"}

// NotedFolders returns the names, below the data folder, of those that were there.
func NotedFolders(s *state.State) ([]string, error) {
	noted, err := state.Get[[]string](s, kindFolders, foldersKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return *noted, nil
}

// NoteFolders notes the folders that a data folder has.
func NoteFolders(tx *state.Tx, dir string) {
	var found []string
	for _, pattern := range keptFolders {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are sound
		for _, path := range paths {
			if folder, err := filepath.Rel(dir, path); err == nil {
				found = append(found, folder)
			}
		}
	}
	tx.Put(kindFolders, foldersKey, found)
}

// notedIn reads from the state in a folder, which nobody has open, what NotedFolders would return.
func notedIn(dir string) (noted []string, err error) {
	_, err = store.Check(Database(dir), func(kind, key string, value []byte) {
		if kind == kindFolders.Name && key == foldersKey && kindFolders.Decode(value, &noted) != nil {
			noted = nil // the next start tells of it
		}
	})
	return noted, err
}
