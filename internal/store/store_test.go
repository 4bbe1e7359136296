package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/postgres/postgrestest"
	"flyball/internal/store"
)

// open opens a store that the test closes, in memory when path is empty.
func open(t testing.TB, path string) store.Store {
	t.Helper()
	st, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func write(t testing.TB, st store.Store, b *store.Batch) {
	t.Helper()
	if err := st.Write(b).Wait(); err != nil {
		t.Fatal(err)
	}
}

func scan(t testing.TB, st store.Store, kind string, r store.Range) []string {
	t.Helper()
	var found []string
	if err := st.Scan(kind, r, func(key string, value []byte) bool {
		found = append(found, key+"="+string(value))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// each runs a test on a store in memory, on one in a file, and on PostgreSQL.
func each(t *testing.T, f func(t *testing.T, st store.Store)) {
	t.Run("in memory", func(t *testing.T) { f(t, open(t, "")) })
	t.Run("in a file", func(t *testing.T) { f(t, open(t, filepath.Join(t.TempDir(), "a file?#%20"))) })
	t.Run("in PostgreSQL", func(t *testing.T) { f(t, openPostgres(t, postgrestest.Database(t))) })
}

func TestADocumentIsReadAsItWasPut(t *testing.T) {
	each(t, func(t *testing.T, st store.Store) {
		write(t, st, new(store.Batch).Put("a", "k", []byte("one")).Put("b", "k", []byte("other kind")))
		write(t, st, new(store.Batch).Put("a", "k", []byte("two")))
		if got, err := st.Get("a", "k"); err != nil || string(got) != "two" {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := st.Get("a", "absent"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an absent document: %v", err)
		}
	})
}

func TestADocumentMayBeEmpty(t *testing.T) {
	each(t, func(t *testing.T, st store.Store) {
		write(t, st, new(store.Batch).Put("a", "k", nil))
		if got, err := st.Get("a", "k"); err != nil || len(got) != 0 {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestAnEmptyBatchNeedsNoDisk(t *testing.T) {
	st := open(t, "")
	st.Close()
	if err := st.Write(new(store.Batch)).Wait(); err != nil {
		t.Error(err)
	}
	if err := (store.Commit{}).Wait(); err != nil {
		t.Error(err)
	}
}

func TestAScanIsInOrderAndStopsWhenTold(t *testing.T) {
	each(t, func(t *testing.T, st store.Store) {
		var b store.Batch
		for _, k := range []string{"b2", "a", "c", "b1", "b"} {
			b.Put("x", k, []byte(k))
		}
		write(t, st, b.Put("y", "b3", nil))
		for _, test := range []struct {
			name string
			r    store.Range
			want string
		}{
			{"all", store.Range{}, "a=a b=b b1=b1 b2=b2 c=c"},
			{"reverse", store.Range{Reverse: true}, "c=c b2=b2 b1=b1 b=b a=a"},
			{"from is included, to is not", store.Range{From: "b", To: "b2"}, "b=b b1=b1"},
			{"prefix", store.Prefix("b"), "b=b b1=b1 b2=b2"},
			{"nothing", store.Range{From: "d"}, ""},
		} {
			if got := strings.Join(scan(t, st, "x", test.r), " "); got != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
		}
		count := 0
		if err := st.Scan("x", store.Range{}, func(string, []byte) bool { count++; return count < 2 }); err != nil || count != 2 {
			t.Errorf("it stops after %d, %v", count, err)
		}
	})
}

func TestPrefixEndsBehindItsLastKey(t *testing.T) {
	for prefix, to := range map[string]string{"a": "b", "a\xff": "b", "\xff\xff": "", "": "", "a/": "a0"} {
		if got := store.Prefix(prefix); got != (store.Range{From: prefix, To: to}) {
			t.Errorf("Prefix(%q) is %+v", prefix, got)
		}
	}
}

// Any keys, any order of changes: the store holds what a map would.
func TestTheStoreIsASortedMap(t *testing.T) {
	key := rapid.OneOf(
		rapid.StringN(0, 3, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 3), func(b []byte) string { return string(b) }),
		rapid.StringMatching(`[ab]{0,2}`),
	)
	check := func(rt *rapid.T, st store.Store) {
		model := map[string]string{}
		for range rapid.IntRange(1, 5).Draw(rt, "batches") {
			var b store.Batch
			for range rapid.IntRange(0, 6).Draw(rt, "changes") {
				k := key.Draw(rt, "key")
				switch rapid.IntRange(0, 5).Draw(rt, "op") {
				case 0:
					b.Delete("k", k)
					delete(model, k)
				case 1:
					r := store.Prefix(k)
					b.DeleteRange("k", r)
					maps.DeleteFunc(model, func(key, _ string) bool { return strings.HasPrefix(key, k) })
				default:
					v := rapid.String().Draw(rt, "value")
					b.Put("k", k, []byte(v))
					model[k] = v
				}
			}
			if err := st.Write(&b).Wait(); err != nil {
				rt.Fatal(err)
			}
		}
		var got []string
		if err := st.Scan("k", store.Range{}, func(k string, v []byte) bool {
			got = append(got, k+"="+string(v))
			return true
		}); err != nil {
			rt.Fatal(err)
		}
		var want []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			want = append(want, k+"="+model[k])
			if v, err := st.Get("k", k); err != nil || string(v) != model[k] {
				rt.Errorf("%q: got %q, %v", k, v, err)
			}
		}
		if !slices.Equal(got, want) {
			rt.Errorf("got %q, want %q", got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			rt.Fatal(err)
		}
		defer st.Close()
		check(rt, st)
	})
	t.Run("in PostgreSQL", func(t *testing.T) {
		st := openPostgres(t, postgrestest.Database(t))
		rapid.Check(t, func(rt *rapid.T) {
			if err := st.Write(new(store.Batch).DeleteRange("k", store.Range{})).Wait(); err != nil {
				rt.Fatal(err)
			}
			check(rt, st)
		})
	})
}

func TestWhatWasWaitedForIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first := open(t, path)
	write(t, first, new(store.Batch).Put("a", "k", []byte("v")))
	// The first store is not closed: a killed server does not close its own.
	if got := scan(t, open(t, path), "a", store.Range{}); len(got) != 1 || got[0] != "k=v" {
		t.Errorf("got %q", got)
	}
}

func TestCloseMakesDurableWhatWasQueued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st := open(t, path)
	var last store.Commit
	for i := range 100 {
		last = st.Write(new(store.Batch).Put("a", fmt.Sprint(i), nil))
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := last.Wait(); err != nil {
		t.Error(err)
	}
	if got := scan(t, open(t, path), "a", store.Range{}); len(got) != 100 {
		t.Errorf("%d of 100 documents are there", len(got))
	}
}

func TestAClosedStoreRefusesWrites(t *testing.T) {
	st := open(t, "")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.Write(new(store.Batch).Put("a", "k", nil)).Wait(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestBatchesBecomeDurableInOrder(t *testing.T) {
	each(t, func(t *testing.T, st store.Store) {
		var wait []store.Commit
		for i := range 200 {
			wait = append(wait, st.Write(new(store.Batch).Put("a", "k", fmt.Append(nil, i))))
		}
		for i := range wait {
			if err := wait[len(wait)-1-i].Wait(); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := st.Get("a", "k"); string(got) != "199" {
			t.Errorf("got %q", got)
		}
	})
}

func TestWritersAndReadersMayWorkAtOnce(t *testing.T) {
	each(t, func(t *testing.T, st store.Store) {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 25 {
					key := fmt.Sprintf("%d-%02d", w, i)
					write(t, st, new(store.Batch).Put("a", key, []byte(key)))
					if got, err := st.Get("a", key); err != nil || string(got) != key {
						t.Errorf("%s: got %q, %v", key, got, err)
					}
					scan(t, st, "a", store.Prefix(fmt.Sprint(w)))
				}
			})
		}
		wg.Wait()
		if got := scan(t, st, "a", store.Range{}); len(got) != 100 {
			t.Errorf("%d of 100 documents are there", len(got))
		}
	})
}

func TestAStoreWithAFailedWriteSaysWhyAndTakesNoMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st := open(t, path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DROP TABLE document"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := st.Write(new(store.Batch).Put("a", "k", nil)).Wait(); err == nil || !strings.Contains(err.Error(), "no such table") {
			t.Errorf("a write that cannot be: %v", err)
		}
	}
	if err := <-st.Failed(); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("the store failed for the reason %v", err)
	}
}

func TestAStoreThatCannotBeOpenedSaysWhy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "state")
	if _, err := store.OpenSQLite(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkWriteAndWait(b *testing.B) {
	for _, path := range []string{"", filepath.Join(b.TempDir(), "state")} {
		b.Run(map[bool]string{true: "in memory", false: "in a file"}[path == ""], func(b *testing.B) {
			st := open(b, path)
			value := bytes.Repeat([]byte("v"), 500)
			for i := 0; b.Loop(); i++ {
				write(b, st, new(store.Batch).Put("a", fmt.Sprint(i%1000), value))
			}
		})
	}
}

func BenchmarkWriteThousandDocuments(b *testing.B) {
	st := open(b, filepath.Join(b.TempDir(), "state"))
	value := bytes.Repeat([]byte("v"), 500)
	for i := 0; b.Loop(); i++ {
		var batch store.Batch
		for j := range 1000 {
			batch.Put("a", fmt.Sprintf("%08x", i*1000+j), value)
		}
		write(b, st, &batch)
	}
}

func BenchmarkGet(b *testing.B) {
	st := open(b, filepath.Join(b.TempDir(), "state"))
	write(b, st, new(store.Batch).Put("a", "k", bytes.Repeat([]byte("v"), 500)))
	for b.Loop() {
		if _, err := st.Get("a", "k"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAStoreThatIsClosedHasAllInItsFile(t *testing.T) {
	for range 100 {
		path := filepath.Join(t.TempDir(), "state")
		st := open(t, path)
		write(t, st, new(store.Batch).Put("kind", "key", bytes.Repeat([]byte{7}, 1<<20)))
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
			t.Fatalf("the log is beside it: %v", err)
		}
		st = open(t, path) // with a check that takes a moment
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
			t.Fatalf("the log is beside it after a second time: %v", err)
		}
	}
}
