package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/disk"
	"flyball/internal/store"
)

func sqlite(t *testing.T, path string) *store.SQLite {
	t.Helper()
	st, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func check(t *testing.T, path string) damage.Report {
	t.Helper()
	r, err := store.Check(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// repaired repairs a database, and counts the documents that it has then.
func repaired(t *testing.T, path string, r damage.Report) (documents int) {
	t.Helper()
	aside := t.TempDir()
	for _, f := range r.Found {
		if _, err := f.Repair(aside); err != nil {
			t.Fatal(err)
		}
	}
	if again := check(t, path); len(again.Found) > 0 {
		t.Errorf("repaired, it has %v", again.Found)
	}
	if _, err := os.Stat(filepath.Join(aside, filepath.Base(path))); err != nil {
		t.Errorf("what was damaged is not kept: %v", err)
	}
	st := sqlite(t, path)
	defer st.Close()
	if err := st.Sound(); err != nil {
		t.Error(err)
	}
	if err := st.Scan("kind", store.Range{}, func(_ string, value []byte) bool {
		if documents++; !bytes.Equal(value, bytes.Repeat(value[:1], 300)) {
			t.Errorf("a document is %q", value)
		}
		return true
	}); err != nil {
		t.Error(err)
	}
	return documents
}

func TestACheckChangesNothing(t *testing.T) {
	folder, documents := filled(t, false)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, "state")
	before := contents(t, copied)
	if r := check(t, path); r.Sound != documents || len(r.Found) > 0 {
		t.Errorf("it finds %v", r)
	}
	if after := contents(t, copied); after != before {
		t.Errorf("the files were\n%s\nand are\n%s", before, after)
	}
}

func contents(t *testing.T, folder string) (text string) {
	t.Helper()
	for _, path := range store.Files(filepath.Join(folder, "state")) {
		content, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s %x\n", filepath.Base(path), content)
	}
	return text
}

func TestARepairKeepsTheDocumentsThatAreSound(t *testing.T) {
	for what, change := range map[string]struct {
		name   string
		do     func([]byte) []byte
		at     int // least that are left
		closed bool
	}{
		"a document": {"state", func(b []byte) []byte {
			return bytes.Replace(b, bytes.Repeat([]byte{7}, 300), append(bytes.Repeat([]byte{7}, 299), 8), -1)
		}, 39, true},
		"a log that was cut":  {"state-wal", func(b []byte) []byte { return b[:len(b)/2] }, 0, false},
		"a page":              {"state", func(b []byte) []byte { copy(b[len(b)-4096:], make([]byte, 100)); return b }, 1, true},
		"a mark":              {"state-mark", flip(3), 40, true},
		"a database of zeros": {"state", func(b []byte) []byte { return make([]byte, len(b)) }, 0, true},
	} {
		t.Run(what, func(t *testing.T) {
			live, _ := filled(t, change.closed)
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(live)); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(folder, change.name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, change.name), change.do(content), 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, "state")
			r := check(t, path)
			if len(r.Found) == 0 {
				t.Fatal("nothing was found")
			}
			if got := repaired(t, path, r); got < change.at || got != r.Sound {
				t.Errorf("%d documents are left, want at least %d; the check counted %d", got, change.at, r.Sound)
			}
		})
	}
}

func TestADamagedMarkIsTold(t *testing.T) {
	folder, _ := filled(t, true)
	path := filepath.Join(folder, "state")
	content, err := os.ReadFile(path + "-mark")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-mark", flip(20)(content), 0o600); err != nil {
		t.Fatal(err)
	}
	st := sqlite(t, path)
	if err := st.Doubt(); err == nil || !strings.Contains(err.Error(), "state-mark") {
		t.Errorf("got %v", err)
	}
	st.Close()
	st = sqlite(t, path)
	defer st.Close()
	if err := st.Doubt(); err != nil {
		t.Errorf("it was begun anew: %v", err)
	}
}

func TestASnapshotIsOfItsMoment(t *testing.T) {
	dir := t.TempDir()
	d, err := disk.Open(disk.Options{Dir: dir, NoReserve: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	st, err := store.OpenSQLiteOn(d, filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	write(t, st, new(store.Batch).Put("kind", "before", []byte("1")))
	path := filepath.Join(t.TempDir(), "copy")
	snapshot, err := st.Snapshot(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var later store.Commit
	err = d.Still(func() error {
		later = st.Write(new(store.Batch).Put("kind", "after", []byte("2")))
		st.Flush()
		return snapshot.Begin(t.Context())
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := later.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := snapshot.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := snapshot.Close(); err != nil {
		t.Fatal(err)
	}
	if r := check(t, path); r.Sound != 1 || len(r.Found) > 0 {
		t.Errorf("the copy has %v", r)
	}
	copied := open(t, path)
	defer copied.Close()
	if _, err := copied.Get("kind", "after"); err != store.ErrNotFound {
		t.Errorf("what was written afterwards is in the copy: %v", err)
	}
	write(t, copied, new(store.Batch).Put("kind", "more", nil))
	write(t, st, new(store.Batch).Put("kind", "more", nil))
}

// A copy of a database that is open has what is damaged, and says so.
func TestACopyNamesTheDocumentsThatAreDamagedInIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st := sqlite(t, path)
	write(t, st, new(store.Batch).Put("kind", "sound", []byte("a")).Put("kind", "damaged", []byte("b")))
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE document SET value = 'c' WHERE key = 'damaged'`); err != nil {
		t.Fatal(err)
	}
	s, err := st.Snapshot(t.Context(), filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Begin(t.Context()), s.Copy(t.Context())); err != nil {
		t.Fatal(err)
	}
	if wrong, err := s.Verify(t.Context()); err != nil || len(wrong) != 1 || wrong[0] != `the kind "damaged" is not what was written` {
		t.Errorf("%q, %v", wrong, err)
	}
}
