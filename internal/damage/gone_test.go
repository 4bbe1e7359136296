package damage_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flyball/internal/damage"
)

func TestAFileIsGoneWhenItsPathLeadsElsewhere(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(folder, "file")
	write := func() {
		t.Helper()
		if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(path, []byte("text"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write()
	is, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	how := func() string {
		if gone, ok := errors.AsType[*damage.Gone](damage.Present(path, is)); ok {
			return gone.How
		}
		return ""
	}
	if got := how(); got != "" {
		t.Errorf("a file that is there is %s", got)
	}
	os.Rename(path, path+".was")
	write()
	if got := how(); got != "replaced" {
		t.Errorf("a file in the place of another is %q", got)
	}
	os.RemoveAll(folder)
	if got := how(); got != "removed" {
		t.Errorf("a file without its folder is %q", got)
	}
	_, err = os.Create(path)
	if err := damage.Parent(folder, err); !errors.As(err, new(*damage.Gone)) {
		t.Errorf("without its folder a file cannot be made for %v", err)
	}
}
