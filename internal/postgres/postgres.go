// Package postgres is the database that replicas of a server share: connections to it, and its
// schema, which a program brings up to date before it uses it.
//
//	db, err := postgres.Open(ctx, url, id)
//	defer db.Close()
//
// All tables are in a schema of their own, flyball. docs/postgresql.md describes them.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A DB is a pool of connections to the database.
type DB struct {
	*pgxpool.Pool
	// Session names the connections of this pool in pg_stat_activity, so that who takes a lease
	// over can end them.
	Session string
}

const (
	connectTimeout = 3 * time.Second
	// leastConnections is how many a replica needs at once: one writes, one beats, some read.
	leastConnections = 8
	// idleTime is how long a connection is kept that nobody needs: a replica that forwards needs one, to beat.
	idleTime = time.Minute
	// quiet is how long a connection is silent before it is asked whether it is still there. One that beats never is,
	// and a statement that finds it gone is made again.
	quiet = 5 * time.Second
)

// SessionOf names the connections of the replica with an id.
func SessionOf(id string) string { return "flyball " + id }

// IsURL tells whether a text is the URL of a database.
func IsURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// Open connects the replica with an id, and brings the schema up to date.
func Open(ctx context.Context, url, id string) (*DB, error) {
	if !IsURL(url) {
		return nil, errors.New("the database is named by a URL such as postgres://USER@HOST/NAME")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out of it
	}
	db := &DB{Session: SessionOf(id)}
	cfg.MaxConns = max(cfg.MaxConns, leastConnections)
	cfg.MaxConnIdleTime = min(cfg.MaxConnIdleTime, idleTime)
	cfg.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool { return p.IdleDuration > quiet }
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	for name, value := range map[string]string{
		"application_name": db.Session,
		// A replica that has lost its way to the database holds nobody up.
		"idle_in_transaction_session_timeout": "5s",
		"tcp_user_timeout":                    "10s",
		// What is acknowledged is on the database's disk, whatever its own default is.
		"synchronous_commit": "on",
	} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	if db.Pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open the database %s at %s: %w", cfg.ConnConfig.Database, cfg.ConnConfig.Host, err)
	}
	return db, nil
}

// Passes tells whether an error is of a database that is not there at the moment, or is busy: what was
// asked of it can be asked again.
func Passes(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch answer.Code[:2] {
		case "08", // the connection
			"40", // a transaction rolled back for another's sake
			"53", // no room, no memory, too many connections
			"55", // a lock was not had in time
			"57", // it shuts down, starts, or was told to end
			"58": // its system
			return true
		}
		return answer.Code == "25006" || answer.Code == "25P03" // in recovery; a transaction that idled
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "conn closed")
}

// Tx runs a function in a transaction.
func (db *DB) Tx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db.Pool, f)
}
