package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"strings"

	"flyball/internal/damage"
	"flyball/internal/ownfile"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of a document where it is.
func checksum(kind, key string, value []byte) int64 {
	sum := crc32.Update(0, castagnoli, []byte(kind))
	sum = crc32.Update(sum, castagnoli, []byte{0})
	sum = crc32.Update(sum, castagnoli, []byte(key))
	sum = crc32.Update(sum, castagnoli, []byte{0})
	return int64(crc32.Update(sum, castagnoli, value))
}

func (s *SQLite) damaged(format string, args ...any) error {
	return &damage.Error{File: s.path, Where: fmt.Sprintf(format, args...)}
}

// Doubt is what was found that keeps nobody from going on, if anything was.
func (s *SQLite) Doubt() error { return s.doubt }

// verify compares a document with its checksum.
func (s *SQLite) verify(kind, key string, value []byte, sum sql.NullInt64) error {
	if sum.Valid && sum.Int64 == checksum(kind, key, value) {
		return nil
	}
	return s.damaged("%s", notWritten(kind, key))
}

// notWritten says which document is damaged.
func notWritten(kind, key string) string {
	return fmt.Sprintf("the %s %q is not what was written", kind, key)
}

// integrity has the database look at its own pages: a search in one of which the keys are
// not in order, or of which some are not counted, does not find all.
func (s *SQLite) integrity() error {
	if s.path == "" {
		return nil
	}
	var found string
	if err := s.db.QueryRow(`PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return s.damaged("%v", err)
	}
	if found != "ok" {
		return s.damaged("%s", strings.TrimPrefix(found, "*** in database main ***\n"))
	}
	return nil
}

// verifyRest compares the documents with their checksums that no scan has come by: one
// whose kind or key has changed is looked for by nobody.
func (s *SQLite) verifyRest() error {
	if s.path == "" {
		return nil
	}
	for kind := ""; ; {
		var next sql.NullString
		if err := s.db.QueryRow(`SELECT min(kind) FROM document WHERE kind > ?`, kind).Scan(&next); err != nil {
			return s.damaged("%v", err)
		}
		if !next.Valid {
			return nil
		}
		kind = next.String
		for _, r := range s.scanned.rest(kind) {
			if err := s.Scan(kind, r, func(string, []byte) bool { return true }); err != nil {
				return err
			}
		}
	}
}

// A mark is a file beside the database that says how many transactions it has had. A
// write-ahead log ends for its reader where it is damaged, without an error: what was
// written behind that is missed by the mark only. It is written after each
// transaction and not synced. So it never tells of more than there was. Its name stands
// before that of the write-ahead log, so that a copy of the folder of a running server, made in
// the order of names, has the mark of a moment before it.
type mark struct {
	path string
	file *os.File
}

// markSize is that of the number and its checksum.
const markSize = 12

// openMark opens the mark of a database, and says how many transactions there were. One that
// is not sound, as after a power failure, says nothing, nor does one that is gone.
func openMark(database string) (m mark, marked int64, sound bool, err error) {
	m.path = database + "-mark"
	content, err := os.ReadFile(m.path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return m, 0, false, err
	}
	marked, sound = decodeMark(content)
	m.file, err = ownfile.Open(m.path, os.O_RDWR|os.O_CREATE)
	return m, marked, sound, err
}

func decodeMark(b []byte) (transactions int64, ok bool) {
	if len(b) != markSize || crc32.Checksum(b[:8], castagnoli) != binary.BigEndian.Uint32(b[8:]) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(b)), true
}

func (m mark) set(transactions int64) error {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, markSize), uint64(transactions))
	_, err := m.file.WriteAt(binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), 0)
	return err
}

// openMark compares the database with its mark.
func (s *SQLite) openMark() (err error) {
	err = s.db.QueryRow(`SELECT transactions FROM written`).Scan(&s.transactions)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.db.Exec(`INSERT INTO written (transactions) VALUES (0)`)
	}
	if err != nil || s.path == "" {
		return err
	}
	if s.file, err = os.Stat(s.path); err != nil {
		return err
	}
	var marked int64
	var sound bool
	if s.mark, marked, sound, err = openMark(s.path); err != nil {
		return err
	}
	if !sound && s.transactions > 0 { // a new one has no mark yet
		s.doubt = &damage.Error{
			File: s.mark.path, Where: "it says not any more how many transactions there were, so what may be cut off of the state's log is not missed",
			Remedy: "it was begun anew; nothing else is known to be wrong",
		}
	}
	if marked > s.transactions {
		return s.damaged("%d of the %d transactions that were written are there: %s-wal has been cut or changed", s.transactions, marked, s.path)
	}
	return s.mark.set(s.transactions)
}

// count notes one more transaction, of which it is a part.
func (s *SQLite) count(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.StmtContext(ctx, s.tally).ExecContext(ctx, s.transactions+1); err != nil {
		return fmt.Errorf("count a transaction: %w", err)
	}
	return nil
}

// counted marks that a transaction is on disk. A mark that there is no room for tells of
// fewer than there were, as it may.
func (s *SQLite) counted() error {
	s.transactions++
	if s.mark.file == nil {
		return nil
	}
	if err := s.mark.set(s.transactions); err != nil && !s.disk.Refuses(err) {
		return fmt.Errorf("mark a transaction: %w", err)
	}
	return nil
}

// present reports an error when the database is not any more the file that its path
// leads to: what is written to it then is lost.
func (s *SQLite) present() error {
	if s.path == "" {
		return nil
	}
	return damage.Present(s.path, s.file)
}

// logPresent reports an error when the write-ahead log, which a transaction that writes has
// open, is not at its path any more: the transaction would be found by nobody after a kill.
func (s *SQLite) logPresent() error {
	if s.path == "" {
		return nil
	}
	name := s.path + "-wal"
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return &damage.Gone{Path: name, How: "removed"}
	} else if err != nil {
		return err
	}
	return nil
}
