package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// shared is the cluster of the tests of a package.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
	count   atomic.Int64
}

// Main runs the tests of a package and removes their cluster afterwards.
func Main(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// Shared is the cluster of the tests of a package, whose TestMain calls Main. A test is skipped where
// PostgreSQL is not installed.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		shared.cluster, shared.err = Start(ctx, false)
	})
	if errors.Is(shared.err, ErrAbsent) {
		t.Skip(shared.err)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// Fill has the database with a URL refuse documents as if its disk were full, until makeRoom is called.
func Fill(t testing.TB, url string) (makeRoom func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	const full = `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
		CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON flyball.document EXECUTE FUNCTION no_room()`
	if _, err := conn.Exec(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.Exec(t.Context(), `DROP TRIGGER no_room ON flyball.document`); err != nil {
			t.Error(err)
		}
	}
}

// Database is the URL of a new database in the shared cluster.
func Database(t testing.TB) string {
	t.Helper()
	url, err := Shared(t).Create(t.Context(), fmt.Sprintf("t%d", shared.count.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	return url
}
