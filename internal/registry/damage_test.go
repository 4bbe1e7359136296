package registry_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/registry"
)

// kept is a store with some content, opened anew, and where that is.
func kept(t *testing.T, content string) (s *registry.Store, d registry.Digest, dir, path string) {
	t.Helper()
	dir = t.TempDir()
	d, release, err := openStore(t, dir).Put([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	release()
	sum := string(d)[len("sha256:"):]
	return openStore(t, dir), d, dir, filepath.Join(dir, "blobs", "sha256", sum[:2], sum)
}

func flipped(t *testing.T, path string, bit int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func isDamage(err error) bool { return errors.As(err, new(*damage.Error)) }

func TestContentThatHasChangedIsNotGivenOut(t *testing.T) {
	const content = "a layer"
	for bit := range 8 * len(content) {
		s, d, _, path := kept(t, content)
		flipped(t, path, bit)
		if _, err := s.Open(d); !isDamage(err) {
			t.Errorf("bit %d: opened: %v", bit, err)
		}
		if _, err := s.Read(d); !isDamage(err) {
			t.Errorf("bit %d: read: %v", bit, err)
		}
	}
}

func TestContentThatChangesAfterItWasReadIsNotGivenOut(t *testing.T) {
	s, d, _, path := kept(t, "a layer")
	f, err := s.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "a layer" {
		t.Errorf("%q, %v", got, err)
	}
	f.Close()
	flipped(t, path, 3)
	if _, err := s.Open(d); !isDamage(err) {
		t.Errorf("opened: %v", err)
	}
}

func TestWhatIsPushedAgainTakesThePlaceOfWhatIsDamaged(t *testing.T) {
	s, d, _, path := kept(t, "a layer")
	flipped(t, path, 3)
	if _, release, err := s.Put([]byte("a layer")); err != nil {
		t.Fatal(err)
	} else {
		release()
	}
	if got, err := s.Read(d); err != nil || string(got) != "a layer" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestACheckMovesDamagedContentAside(t *testing.T) {
	_, _, dir, path := kept(t, "a layer")
	flipped(t, path, 3)
	r, err := registry.Check(dir)
	if err != nil || len(r.Found) != 1 {
		t.Fatalf("%v, %v", r, err)
	}
	if _, err := r.Found[0].Repair(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if r, err := registry.Check(dir); err != nil || len(r.Found) > 0 {
		t.Errorf("%v, %v", r, err)
	}
}

func TestContentThatIsGoneIsMissed(t *testing.T) {
	s, d, _, path := kept(t, "a layer")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, errOpen := s.Open(d)
	_, errRead := s.Read(d)
	for _, err := range []error{errOpen, errRead} {
		if !isDamage(err) || !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if _, release, err := s.Put([]byte("a layer")); err != nil {
		t.Error(err)
	} else {
		release()
	}
	if got, err := s.Read(d); err != nil || string(got) != "a layer" {
		t.Errorf("pushed again it is %q, %v", got, err)
	}
}
