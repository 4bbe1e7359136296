package server

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/client"
	"flyball/internal/datafolder"
)

// stale makes what a server leaves that kept nothing and was killed, and returns
// its folder.
func stale(t *testing.T) string {
	t.Helper()
	f, err := openFolder("")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.note("process"); err != nil {
		t.Fatal(err)
	}
	f.lock.Close()
	if err := os.Mkdir(filepath.Join(f.path, "tasks"), 0o700); err != nil {
		t.Fatal(err)
	}
	return f.path
}

func TestFoldersOfKilledServersAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	old := stale(t)
	s := &Server{cfg: Config{Log: slog.New(slog.DiscardHandler)}}
	s.removeOrphans(context.Background())
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
}

func TestFoldersThatMayBeSomebodysAreLeftAlone(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"of a server that runs":       func(dir string) error { return nil },
		"with a state in it":          func(dir string) error { return os.WriteFile(filepath.Join(dir, "flyball.db"), nil, 0o600) },
		"of a runtime we do not have": func(dir string) error { return os.WriteFile(filepath.Join(dir, "lock"), []byte("podman"), 0o600) },
		"of another user":             func(dir string) error { return os.Chown(dir, 65534, 65534) },
		"that is a link to a folder": func(dir string) error {
			elsewhere := filepath.Join(filepath.Dir(dir), "elsewhere")
			return errors.Join(os.Rename(dir, elsewhere), os.Symlink(elsewhere, dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "of another user" && os.Geteuid() != 0 {
				t.Skip("only root may give a folder away")
			}
			t.Setenv("TMPDIR", t.TempDir())
			dir := stale(t)
			if name == "of a server that runs" {
				lock, err := datafolder.Lock(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer lock.Close()
			}
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			s := &Server{cfg: Config{Log: slog.New(slog.DiscardHandler)}}
			s.removeOrphans(context.Background())
			if _, err := os.Stat(filepath.Join(dir, "tasks")); err != nil {
				t.Errorf("it was touched: %v", err)
			}
		})
	}
}

func TestTheDataFolderIsClosedToOtherUsers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	loose := []string{"flyball.db", "flyball.db-wal", "lock"}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range loose {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := closeToOthers(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(loose, "") {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q has %v, %v", name, info.Mode(), err)
		}
	}
}

func TestADataFolderOfAnotherUserIsToldOf(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 65534, -1); err != nil {
		t.Skip(err)
	}
	if err := closeToOthers(dir); err == nil || !strings.Contains(err.Error(), "belongs to user 65534") {
		t.Errorf("got %v", err)
	}
}

func TestNoFileOfAServerIsOpenToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	stop := running(t, s)
	furnish(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion}))
	defer stop()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 3 {
		t.Fatal(entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has %v, %v", entry.Name(), info.Mode(), err)
		}
	}
}
