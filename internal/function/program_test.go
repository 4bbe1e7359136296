package function

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFunctionsCanReadTheirRuntimeWhateverMaskTheServerHas(t *testing.T) {
	dir := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o077))
	if _, err := newPrograms(filepath.Join(dir, "runtime")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"runtime": 0o755, "empty": 0o755, "runtime/index.mjs": 0o644, "runtime/bootstrap.py": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info, err, want)
		}
	}
}
