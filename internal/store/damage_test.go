package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/store"
)

// filled is a folder with a store of documents, each of which was waited for. It was not
// closed, as by a kill, so that most of it is in the write-ahead log, or was.
func filled(t *testing.T, closed bool) (folder string, documents int) {
	t.Helper()
	live := t.TempDir()
	st := open(t, filepath.Join(live, "state"))
	for i := range 40 {
		write(t, st, new(store.Batch).Put("kind", fmt.Sprintf("key-%02d", i), bytes.Repeat([]byte{byte(i)}, 300)))
	}
	if closed {
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return live, 40
}

// whole opens a copy of a folder in which a file was changed, and reports an error
// unless all of the documents are there as they were written.
func whole(t *testing.T, folder, name string, change func([]byte) []byte, documents int) error {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := store.OpenSQLite(filepath.Join(copied, "state"))
	if err != nil {
		return err
	}
	defer st.Close()
	found, wrong := 0, 0
	if err := st.Scan("kind", store.Range{}, func(key string, value []byte) bool {
		if found++; key[:4] != "key-" || !bytes.Equal(value, bytes.Repeat(value[:1], 300)) {
			wrong++
		}
		return true
	}); err != nil {
		return err
	}
	if err := st.Sound(); err != nil {
		return err
	}
	if found != documents || wrong > 0 {
		t.Errorf("%s changed: without an error %d of %d documents are there, and %d are wrong", name, found, documents, wrong)
	}
	return nil
}

func flip(bit int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[bit/8] ^= 1 << (bit % 8)
		return b
	}
}

func TestAFlippedBitIsNeverSilent(t *testing.T) {
	for name, closed := range map[string]bool{"state-wal": false, "state": true} {
		folder, documents := filled(t, closed)
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for range 100 {
			bit := rand.IntN(int(info.Size()) * 8)
			if err := whole(t, folder, name, flip(bit), documents); err != nil {
				if told++; !strings.Contains(err.Error(), "state") && !errors.As(err, new(*damage.Error)) {
					t.Errorf("bit %d of %s: an error that names no file: %v", bit, name, err)
				}
			}
		}
		if told == 0 {
			t.Errorf("none of 100 flipped bits of %s was told of", name)
		}
	}
}

// Bits of the header and of the page of the schema, by which SQLite knows a database.
func TestAStateThatIsNoDatabaseIsRefusedWithWhatToDo(t *testing.T) {
	folder, documents := filled(t, true)
	for _, bit := range []int{2, 16*8 + 2, 100*8 + 2} {
		var told *damage.Error
		if err := whole(t, folder, "state", flip(bit), documents); !errors.As(err, &told) || !strings.Contains(err.Error(), damage.Restore) {
			t.Errorf("bit %d: got %v", bit, err)
		}
	}
}

func TestWhatIsCutOffIsMissed(t *testing.T) {
	nothing := func([]byte) []byte { return nil }
	for name, closed := range map[string]bool{"state-wal": false, "state": true} {
		folder, documents := filled(t, closed)
		var damage *damage.Error
		if err := whole(t, folder, name, nothing, documents); !errors.As(err, &damage) {
			t.Errorf("an empty %s: got %v", name, err)
		}
		for _, part := range []int{2, 3, 4, 5, 7} {
			cut := func(b []byte) []byte { return b[:len(b)-len(b)/part] }
			if err := whole(t, folder, name, cut, documents); !errors.As(err, &damage) {
				t.Errorf("%s without a part of %d: %v", name, part, err)
			}
		}
	}
}

func TestAMarkThatIsGoneIsMissed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, tt := range []struct {
		what   string
		missed bool
	}{{"a new database", false}, {"one with its mark", false}, {"one without", true}} {
		st := sqlite(t, path)
		if missed := st.Doubt() != nil; missed != tt.missed {
			t.Errorf("%s: %v", tt.what, st.Doubt())
		}
		write(t, st, new(store.Batch).Put("kind", "key", nil))
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if tt.what == "one with its mark" {
			if err := os.Remove(path + "-mark"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAMarkThatSaysNothingHoldsNothingUp(t *testing.T) {
	folder, documents := filled(t, true)
	for what, change := range map[string]func([]byte) []byte{
		"damaged": flip(3),
		"empty":   func([]byte) []byte { return nil },
	} {
		if err := whole(t, folder, "state-mark", change, documents); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAWriteToAFileThatIsNotThereAnyMoreFails(t *testing.T) {
	for what, change := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		},
		"-wal was removed": func(t *testing.T, path string) {
			if err := os.Remove(path + "-wal"); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, path string) {
			if err := os.Rename(path, path+"-other"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		path := filepath.Join(t.TempDir(), "folder", "state")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		st := open(t, path)
		write(t, st, new(store.Batch).Put("kind", "key", nil))
		change(t, path)
		err := st.Write(new(store.Batch).Put("kind", "key", []byte("later"))).Wait()
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestNoDatabaseIsBegunInPlaceOfOneThatWasRemoved(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "flyball.db")
	st := open(t, path)
	write(t, st, new(store.Batch).Put("kind", "key", nil))
	if err := os.Rename(folder, folder+".was"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	// Readers within readers need connections of their own. What is read by them is not there.
	var read func(depth int)
	read = func(depth int) {
		_ = st.Scan("kind", store.Range{}, func(string, []byte) bool {
			if depth > 0 {
				read(depth - 1)
			}
			return true
		})
	}
	read(3)
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%v were made in the new folder: %v", left, err)
	}
}

// SQLite follows a link, and has its log beside what that leads to.
func TestALinkIsNoDatabase(t *testing.T) {
	for _, name := range []string{"state", "state-wal", "state-shm", "state-mark"} {
		dir := t.TempDir()
		elsewhere := filepath.Join(dir, "elsewhere")
		if err := errors.Join(os.WriteFile(elsewhere, []byte("kept"), 0o600), os.Symlink(elsewhere, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		st, err := store.OpenSQLite(filepath.Join(dir, "state"))
		if err == nil {
			st.Close()
		}
		if err == nil || !strings.Contains(err.Error(), name+" is a symbolic link") || !strings.Contains(err.Error(), "link the whole folder") {
			t.Errorf("%s: %v", name, err)
		}
		if content, err := os.ReadFile(elsewhere); err != nil || string(content) != "kept" {
			t.Errorf("%s: what the link leads to is %q, %v", name, content, err)
		}
	}
	dir := t.TempDir()
	folder, linked := filepath.Join(dir, "folder"), filepath.Join(dir, "linked")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Symlink(folder, linked)); err != nil {
		t.Fatal(err)
	}
	if err := open(t, filepath.Join(linked, "state")).Close(); err != nil {
		t.Errorf("in a folder that is a link: %v", err)
	}
}
