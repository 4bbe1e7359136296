//go:build linux

package image

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flyball/internal/damage"
)

// changed is the directory of a store of an earlier life with one image, of which a file was
// changed.
func changed(t *testing.T, name string) (source *shelf, dir, digest string) {
	t.Helper()
	source, dir = newShelf(), t.TempDir()
	digest = source.put(t, small(t, "text"))
	s := open(t, Options{Dir: dir, Source: source})
	use(t, s, digest).Release()
	s.Close()
	matches, err := filepath.Glob(filepath.Join(dir, "sha256-*", name))
	if err != nil || len(matches) == 0 {
		t.Fatalf("%v, %v", matches, err)
	}
	content, err := os.ReadFile(matches[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 4
	if err := os.WriteFile(matches[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	return source, dir, digest
}

// fileOf is a regular file of the images that small makes.
func fileOf(t *testing.T, s *Store, digest string) string {
	t.Helper()
	img := use(t, s, digest)
	defer img.Release()
	found := ""
	err := filepath.WalkDir(img.Root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("the image has no file: %v", err)
	}
	name, err := filepath.Rel(filepath.Dir(img.Root), found)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnImageThatHasChangedIsFetchedAgain(t *testing.T) {
	probe := newShelf()
	name := fileOf(t, open(t, Options{Source: probe}), probe.put(t, small(t, "text")))
	for _, file := range []string{name, documentName} {
		source, dir, digest := changed(t, file)
		if r, err := Check(dir); err != nil || len(r.Found) != 1 {
			t.Errorf("%s: a check finds %v, %v", file, r, err)
		}
		s := open(t, Options{Dir: dir, Source: source})
		before := source.asked.Load()
		use(t, s, digest).Release()
		if source.asked.Load() == before {
			t.Errorf("%s: the image was not fetched again", file)
		}
		if r, err := Check(dir); err != nil || len(r.Found) > 0 {
			t.Errorf("%s: fetched again, a check finds %v, %v", file, r, err)
		}
	}
}

func TestAnImageThatHasChangedAndIsInUseIsRefused(t *testing.T) {
	probe := newShelf()
	name := fileOf(t, open(t, Options{Source: probe}), probe.put(t, small(t, "text")))
	source, dir, digest := changed(t, name)
	s := open(t, Options{Dir: dir, Source: source})
	held, err := s.Hold(digest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Use(t.Context(), reference, digest); !errors.As(err, new(*damage.Error)) {
		t.Errorf("it is used: %v", err)
	}
	held.Release()
	use(t, s, digest).Release()
}
