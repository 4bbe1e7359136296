package mirror_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/mirror"
	"flyball/internal/store"
)

// contents are the files of a folder, by name.
func contents(t rapid.TB, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path) // path is below it
		all[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whatever is appended, replaced and removed: another folder gets what was synced.
func TestARestoredFolderHasWhatWasSynced(t *testing.T) {
	names := []string{"a", "a/b", "a/c/d", "a.log", "e"}
	rapid.Check(t, func(rt *rapid.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			rt.Fatal(err)
		}
		defer st.Close()
		dir, err := os.MkdirTemp("", "mirror-")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		files := mirror.New(st, filepath.Join(dir, "from"))
		synced := map[string][]byte{}
		random := rand.NewChaCha8([32]byte{})
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			name := rapid.SampledFrom(names[1:]).Draw(rt, "name")
			path := filepath.Join(dir, "from", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				rt.Fatal(err)
			}
			part := make([]byte, rapid.SampledFrom([]int{0, 1, 100, 100, 5000, 1<<20 - 1, 1<<20 + 5, 8<<20 + 9}).Draw(rt, "bytes"))
			_, _ = random.Read(part) // it never fails
			switch rapid.SampledFrom([]string{"append", "replace", "remove", "remove folder"}).Draw(rt, "what") {
			case "append":
				synced[name] = append(synced[name], part...)
				file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					rt.Fatal(err)
				}
				file.Write(part)
				file.WriteString("not synced") // and so not expected
				if err := files.Synced(path, int64(len(synced[name]))); err != nil {
					rt.Fatal(err)
				}
				if err := file.Truncate(int64(len(synced[name]))); err != nil {
					rt.Fatal(err)
				}
				file.Close()
				continue
			case "replace":
				if err := os.WriteFile(path+".new", part, 0o600); err != nil {
					rt.Fatal(err)
				}
				if err := os.Rename(path+".new", path); err != nil {
					rt.Fatal(err)
				}
				synced[name] = part
				err = files.Synced(path, int64(len(part)))
			case "remove":
				os.Remove(path)
				delete(synced, name)
				err = files.Removed(path)
			default:
				os.RemoveAll(filepath.Join(dir, "from", "a"))
				delete(synced, "a/b")
				delete(synced, "a/c/d")
				err = files.Removed(filepath.Join(dir, "from", "a"))
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		to := filepath.Join(dir, "to")
		if err := os.Mkdir(to, 0o700); err != nil {
			rt.Fatal(err)
		}
		if err := st.Write(new(store.Batch).Put("other", "k", nil)).Wait(); err != nil { // what was removed before is removed
			rt.Fatal(err)
		}
		if err := mirror.New(st, to).Restore(); err != nil {
			rt.Fatal(err)
		}
		got := contents(rt, to)
		for name, want := range synced {
			if !bytes.Equal(got[name], want) {
				rt.Errorf("%s has %d bytes, want %d", name, len(got[name]), len(want))
			}
			delete(got, name)
		}
		for name := range got {
			rt.Errorf("%s is there, which was removed", name)
		}
	})
}

// A restored folder goes on: what is appended there is added to what the store has.
func TestARestoredFolderGoesOn(t *testing.T) {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var want []byte
	for range 3 {
		dir := t.TempDir()
		files := mirror.New(st, dir)
		if err := files.Restore(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "log")
		if got, _ := os.ReadFile(path); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes are there, want %d", len(got), len(want))
		}
		for range 3 {
			want = append(want, bytes.Repeat([]byte{byte(len(want))}, 400_000)...)
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := files.Synced(path, int64(len(want))); err != nil {
				t.Fatal(err)
			}
		}
	}
	chunks := 0
	if err := st.Scan("file.chunk", store.Range{}, func(string, []byte) bool { chunks++; return true }); err != nil {
		t.Fatal(err)
	}
	if most := len(want)>>20 + 3; chunks > most {
		t.Errorf("%d bytes are %d chunks, more than %d", len(want), chunks, most)
	}
}

