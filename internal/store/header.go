package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"modernc.org/sqlite"

	"flyball/internal/damage"
)

// format is that of the database, noted in it: documents have checksums. Those of earlier
// releases, which have none, note 0.
const format = 1

// application begins the number by which SQLite's files tell whose they are. It ends with the
// format, so that this is noted twice: a number that was damaged is not taken for that of a
// later release. Earlier releases left it 0.
const application = 'F'<<24 | 'l'<<16 | 'y'<<8

// A NewerError is of a database that a later release has written.
type NewerError struct {
	File   string
	Format int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has format %d, and this flyball knows formats up to %d; use the release that wrote it, or a later one; if there was none, the file is damaged: restore a backup with flyball restore",
		e.File, e.Format, format)
}

// readFormat returns the format of a database, and whether it is noted twice. One that is not
// known is a *NewerError.
func readFormat(db *sql.DB, path string) (noted int, twice bool, err error) {
	var whose int
	if err := db.QueryRow(`SELECT user_version, application_id FROM pragma_user_version, pragma_application_id`).Scan(&noted, &whose); err != nil {
		return 0, false, err
	}
	twice = whose != 0
	if twice && whose != application+noted {
		return 0, false, &damage.Error{File: path, Where: fmt.Sprintf("its format is noted twice, and as %d and %#x, which do not belong together", noted, whose)}
	}
	if noted > format || noted < 0 {
		return 0, false, &NewerError{path, noted}
	}
	return noted, twice, nil
}

// noteFormatOf is the statement that notes today's format in a database, of which there may be
// several in a connection: "copied.".
func noteFormatOf(database string) string {
	return fmt.Sprintf(`PRAGMA %[1]suser_version = %[2]d; PRAGMA %[1]sapplication_id = %[3]d`, database, format, application+format)
}

// A field is a place in the header of SQLite's files ("Database File Format", section 1.3)
// that has one of few values in a database of ours.
type field struct {
	at    int
	is    []byte // what it is
	or    []byte // what it may be as well
	early []byte // what it is before there is a schema
	means string
}

var fields = []field{
	{at: 0, is: []byte("SQLite format 3\x00"), means: "what the file is"},
	{at: 16, is: []byte{0x10, 0x00}, means: "the size of its pages"},
	{at: 18, is: []byte{2}, or: []byte{1}, means: "who may write it"},
	{at: 19, is: []byte{2}, or: []byte{1}, means: "who may read it"},
	{at: 20, is: []byte{0, 64, 32, 32}, means: "how pages are filled"},
	{at: 44, is: []byte{0, 0, 0, 4}, early: make([]byte, 4), means: "the format of its schema"},
	{at: 56, is: []byte{0, 0, 0, 1}, early: make([]byte, 4), means: "the encoding of its texts"},
	{at: 72, is: make([]byte, 20), means: "nothing"},
}

// headerSize is that of the header of SQLite's files.
const headerSize = 100

func readHeader(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header := make([]byte, headerSize)
	n, err := io.ReadFull(f, header)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return header[:n], err
}

// wrongFields are those of a database's header that cannot be what was written. A file that
// nothing was written to has none.
func wrongFields(header []byte) (wrong []field) {
	if len(header) < headerSize {
		return nil
	}
	changes := header[40:44] // of the schema, counted
	for _, f := range fields {
		value := header[f.at : f.at+len(f.is)]
		if early := bytes.Equal(changes, make([]byte, 4)) && bytes.Equal(value, f.early); !early && !bytes.Equal(value, f.is) && !bytes.Equal(value, f.or) {
			wrong = append(wrong, f)
		}
	}
	return wrong
}

// doubtHeader tells what is wrong with the header of a database; "" if nothing is known to be.
func doubtHeader(path string) string {
	header, err := readHeader(path)
	if err != nil {
		return ""
	}
	for _, f := range wrongFields(header) {
		return fmt.Sprintf("byte %d and what follows, which say %s, are %#x", f.at, f.means, header[f.at:f.at+len(f.is)])
	}
	return ""
}

// lookAtHeader notes what SQLite has made sense of, though it is not what was written.
func (s *SQLite) lookAtHeader() error {
	if wrong := doubtHeader(s.path); wrong != "" {
		s.doubt = errors.Join(s.doubt, &damage.Error{
			File: s.path, Where: wrong, Remedy: "its documents can be read, and flyball check DIR --repair puts them into a new file",
		})
	}
	return nil
}

// mendHeader makes a copy readable whose header is damaged.
func mendHeader(path string) error {
	header, err := readHeader(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	wrong := wrongFields(header)
	if err != nil || len(wrong) == 0 {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, w := range wrong {
		_, errWrite := f.WriteAt(w.is, int64(w.at))
		err = errors.Join(err, errWrite)
	}
	return errors.Join(err, f.Close())
}

// unreadable says of an error of SQLite that pages of the database are damaged, or were cut off.
func (s *SQLite) unreadable(err error) error {
	const corrupt, notADatabase, shortRead = 11, 26, 522 // SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR_SHORT_READ
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok || s.path == "" {
		return err
	}
	if primary := failed.Code() & 0xff; primary == corrupt || primary == notADatabase || failed.Code() == shortRead {
		return s.damaged("%v", err)
	}
	return err
}

// cannotOpen says of an error of SQLite what is damaged, or what else to do about it.
func (s *SQLite) cannotOpen(err error) error {
	const refused, readOnly, disk, missing = 3, 8, 10, 14 // the primary result codes
	const full, noWrite, noIndex = 13, 778, 4874          // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok || s.path == "" {
		return err
	}
	switch failed.Code() {
	case full, noWrite, noIndex:
		return fmt.Errorf("the disk takes no more: make room, and start again (%w)", err)
	}
	if wrong := doubtHeader(s.path); wrong != "" {
		return s.damaged("%s (%v)", wrong, err)
	}
	if damaged := s.unreadable(err); damaged != err {
		return damaged
	}
	switch failed.Code() & 0xff {
	case refused, readOnly, disk, missing:
		return fmt.Errorf("%w; see to it that the server's user can read and write the file and its folder; if that is so, look whether it is damaged: flyball check DIR", err)
	}
	return err
}
