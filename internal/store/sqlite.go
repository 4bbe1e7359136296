package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver, without cgo

	"flyball/internal/damage"
	"flyball/internal/disk"
	"flyball/internal/ownfile"
)

// SQLite is the embedded store: one file in write-ahead-log mode, one writer.
type SQLite struct {
	db   *sql.DB
	path string      // empty: in memory
	disk *disk.Disk  // that has the file
	file os.FileInfo // the database, as it was opened

	// What was written, as the database knows it; only the writer uses these.
	transactions int64
	shrinks      bool // the file is being shrunk
	mark         mark
	doubt        error
	scanned      coverage // until the documents are known to be sound

	// What is done most is compiled once.
	put, tally            *sql.Stmt
	ascending, descending *sql.Stmt

	queue
	ending chan struct{} // closed when no write waits for room any more
	once   sync.Once     // closes it

	written writtenCounts

	verified atomic.Bool   // the check of the database has found nothing
	failed   chan error    // has room for the one reason
	sound    chan error    // gets what the check of the database has found
	stopped  chan struct{} // closed when nothing is written any more
	checked  chan struct{} // closed when the check has ended
}

// moment is how long a batch that nobody waits for is queued at most. What an alarm
// sets off, from its state to the desired count, takes a tenth of it.
const moment = 2 * time.Millisecond

var _ Store = (*SQLite)(nil)