func TestAFileThatWasNotPutAsAWholeIsNotRestored(t *testing.T) {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	b := new(store.Batch).Put("file.chunk", "half\x000000000000100000", []byte("its end")).Put("file.chunk", "whole\x000000000000000000", []byte("all"))
	if err := st.Write(b).Wait(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := mirror.New(st, dir).Restore(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, dir); len(got) != 1 || string(got["whole"]) != "all" {
		t.Errorf("%q is there", got)
	}
}

// A cut store takes some more writes and then no other, as if its server were killed.
type cut struct {
	mirror.Store
	left int
}

func (c *cut) Write(b *store.Batch) store.Commit {
	if c.left--; c.left < 0 {
		_ = c.Store.Close()
	}
	return c.Store.Write(b)
}

func TestALongPartThatWasNotAppendedAsAWholeEndsEarly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	st, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	from := t.TempDir()
	name := filepath.Join(from, "log")
	want := make([]byte, 20<<20+7)
	_, _ = rand.NewChaCha8([32]byte{}).Read(want) // it never fails
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	const told = 3<<20 + 5
	files := mirror.New(&cut{st, 2}, from)
	if err := files.Synced(name, told); err != nil {
		t.Fatal(err)
	}
	if err := files.Synced(name, int64(len(want))); err == nil {
		t.Fatal("the store was cut off, and that was not told")
	}
	if st, err = store.OpenSQLite(path); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	to := t.TempDir()
	if err := mirror.New(st, to).Restore(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, to)["log"]; len(got) <= told || !bytes.HasPrefix(want, got) {
		t.Errorf("%d bytes are restored, and they should be more than the first %d of the file", len(got), told)
	}
}

// A long file that is put anew is the one before or the new one, whenever its server is killed.
func TestALongFileIsReplacedAsAWhole(t *testing.T) {
	before, after := make([]byte, 8<<20+1), make([]byte, 16<<20+3) // more than goes at once, and more than twice that
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(before) // it never fails
	_, _ = random.Read(after)
	for writes, replaced := 0, false; !replaced; writes++ {
		path := filepath.Join(t.TempDir(), "state.db")
		st, err := store.OpenSQLite(path)
		if err != nil {
			t.Fatal(err)
		}
		from := t.TempDir()
		name := filepath.Join(from, "blob")
		put := func(files *mirror.Files, content []byte) error {
			if err := os.WriteFile(name+".new", content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(name+".new", name); err != nil {
				t.Fatal(err)
			}
			return files.Synced(name, int64(len(content)))
		}
		cutting := &cut{st, 1000}
		files := mirror.New(cutting, from)
		if err := put(files, before); err != nil {
			t.Fatal(err)
		}
		cutting.left = writes
		replaced = put(files, after) == nil
		_ = st.Close()
		if st, err = store.OpenSQLite(path); err != nil {
			t.Fatal(err)
		}
		to := t.TempDir()
		again := mirror.New(st, to)
		if err := again.Restore(); err != nil {
			t.Fatal(err)
		}
		want := map[bool][]byte{false: before, true: after}[replaced]
		if got := contents(t, to)["blob"]; !bytes.Equal(got, want) {
			t.Fatalf("after %d writes %d bytes are there, want %d", writes, len(got), len(want))
		}
		chunks := 0
		if err := st.Scan("file.chunk", store.Range{}, func(string, []byte) bool { chunks++; return true }); err != nil {
			t.Fatal(err)
		}
		if most := len(want)>>20 + 1; chunks > most {
			t.Errorf("%d bytes are %d chunks, more than %d", len(want), chunks, most)
		}
		if writes != 1 && !replaced {
			st.Close()
			continue // each is as the one after the first
		}
		// It goes on from there.
		name = filepath.Join(to, "blob")
		for _, content := range [][]byte{append(bytes.Clone(want), "more"...), []byte("short")} {
			if len(content) > len(want) {
				err = os.WriteFile(name, content, 0o600)
				err = errors.Join(err, again.Synced(name, int64(len(content))))
			} else {
				err = put(again, content)
			}
			last := t.TempDir()
			if err = errors.Join(err, mirror.New(st, last).Restore()); err != nil {
				t.Fatal(err)
			}
			if got := contents(t, last)["blob"]; !bytes.Equal(got, content) {
				t.Errorf("%d bytes are there, want %d", len(got), len(content))
			}
		}
		st.Close()
	}
}

func TestAMissingPartIsTold(t *testing.T) {
	for name, b := range map[string]*store.Batch{
		"a gap":                        new(store.Batch).Put("file.chunk", "f\x000000000000000000", []byte("abc")).Put("file.chunk", "f\x000000000000000004", nil),
		"a generation that is nowhere": new(store.Batch).Put("file.current", "f", []byte("2")),
		"no offset":                    new(store.Batch).Put("file.chunk", "f", nil),
		"a name that leads elsewhere":  new(store.Batch).Put("file.chunk", "../f\x000000000000000000", nil),
	} {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Write(b).Wait(); err != nil {
			t.Fatal(err)
		}
		if err := mirror.New(st, t.TempDir()).Restore(); err == nil {
			t.Errorf("%s is restored", name)
		}
		st.Close()
	}
}
