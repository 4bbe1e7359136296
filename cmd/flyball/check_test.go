package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
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

func TestWhatIsMistypedEndsWithStatus2SaysWhatToTypeAndChangesNothing(t *testing.T) {
	dir, elsewhere := stateIn(t, false), t.TempDir()
	archive := filepath.Join(elsewhere, "backup.tar")
	if out, err := flyball(t, "backup", "--data", dir, archive); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"chek", dir}, "flyball --help"},
		{[]string{"check"}, "usage: flyball check DIR [flags]"},
		{[]string{"check", "--fix", dir}, "flyball check --help"},
		{[]string{"check", elsewhere}, "it has no flyball.db"},
		{[]string{"check", archive}, "it is a file"},
		{[]string{"backup"}, "usage: flyball backup TARGET [flags]"},
		{[]string{"backup", "--account", "12", "x.tar"}, "has 12 digits"},
		{[]string{"backup", "--data", elsewhere, "x.tar"}, "it has no flyball.db"},
		{[]string{"backup", "--data", dir, filepath.Join(dir, "x.tar")}, "outside of it"},
		{[]string{"backup", "--data", dir, filepath.Join(elsewhere, "none", "x.tar")}, "make it first"},
		{[]string{"backup", "--data", dir, elsewhere}, "something in the folder already"},
		{[]string{"restore", archive}, "usage: flyball restore BACKUP DIR [flags]"},
		{[]string{"restore", filepath.Join(elsewhere, "none.tar"), dir}, "flyball backup"},
		{[]string{"restore", archive, dir}, "--replace"},
		{[]string{"restore", archive, elsewhere, "--replace"}, "not the data folder of a server"},
		{[]string{"serve", "--allow-other-users=perhaps"}, "flyball serve --help"},
	} {
		out, err := flyball(t, tt.args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, tt.says) {
			t.Errorf("%v: %v\n%s", tt.args, err, out)
		}
	}
	for folder, want := range map[string]int{elsewhere: 1, dir: 3} { // the archive; the database, its mark, the lock
		if entries, err := os.ReadDir(folder); err != nil || len(entries) != want {
			t.Errorf("%s has %v, %v", folder, entries, err)
		}
	}
}

func TestCheckEndsWithStatus1WhereSomethingIsDamaged(t *testing.T) {
	_, err := flyball(t, "check", stateIn(t, true))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v", err)
	}
}

func TestABackupOfADamagedFolderSaysSo(t *testing.T) {
	target := filepath.Join(t.TempDir(), "backup.tar")
	out, err := flyball(t, "backup", "--data", stateIn(t, true), target)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, "1 place is damaged") || !strings.Contains(out, "--repair") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(target); err != nil {
		t.Error(err)
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