const schema = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS document (
	kind  TEXT NOT NULL,
	key   TEXT NOT NULL,
	value BLOB NOT NULL,
	sum   INTEGER,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS written (transactions INTEGER NOT NULL);`

const (
	putDocument = `INSERT INTO document (kind, key, value, sum) VALUES (?, ?, ?, ?)
		ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, sum = excluded.sum`
	scanDocuments = `SELECT key, value, sum FROM document WHERE kind = ? AND key >= ? AND key < ? ORDER BY key`
)

// begin makes the tables, and gives those of earlier releases what they lack.
func (s *SQLite) begin() error {
	noted, twice, err := readFormat(s.db, s.path)
	if err != nil {
		return err
	}
	if _, err := s.db.Exec(schema); err != nil {
		return err
	}
	var sums int
	if err := s.db.QueryRow(`SELECT count(*) FROM pragma_table_info('document') WHERE name = 'sum'`).Scan(&sums); err != nil {
		return err
	}
	if sums == 0 {
		if _, err := s.db.Exec(`ALTER TABLE document ADD COLUMN sum INTEGER`); err != nil {
			return err
		}
	}
	switch {
	case noted < format:
		return s.sumUp()
	case !twice:
		_, _ = s.db.Exec(noteFormatOf("")) // on a full disk the next start does
	}
	return nil
}

// sumUp gives the documents of earlier releases, which kept no checksums, theirs. From then
// on one without is damaged.
func (s *SQLite) sumUp() error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // undoes nothing that was committed
	if err := addSums(tx); err != nil {
		return err
	}
	if _, err := tx.Exec(noteFormatOf("")); err != nil {
		return err
	}
	return tx.Commit()
}

// addSums adds checksums to the documents that have none.
func addSums(tx *sql.Tx) error {
	rows, err := tx.Query(`SELECT kind, key, value FROM document WHERE sum IS NULL`)
	if err != nil {
		return err
	}
	type place struct {
		kind, key string
		sum       int64
	}
	var all []place
	for rows.Next() {
		var p place
		var value sql.RawBytes
		if err := rows.Scan(&p.kind, &p.key, &value); err != nil {
			return errors.Join(err, rows.Close())
		}
		p.sum = checksum(p.kind, p.key, value)
		all = append(all, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, p := range all {
		if _, err := tx.Exec(`UPDATE document SET sum = ? WHERE kind = ? AND key = ?`, p.sum, p.kind, p.key); err != nil {
			return err
		}
	}
	return nil
}

// prepare compiles the statements.
func (s *SQLite) prepare() (err error) {
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{{&s.put, putDocument}, {&s.tally, `UPDATE written SET transactions = ?`}, {&s.ascending, scanDocuments}, {&s.descending, scanDocuments + ` DESC`}} {
		if *p.to, err = s.db.Prepare(p.text); err != nil {
			return err
		}
	}
	return nil
}

// dsnOf names the database in a file to the driver. The file is there: a connection that is made
// after the folder was removed or replaced must not begin an empty database in its place.
func dsnOf(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?mode=rw&_pragma=auto_vacuum(incremental)&_pragma=busy_timeout(5000)&_pragma=synchronous(full)&_pragma=cache_size(-2048)" +
		fmt.Sprintf("&_pragma=journal_size_limit(%d)", mostLog)
}

// NoLinks refuses links in the places of a database's files, which SQLite follows. It would write to
// what they lead to, and its log would be beside that.
func NoLinks(path string) error {
	for _, name := range append(Files(path), path+"-shm") {
		if err := ownfile.NoLink(name); err != nil {
			return err
		}
	}
	return nil
}

// makePrivate makes the file that SQLite is to open, if it is not there, as one of the
// server's user alone: SQLite gives those beside it the same mode.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// OpenSQLite opens or creates the store in a file. With an empty path the
// documents live in memory and go with the process.
func OpenSQLite(path string) (*SQLite, error) { return OpenSQLiteOn(nil, path) }

// OpenSQLiteOn opens or creates the store in a file of a disk: its writes wait for room.
func OpenSQLiteOn(on *disk.Disk, path string) (*SQLite, error) {
	dsn := "file::memory:?_pragma=temp_store(memory)"
	conns := 1
	if path != "" {
		dsn = dsnOf(path)
		conns = 4
		if err := NoLinks(path); err != nil {
			return nil, err
		}
		if err := makePrivate(path); err != nil {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(0)
	s := &SQLite{
		db:      db,
		path:    path,
		disk:    on,
		ending:  make(chan struct{}),
		failed:  make(chan error, 1),
		sound:   make(chan error, 1),
		stopped: make(chan struct{}),
		checked: make(chan struct{}),
	}
	for _, step := range []func() error{s.begin, s.openMark, s.lookAtHeader, s.prepare} {
		if err := step(); err != nil {
			s.release()
			if err = s.cannotOpen(err); errors.As(err, new(*damage.Error)) {
				return nil, err // which names the file
			}
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
	}
	s.queue.init()
	go func() {
		defer close(s.checked)
		err := s.integrity()
		s.verified.Store(err == nil)
		s.sound <- err
	}()
	go s.writeLoop()
	return s, nil
}

// Sound waits for the check of the database, which goes on beside its first readers,
// verifies the documents that they have not read, and returns what is wrong. It is to be
// called once.
func (s *SQLite) Sound() error {
	if err := <-s.sound; err != nil {
		return err
	}
	defer s.scanned.end()
	return s.verifyRest()
}

// Get implements Store.
func (s *SQLite) Get(kind, key string) ([]byte, error) {
	var value []byte
	var sum sql.NullInt64
	err := s.db.QueryRow(`SELECT value, sum FROM document WHERE kind = ? AND key = ?`, kind, key).Scan(&value, &sum)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %q in %s: %w", kind, key, s.path, s.unreadable(err))
	}
	return value, s.verify(kind, key, value, sum)
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
		return fmt.Errorf("scan %s in %s: %w", kind, s.path, s.unreadable(err))
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var value sql.RawBytes
		var sum sql.NullInt64
		if err := rows.Scan(&key, &value, &sum); err != nil {
			return fmt.Errorf("scan %s in %s: %w", kind, s.path, err)
		}
		if err := s.verify(kind, key, value, sum); err != nil {
			return err
		}
		if !each(key, value) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("scan %s in %s: %w", kind, s.path, s.unreadable(err))
	}
	s.scanned.note(kind, r)
	return nil
}

// Failed implements Store.
func (s *SQLite) Failed() <-chan error { return s.failed }

// Close implements Store. Only with its last connection does SQLite bring the file up to its
// log, and database/sql waits for none that is in use, so the check comes to its end before.
func (s *SQLite) Close() error {
	if s.end() {
		s.GiveUp()
	}
	<-s.stopped
	<-s.checked
	select {
	case err := <-s.failed: // nobody was told yet
		return errors.Join(err, s.release())
	default:
		return s.release()
	}
}

// GiveUp has no write wait for room any more: the server ends, and what it cannot write is
// lost as by a kill.
func (s *SQLite) GiveUp() { s.once.Do(func() { close(s.ending) }) }

// release closes the files.
func (s *SQLite) release() error {
	if s.mark.file != nil {
		s.mark.file.Close()
	}
	return s.db.Close()
}

// transact makes changes durable in one transaction.
func (s *SQLite) transact(change func(context.Context, *sql.Tx) error) error {
	s.disk.BeginWrite()
	defer s.disk.EndWrite()
	if err := s.present(); err != nil {
		return err
	}
	ctx := context.Background()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a write: %w", err)
	}
	defer tx.Rollback() // undoes nothing that was committed
	if err := change(ctx, tx); err != nil {
		return err
	}
	if err := s.count(ctx, tx); err != nil {
		return err
	}
	if err := s.logPresent(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return s.counted()
}

// apply makes changes in a transaction.
func (s *SQLite) apply(ctx context.Context, tx *sql.Tx, changes []change) (err error) {
	put := tx.StmtContext(ctx, s.put)
	defer put.Close()
	for _, c := range changes {
		switch c.op {
		case opPut:
			value := c.value
			if value == nil {
				value = []byte{}
			}
			_, err = put.ExecContext(ctx, c.kind, c.key, value, checksum(c.kind, c.key, value))
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
	return nil
}

// Rescope puts a prefix before the keys of all documents, except those whose kind
// begins with the word that is kept, and makes a batch durable with it.
func (s *SQLite) Rescope(prefix, kept string, b *Batch) error {
	return s.transact(func(ctx context.Context, tx *sql.Tx) error {
		const rescope = `UPDATE document SET key = ? || key, sum = NULL WHERE substr(kind, 1, ?) <> ?`
		if _, err := tx.ExecContext(ctx, rescope, prefix, len(kept), kept); err != nil {
			return fmt.Errorf("rescope the documents: %w", err)
		}
		if err := addSums(tx); err != nil {
			return fmt.Errorf("rescope the documents: %w", err)
		}
		return s.apply(ctx, tx, b.changes)
	})
}

// Room is of a database on another machine: the disk of this one tells by itself.
func (s *SQLite) Room() error { return nil }
