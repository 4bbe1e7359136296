package code_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/service/lambda/code"
)

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

func TestAPackageThatHasChangedIsNotRun(t *testing.T) {
	folder := t.TempDir()
	zipped := pack(t, entry{name: "index.py", content: "code", mode: 0o644})
	ref := put(t, openStore(t, folder), zipped)
	path := filepath.Join(folder, ref.Digest, "package.zip")
	for bit := range 8 * len(zipped) {
		flipped(t, path, bit)
		s := openStore(t, folder)
		if _, err := s.Path(ref); !errors.As(err, new(*damage.Error)) {
			t.Errorf("bit %d: the path is told: %v", bit, err)
		}
		if _, err := s.Package(ref); !errors.As(err, new(*damage.Error)) {
			t.Errorf("bit %d: the package is given out: %v", bit, err)
		}
		flipped(t, path, bit)
	}
}

func TestCodeThatIsUploadedAgainTakesThePlaceOfWhatIsDamaged(t *testing.T) {
	folder := t.TempDir()
	zipped := pack(t, entry{name: "index.py", content: "code", mode: 0o644})
	ref := put(t, openStore(t, folder), zipped)
	flipped(t, filepath.Join(folder, ref.Digest, "package.zip"), 77)
	s := openStore(t, folder)
	put(t, s, zipped)
	if got := read(t, s, ref, "index.py"); got != "code" {
		t.Errorf("the code is %q", got)
	}
	if r, err := code.Check(folder); err != nil || len(r.Found) > 0 || r.Sound != 1 {
		t.Errorf("%v, %v", r, err)
	}
}

func TestAChangedFileIsUnpackedAgain(t *testing.T) {
	folder := t.TempDir()
	zipped := pack(t, entry{name: "index.py", content: "code", mode: 0o644})
	ref := put(t, openStore(t, folder), zipped)
	flipped(t, filepath.Join(folder, ref.Digest, "task", "index.py"), 5)
	if r, err := code.Check(folder); err != nil || len(r.Found) != 1 {
		t.Errorf("a check finds %v, %v", r, err)
	}
	if got := read(t, openStore(t, folder), ref, "index.py"); got != "code" {
		t.Errorf("the code is %q", got)
	}
}

func TestAPackageThatIsGoneIsMissed(t *testing.T) {
	folder := t.TempDir()
	ref := put(t, openStore(t, folder), pack(t, entry{name: "index.py", content: "code", mode: 0o644}))
	if err := os.Remove(filepath.Join(folder, ref.Digest, "package.zip")); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, folder)
	if _, err := s.Path(ref); !errors.As(err, new(*damage.Error)) {
		t.Errorf("the path is told: %v", err)
	}
	if _, err := s.Package(ref); !errors.As(err, new(*damage.Error)) {
		t.Errorf("the package: %v", err)
	}
}
