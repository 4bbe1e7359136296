package datafolder_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flyball/internal/datafolder"
	"flyball/internal/state"
	"flyball/internal/store"
)

// write has documents be in a folder's state.
func write(t *testing.T, dir string, b *store.Batch) {
	t.Helper()
	st, err := store.OpenSQLite(datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(st.Write(b).Wait(), st.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderOfALaterReleaseIsNamedAndNothingInItIsTakenForDamage(t *testing.T) {
	dir := folder(t)
	write(t, dir, new(store.Batch).Put("server.layout", "layout", []byte("v1 99")))
	queue := filepath.Join(dir, datafolder.Queues, "123456789012", "us-east-1", "q-1")
	if err := os.MkdirAll(queue, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(queue, "0000000000000000.log"), []byte("fbqueue9 what no release knows yet"), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := &datafolder.NewerError{}
	if reports, err := datafolder.Check(dir); !errors.As(err, &newer) || newer.Layout != 99 {
		t.Errorf("a check tells %v, %v", reports, err)
	}
	st, err := store.OpenSQLite(datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := datafolder.ReadLayout(state.New(st)); !errors.As(err, &newer) {
		t.Errorf("a start is told %v", err)
	}
}

func TestTheLayoutThatIsNotedIsTodays(t *testing.T) {
	dir := folder(t)
	write(t, dir, datafolder.NoteLayout(new(store.Batch)))
	st, err := store.OpenSQLite(datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if layout, err := datafolder.ReadLayout(state.New(st)); layout != datafolder.Layout || err != nil {
		t.Error(layout, err)
	}
}

func TestAStateOfALaterReleaseIsNamed(t *testing.T) {
	dir := folder(t)
	db, err := sql.Open("sqlite", datafolder.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`PRAGMA user_version = 7; PRAGMA application_id = 0x466c7907`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	newer := &store.NewerError{}
	if _, err := store.OpenSQLite(datafolder.Database(dir)); !errors.As(err, &newer) || newer.Format != 7 {
		t.Errorf("a start is told %v", err)
	}
	if reports, err := datafolder.Check(dir); !errors.As(err, &newer) {
		t.Errorf("a check tells %v, %v", reports, err)
	}
}
