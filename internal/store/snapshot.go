package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"syscall"

	"modernc.org/sqlite"
)

// sqliteFull is SQLITE_FULL: SQLite does not hand on the system's own error.
const sqliteFull = 13

// A Snapshot is the documents as they are at a moment. Writers go on meanwhile.
type Snapshot struct {
	conn         *sql.Conn
	path         string
	transactions int64
}

// Snapshot readies a copy of the documents in a new file. What is to be in it is decided by
// Begin, and it is there after Copy.
func (s *SQLite) Snapshot(ctx context.Context, path string) (_ *Snapshot, err error) {
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("copy %s: %w", s.path, err)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", s.path, err)
	}
	snap := &Snapshot{conn: conn, path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, snap.Close())
		}
	}()
	if _, err := conn.ExecContext(ctx, `ATTACH DATABASE ? AS copied`, dsnOf(path)); err != nil {
		return nil, fmt.Errorf("copy %s: %w", s.path, err)
	}
	tables := `
CREATE TABLE copied.document (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, sum INTEGER, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE copied.written (transactions INTEGER NOT NULL);
` + noteFormatOf("copied.")
	_, err = conn.ExecContext(ctx, tables)
	return snap, err
}

// Begin has the snapshot be of this moment.
func (s *Snapshot) Begin(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	return s.conn.QueryRowContext(ctx, `SELECT transactions FROM main.written`).Scan(&s.transactions)
}

// Copy writes the documents of the moment, and the mark beside them.
func (s *Snapshot) Copy(ctx context.Context) error {
	const rows = `
INSERT INTO copied.document SELECT kind, key, value, sum FROM main.document;
INSERT INTO copied.written SELECT transactions FROM main.written;
COMMIT;`
	if _, err := s.conn.ExecContext(ctx, rows); err != nil {
		if failed, ok := errors.AsType[*sqlite.Error](err); ok && failed.Code() == sqliteFull {
			err = fmt.Errorf("%w: %w", syscall.ENOSPC, err)
		}
		return fmt.Errorf("copy the state: %w", err)
	}
	m := mark{}
	var err error
	if m.file, err = os.OpenFile(s.path+"-mark", os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	return errors.Join(m.set(s.transactions), m.file.Close())
}

// Verify compares the documents that were copied with their checksums, and names those that are not
// what was written.
func (s *Snapshot) Verify(ctx context.Context) (wrong []string, err error) {
	rows, err := s.conn.QueryContext(ctx, `SELECT kind, key, value, sum FROM copied.document`)
	if err != nil {
		return nil, fmt.Errorf("verify the state: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, key string
		var value sql.RawBytes
		var sum sql.NullInt64
		if err := rows.Scan(&kind, &key, &value, &sum); err != nil {
			return wrong, fmt.Errorf("verify the state: %w", err)
		}
		if !sum.Valid || sum.Int64 != checksum(kind, key, value) {
			wrong = append(wrong, notWritten(kind, key))
		}
	}
	return wrong, rows.Err()
}

// Close ends the snapshot, whether or not it was copied.
func (s *Snapshot) Close() error {
	ctx := context.Background()
	_, _ = s.conn.ExecContext(ctx, `ROLLBACK`) // there is nothing to be taken back after Copy
	_, err := s.conn.ExecContext(ctx, `DETACH DATABASE copied`)
	if err != nil {
		// The next snapshot on this connection could not attach its own.
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	return errors.Join(err, s.conn.Close())
}
