//go:build unix

package server

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"flyball/internal/datafolder"
)

func TestAFolderHasOneServer(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(dir); !errors.Is(err, datafolder.ErrLocked) {
		t.Errorf("opening it again = %v, want %v", err, datafolder.ErrLocked)
	}
	f.release()
	again, err := openFolder(dir)
	if err != nil {
		t.Fatalf("opening it after its server: %v", err)
	}
	again.release()
}

func TestAChildThatAServerWasMakingWhenItWasKilledDoesNotKeepItsFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "0.2") // as long as it lives it has the server's open file, as a half-made child has
	child.ExtraFiles = []*os.File{f.lock}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	f.lock.Close() // as the end of the server would
	if _, err := datafolder.Lock(dir); !errors.Is(err, datafolder.ErrLocked) {
		t.Errorf("the child has no lock: %v", err)
	}
	again, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.release()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
