package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"flyball/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// release has this program know so many changes of the schema, as a release does.
func release(t *testing.T, changes ...string) {
	t.Helper()
	knows, version := migrations, Version
	t.Cleanup(func() { migrations, Version = knows, version })
	migrations, Version = changes, len(changes)
}

func open(t *testing.T, url string) (*DB, error) {
	t.Helper()
	db, err := Open(t.Context(), url, "test")
	if err == nil {
		t.Cleanup(db.Close)
	}
	return db, err
}

// versionOf is the version of a database's schema, as somebody else sees it.
func versionOf(t *testing.T, url string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	version, err := SchemaVersion(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestReplicasThatStartAtOnceMakeOneSchema(t *testing.T) {
	url := postgrestest.Database(t)
	var all errgroup.Group
	for range 8 {
		all.Go(func() error { _, err := open(t, url); return err })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := versionOf(t, url); got != Version {
		t.Errorf("the schema is of version %d, want %d", got, Version)
	}
}

// A program brings a schema forward as a whole or not at all; the release before goes on with what it has open, and
// does not begin on what it does not know.
func TestTheSchemaGoesForward(t *testing.T) {
	url := postgrestest.Database(t)
	release(t, first)
	before, err := open(t, url)
	if err != nil {
		t.Fatal(err)
	}
	const beat = `INSERT INTO flyball.replica (id, address, release, seen) VALUES (gen_random_uuid(), 'a', '1', clock_timestamp())`
	if _, err := before.Exec(t.Context(), beat); err != nil {
		t.Fatal(err)
	}

	release(t, first, second, "ALTER TABLE flyball.nowhere ADD COLUMN x int")
	if _, err := open(t, url); err == nil || !strings.Contains(err.Error(), "from version 1 to 3") {
		t.Errorf("a change that fails: %v", err)
	}
	if got := versionOf(t, url); got != 1 {
		t.Errorf("after a change that failed the schema is of version %d", got)
	}

	release(t, first, second)
	after, err := open(t, url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Exec(t.Context(), beat); err != nil {
		t.Errorf("the release before does not go on: %v", err)
	}
	var known int
	if err := after.QueryRow(t.Context(), `SELECT count(*) FROM flyball.replica WHERE beats = 0 AND forwarded = 0`).Scan(&known); err != nil || known != 2 {
		t.Errorf("%d rows of the release before, %v", known, err)
	}

	release(t, first)
	_, err = open(t, url)
	newer, ok := errors.AsType[*NewerError](err)
	if !ok || newer.Version != 2 || !strings.Contains(err.Error(), "use the release that made it") {
		t.Errorf("the release before begins anew: %v", err)
	}
}

func TestWhoMayNotMakeTheSchemaIsToldWhatIsMissing(t *testing.T) {
	url := postgrestest.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `CREATE ROLE weak LOGIN`); err != nil {
		t.Fatal(err)
	}
	weak := strings.Replace(url, "flyball@", "weak@", 1)
	if _, err := open(t, weak); err == nil || !strings.Contains(err.Error(), "GRANT CREATE ON DATABASE") {
		t.Errorf("it is told %v", err)
	}
	if _, err := conn.Exec(t.Context(), `GRANT CREATE ON DATABASE `+pgx.Identifier{conn.Config().Database}.Sanitize()+` TO weak`); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, weak); err != nil {
		t.Errorf("after what it was told: %v", err)
	}
}
