package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"flyball/internal/store"
)

// fileSize is how long a file is.
func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// fillAndEmpty writes documents of 100 KiB, and deletes them but for the last.
func fillAndEmpty(t *testing.T, st store.Store, n int) {
	t.Helper()
	value := bytes.Repeat([]byte("x"), 100<<10)
	for i := range n {
		if err := st.Write(new(store.Batch).Put("test", fmt.Sprintf("%04d", i), value)).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	last := fmt.Sprintf("%04d", n-1)
	if err := st.Write(new(store.Batch).DeleteRange("test", store.Range{To: last})).Wait(); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Get("test", last); err != nil || len(got) != len(value) {
		t.Errorf("what was not deleted has %d bytes, %v", len(got), err)
	}
}

// awaitSize waits until a database is short.
func awaitSize(t *testing.T, path string, most int64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); fileSize(t, path) > most; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the file has %d bytes, and its log %d", fileSize(t, path), fileSize(t, path+"-wal"))
		}
	}
}

func TestTheFileShrinksAfterDeletes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	fillAndEmpty(t, st, 200)
	awaitSize(t, path, 3<<20)
}

func TestAFileOfAnEarlierReleaseIsWrittenAnewOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA journal_mode = WAL; CREATE TABLE earlier (a); INSERT INTO earlier VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Sound(); err != nil {
		t.Fatal(err)
	}
	fillAndEmpty(t, st, 100)
	awaitSize(t, path, 1<<20)
}
