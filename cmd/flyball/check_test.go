package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/datafolder"
	"flyball/internal/store"
)

// stateIn is a data folder with one document, of which a bit is flipped if that is asked for.
func stateIn(t *testing.T, damaged bool) string {
	t.Helper()
	dir := t.TempDir()
	st, err := store.OpenSQLite(datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Write(new(store.Batch).Put("kind", "key", bytes.Repeat([]byte("v"), 100))).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if damaged {
		content, err := os.ReadFile(datafolder.Database(dir))
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.ReplaceAll(content, []byte("vvvv"), []byte("vvwv"))
		if err := os.WriteFile(datafolder.Database(dir), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckNamesWhatIsDamagedAndRepairsIt(t *testing.T) {
	dir := stateIn(t, true)
	out, err := flyball(t, "check", dir)
	if err == nil || !strings.Contains(out, "--repair") || !strings.Contains(out, `the kind "key" is not what was written`) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err = flyball(t, "check", dir, "--repair"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if kept, err := filepath.Glob(filepath.Join(dir, "damaged-*", "state", "flyball.db")); err != nil || len(kept) != 1 {
		t.Errorf("what was damaged is not kept: %v, %v", kept, err)
	}
	if out, err = flyball(t, "check", dir); err != nil {
		t.Errorf("repaired: %v\n%s", err, out)
	}
}

func TestCheckAndBackupRefuseAFolderThatIsNone(t *testing.T) {
	for _, args := range [][]string{{"check", t.TempDir()}, {"backup", "--data", t.TempDir(), "x.tar"}} {
		if out, err := flyball(t, args...); err == nil || !strings.Contains(out, "not the data folder") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

func TestABackupOfAStoppedServerIsRestored(t *testing.T) {
	dir, elsewhere := stateIn(t, false), t.TempDir()
	for _, target := range []string{filepath.Join(elsewhere, "backup.tar"), filepath.Join(elsewhere, "backup")} {
		if out, err := flyball(t, "backup", "--data", dir, target); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		restored := filepath.Join(t.TempDir(), "restored")
		if out, err := flyball(t, "restore", target, restored); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if out, err := flyball(t, "restore", target, restored); err == nil || !strings.Contains(out, "--replace") {
			t.Errorf("it was replaced: %v\n%s", err, out)
		}
		if out, err := flyball(t, "restore", target, restored, "--replace"); err != nil || !strings.Contains(out, ".before-") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
