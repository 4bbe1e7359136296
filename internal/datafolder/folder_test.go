package datafolder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/datafolder"
	"flyball/internal/ownfile"
)

func TestAServerTakesNoFolderWithFilesOfOthers(t *testing.T) {
	for has, refusedFor := range map[string]string{
		"":                        "",
		".keep":                   "",
		".gitkeep lost+found/":    "",
		"control/":                "", // of a controller, by default
		"lock":                    "", // of a server that was killed early
		"lock reserve":            "",
		"flyball.db":              "",
		"flyball.db notes.txt":    "", // somebody has put it there later
		"flyball.db-mark lock":    "",
		"lock tasks/ images/":     "", // whose state somebody has removed
		"lock queues/ damaged-1/": "",
		"lock deliveries/ logs/ registry/ tls.crt": "", // of a replica
		"lock deliveries/ logs/ registry tls.crt":  "tls.crt",
		"index.html":        "index.html",
		".git/ main.go":     "main.go",
		"images/":           "images", // pictures
		"logs/ lost+found/": "logs",
		"lock main.go":      "main.go",
	} {
		dir := t.TempDir()
		for _, name := range strings.Fields(has) {
			path := filepath.Join(dir, name)
			err := os.MkdirAll(path, 0o700)
			if !strings.HasSuffix(name, "/") {
				err = errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		err := datafolder.Usable(dir)
		if refused := errors.Is(err, datafolder.ErrOther); refused != (refusedFor != "") || refused && !strings.Contains(err.Error(), "it has "+refusedFor+"; name an empty folder") {
			t.Errorf("%q: %v", has, err)
		}
	}
	if err := datafolder.Usable(filepath.Join(t.TempDir(), "missing")); err != nil {
		t.Error(err)
	}
	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), datafolder.Database(linked)); err != nil {
		t.Fatal(err)
	}
	if err := datafolder.Usable(linked); !errors.As(err, new(*ownfile.LinkError)) {
		t.Errorf("a link for the state: %v", err)
	}
}
