package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// migrations bring a schema from one version to the next; the first one makes it. They only go
// forward, and each leaves the program of the release before able to go on, since replicas are upgraded
// one after the other.
var migrations = []string{first, second, third}

var (
	//go:embed first.sql
	first string
	//go:embed second.sql
	second string
	//go:embed third.sql
	third string
)

// Version is that of the schema that this program knows.
var Version = len(migrations)

// migrationLock is the advisory lock that is held while the schema is looked at and changed: one of
// several replicas that start at once does it.
const migrationLock = 0x666c7962616c6c // "flyball"

// A NewerError is of a schema that a later release has made.
type NewerError struct{ Version int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("its schema is of version %d, and this flyball knows versions up to %d; use the release that made it, or a later one", e.Version, Version)
}

// migrate brings the schema up to date, in one transaction.
func (db *DB) migrate(ctx context.Context) error {
	return db.Tx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		version, err := SchemaVersion(ctx, tx)
		switch {
		case err != nil:
			return err
		case version > Version:
			return &NewerError{version}
		case version == Version:
			return nil
		}
		for _, change := range migrations[version:] {
			if _, err := tx.Exec(ctx, change); err != nil {
				return fmt.Errorf("bring the schema from version %d to %d: %w", version, Version, explain(err))
			}
		}
		_, err = tx.Exec(ctx, `UPDATE flyball.schema SET version = $1`, Version)
		return err
	})
}

// A Querier is a connection, a pool or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// SchemaVersion is the version of the schema that there is, 0 where there is none.
func SchemaVersion(ctx context.Context, q Querier) (version int, err error) {
	var there bool
	if err := q.QueryRow(ctx, `SELECT to_regclass('flyball.schema') IS NOT NULL`).Scan(&there); err != nil || !there {
		return 0, err
	}
	err = q.QueryRow(ctx, `SELECT version FROM flyball.schema`).Scan(&version)
	return version, err
}

// explain says what is missing where a right is.
func explain(err error) error {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == "42501" {
		return fmt.Errorf("%w; the user needs the right to create a schema in the database (GRANT CREATE ON DATABASE ... TO ...), once", err)
	}
	return err
}
