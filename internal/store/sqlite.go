package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver, without cgo
)

// SQLite is the embedded store: one file in write-ahead-log mode, one writer.
type SQLite struct {
	db *sql.DB

	// What is done most is compiled once.
	put                   *sql.Stmt
	ascending, descending *sql.Stmt

	mu     sync.Mutex
	queue  []queued
	moment *time.Timer   // flushes the queue
	wake   chan struct{} // holds one token from a flush until the queue is taken
	closed bool

	failed  chan error // has room for the one reason
	stopped chan struct{}
}

// moment is how long a batch that nobody waits for is queued at most. What an alarm
// sets off, from its state to the desired count, takes a tenth of it.
const moment = 2 * time.Millisecond

type queued struct {
	changes []change
	done    chan struct{}
	err     *error
}

var _ Store = (*SQLite)(nil)

const schema = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS document (
	kind  TEXT NOT NULL,
	key   TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;`

const (
	putDocument = `INSERT INTO document (kind, key, value) VALUES (?, ?, ?)
		ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`
	scanDocuments = `SELECT key, value FROM document WHERE kind = ? AND key >= ? AND key < ? ORDER BY key`
)

// prepare compiles the statements.
func (s *SQLite) prepare() (err error) {
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{{&s.put, putDocument}, {&s.ascending, scanDocuments}, {&s.descending, scanDocuments + ` DESC`}} {
		if *p.to, err = s.db.Prepare(p.text); err != nil {
			return err
		}
	}
	return nil
}

// OpenSQLite opens or creates the store in a file. With an empty path the
// documents live in memory and go with the process.
func OpenSQLite(path string) (*SQLite, error) {
	dsn := "file::memory:?_pragma=temp_store(memory)"
	conns := 1
	if path != "" {
		dsn = "file:" + (&url.URL{Path: path}).EscapedPath() +
			"?_pragma=busy_timeout(5000)&_pragma=synchronous(full)&_pragma=cache_size(-2048)"
		conns = 4
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(0)
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &SQLite{
		db:      db,
		wake:    make(chan struct{}, 1),
		failed:  make(chan error, 1),
		stopped: make(chan struct{}),
	}
	if err := s.prepare(); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.moment = time.AfterFunc(time.Hour, s.Flush)
	s.moment.Stop()
	go s.writeLoop()
	return s, nil
}

// Get implements Store.
func (s *SQLite) Get(kind, key string) ([]byte, error) {
	var value []byte
	err := s.db.QueryRow(`SELECT value FROM document WHERE kind = ? AND key = ?`, kind, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %q: %w", kind, key, err)
	}
	return value, nil
}

// Scan implements Store.
func (s *SQLite) Scan(kind string, r Range, each func(key string, value []byte) bool) error {
	query, to := s.ascending, any(r.To)
	if r.Reverse {
		query = s.descending
	}
	if r.To == "" {
		to = []byte{} // no text comes after a blob
	}
	rows, err := query.Query(kind, r.From, to)
	if err != nil {
		return fmt.Errorf("scan %s: %w", kind, err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var value sql.RawBytes
		if err := rows.Scan(&key, &value); err != nil {
			return fmt.Errorf("scan %s: %w", kind, err)
		}
		if !each(key, value) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("scan %s: %w", kind, err)
	}
	return nil
}

// Write implements Store.
func (s *SQLite) Write(b *Batch) Commit {
	if b.Len() == 0 {
		return Commit{}
	}
	q := queued{changes: b.changes, done: make(chan struct{}), err: new(error)}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		*q.err = ErrClosed
		close(q.done)
		return Commit{q.done, q.err}
	}
	if s.queue = append(s.queue, q); len(s.queue) == 1 {
		s.moment.Reset(moment)
	}
	s.mu.Unlock()
	return Commit{q.done, q.err}
}

// Flush implements Store.
func (s *SQLite) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.moment.Stop()
	select {
	case s.wake <- struct{}{}:
	default: // a token is there already
	}
}

// Failed implements Store.
func (s *SQLite) Failed() <-chan error { return s.failed }

// Close implements Store.
func (s *SQLite) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.moment.Stop()
		close(s.wake)
	}
	s.mu.Unlock()
	<-s.stopped
	return s.db.Close()
}

// writeLoop makes what is queued durable, everything that waits in one
// transaction.
func (s *SQLite) writeLoop() {
	defer close(s.stopped)
	var failure error
	for open := true; open; {
		_, open = <-s.wake
		s.mu.Lock()
		batches := s.queue
		s.queue = nil
		s.mu.Unlock()
		if len(batches) == 0 {
			continue
		}
		if failure == nil {
			if failure = s.commit(batches); failure != nil {
				s.failed <- failure
			}
		}
		for _, q := range batches {
			*q.err = failure
			close(q.done)
		}
	}
}

func (s *SQLite) commit(batches []queued) error {
	ctx := context.Background()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a write: %w", err)
	}
	defer tx.Rollback() // undoes nothing that was committed
	if err := s.apply(ctx, tx, batches); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// apply makes the changes of batches in a transaction.
func (s *SQLite) apply(ctx context.Context, tx *sql.Tx, batches []queued) (err error) {
	put := tx.StmtContext(ctx, s.put)
	defer put.Close()
	for _, q := range batches {
		for _, c := range q.changes {
			switch c.op {
			case opPut:
				value := c.value
				if value == nil {
					value = []byte{}
				}
				_, err = put.ExecContext(ctx, c.kind, c.key, value)
			case opDelete:
				_, err = tx.ExecContext(ctx, `DELETE FROM document WHERE kind = ? AND key = ?`, c.kind, c.key)
			case opDeleteRange:
				if c.to == "" {
					_, err = tx.ExecContext(ctx, `DELETE FROM document WHERE kind = ? AND key >= ?`, c.kind, c.key)
				} else {
					_, err = tx.ExecContext(ctx, `DELETE FROM document WHERE kind = ? AND key >= ? AND key < ?`, c.kind, c.key, c.to)
				}
			}
			if err != nil {
				return fmt.Errorf("write %s %q: %w", c.kind, c.key, err)
			}
		}
	}
	return nil
}

// Rescope puts a prefix before the keys of all documents, except those whose kind
// begins with the word that is kept, and makes a batch durable with it.
func (s *SQLite) Rescope(prefix, kept string, b *Batch) error {
	ctx := context.Background()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a write: %w", err)
	}
	defer tx.Rollback() // undoes nothing that was committed
	if _, err := tx.ExecContext(ctx, `UPDATE document SET key = ? || key WHERE substr(kind, 1, ?) <> ?`, prefix, len(kept), kept); err != nil {
		return fmt.Errorf("rescope the documents: %w", err)
	}
	if err := s.apply(ctx, tx, []queued{{changes: b.changes}}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
