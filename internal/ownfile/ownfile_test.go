package ownfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"flyball/internal/ownfile"
)

func TestALinkIsNotFollowedButThatOfAFolder(t *testing.T) {
	dir := t.TempDir()
	folder, linked := filepath.Join(dir, "data"), filepath.Join(dir, "linked")
	other := filepath.Join(dir, "other")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Symlink(folder, linked), os.WriteFile(other, []byte("kept"), 0o600),
		os.Symlink(other, filepath.Join(folder, "planted")), os.Symlink(filepath.Join(dir, "new"), filepath.Join(folder, "dangling"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"planted", "dangling"} {
		_, err := ownfile.Open(filepath.Join(folder, name), os.O_CREATE|os.O_RDWR|os.O_TRUNC)
		if !errors.Is(err, syscall.ELOOP) || !strings.Contains(err.Error(), "link the whole folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if content, err := os.ReadFile(other); err != nil || string(content) != "kept" {
		t.Errorf("what a link leads to is %q: %v", content, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made through a link: %v", err)
	}
	file, err := ownfile.Open(filepath.Join(linked, "lock"), os.O_CREATE|os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: %v", info, err)
	}
}

func TestALinkIsRefusedToOthersWhoOpenFiles(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	for path, refused := range map[string]bool{file: false, filepath.Join(dir, "missing"): false, dir: false, link: true} {
		if err := ownfile.NoLink(path); (err != nil) != refused {
			t.Errorf("%s: %v", path, err)
		}
	}
}
