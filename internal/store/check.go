package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"flyball/internal/damage"
)

// Files are what a database consists of, beside its path: what is copied first comes first.
func Files(path string) []string { return []string{path + "-mark", path, path + "-wal"} }

// Check looks at the database in a file that nobody has open, and hands on the documents that
// are sound. It changes nothing: to open a database may write to it, so a copy is opened.
func Check(path string, each func(kind, key string, value []byte)) (r damage.Report, err error) {
	r = damage.Report{Store: "state", Items: "documents"}
	copied, err := os.MkdirTemp("", "flyball-check-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(copied)
	c, err := copyDatabase(path, copied)
	if errors.Is(err, fs.ErrNotExist) && c.marked == 0 {
		return r, nil // no server has been here
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if each == nil {
		each = func(string, string, []byte) {}
	}
	repair := sync.OnceValues(func() (string, error) { return rebuild(path) })
	note := func(file, format string, args ...any) {
		r.Found = append(r.Found, damage.Finding{File: file, Where: fmt.Sprintf(format, args...), Repair: func(aside string) (string, error) {
			if err := keep(path, aside); err != nil {
				return "", err
			}
			return repair()
		}})
	}
	for _, wrong := range c.wrong {
		note(path, "%s", wrong)
	}
	if !c.sound {
		note(path+"-mark", "it does not say any more how many transactions there were")
	}
	if c.marked > c.transactions {
		note(path, "%d of the %d transactions that were written are there: %s-wal has been cut or changed", c.transactions, c.marked, filepath.Base(path))
	}
	found := &reading{}
	found.all(filepath.Join(copied, filepath.Base(path)), each)
	for _, wrong := range found.wrong {
		note(path, "%s", wrong)
	}
	r.Sound = found.sound
	return r, nil
}

// A copied is what is known of a database once it was copied.
type copied struct {
	transactions, marked int64 // that it has had, by itself and by its mark
	sound                bool  // the mark is
	wrong                []string
}

// copyDatabase copies a database so that it can be read, whatever its header says.
func copyDatabase(path, folder string) (c copied, err error) {
	c.sound = true
	for _, name := range Files(path) {
		if err := damage.Copy(name, filepath.Join(folder, filepath.Base(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return copied{}, err
		}
	}
	if content, err := os.ReadFile(path + "-mark"); err == nil {
		c.marked, c.sound = decodeMark(content)
	}
	if _, err := os.Stat(path); err != nil {
		return c, err
	}
	if wrong := doubtHeader(path); wrong != "" {
		c.wrong = append(c.wrong, wrong)
	}
	to := filepath.Join(folder, filepath.Base(path))
	if err := mendHeader(to); err != nil {
		return c, err
	}
	db, err := sql.Open("sqlite", dsnOf(to))
	if err != nil {
		return c, err
	}
	defer db.Close()
	_, _, err = readFormat(db, path)
	if newer, is := errors.AsType[*NewerError](err); is {
		return c, newer
	}
	if damaged, is := errors.AsType[*damage.Error](err); is {
		c.wrong = append(c.wrong, damaged.Where)
	}
	_ = db.QueryRow(`SELECT transactions FROM written`).Scan(&c.transactions) // what fails is found by reading
	return c, nil
}

// A reading is what is found in a database by reading all of it.
type reading struct {
	sound int
	wrong []string
	seen  map[[2]string]bool // documents that were met, once something was wrong
}

// mostWrong bounds what is told of a database whose pages are damaged.
const mostWrong = 20

// all reads the documents of a database and hands on those that are sound: from the first
// on, and where that does not come to the end from the last one back.
func (r *reading) all(path string, each func(kind, key string, value []byte)) {
	db, err := sql.Open("sqlite", dsnOf(path))
	if err != nil {
		r.wrong = append(r.wrong, err.Error())
		return
	}
	defer db.Close()
	r.integrity(db)
	if err := r.read(db, `SELECT kind, key, value, sum FROM document ORDER BY kind, key`, each); err != nil {
		r.wrong = append(r.wrong, err.Error())
		// What cannot be read is told already.
		_ = r.read(db, `SELECT kind, key, value, sum FROM document ORDER BY kind DESC, key DESC`, each)
	}
}

// integrity has the database look at its own pages.
func (r *reading) integrity(db *sql.DB) {
	rows, err := db.Query(fmt.Sprintf(`PRAGMA integrity_check(%d)`, mostWrong))
	if err != nil {
		r.wrong = append(r.wrong, err.Error())
		return
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if rows.Scan(&text) == nil && text != "ok" {
			r.wrong = append(r.wrong, text)
		}
	}
	if err := rows.Err(); err != nil {
		r.wrong = append(r.wrong, err.Error())
	}
}

func (r *reading) read(db *sql.DB, query string, each func(kind, key string, value []byte)) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	if r.seen == nil {
		r.seen = map[[2]string]bool{}
	}
	for rows.Next() {
		var kind, key string
		var value sql.RawBytes
		var sum sql.NullInt64
		if err := rows.Scan(&kind, &key, &value, &sum); err != nil {
			return err
		}
		if r.seen[[2]string{kind, key}] {
			continue
		}
		r.seen[[2]string{kind, key}] = true
		if !sum.Valid || sum.Int64 != checksum(kind, key, value) {
			r.wrong = append(r.wrong, notWritten(kind, key))
			continue
		}
		r.sound++
		each(kind, key, value)
	}
	return rows.Err()
}

// keep copies the files of a database into a folder, unless they are there.
func keep(path, aside string) error {
	for _, name := range Files(path) {
		to := filepath.Join(aside, filepath.Base(name))
		if _, err := os.Stat(to); err == nil {
			continue
		}
		if err := damage.Copy(name, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// rebuild puts a database with the sound documents of another one into its place.
func rebuild(path string) (outcome string, err error) {
	copied, err := os.MkdirTemp("", "flyball-check-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(copied)
	if _, err := copyDatabase(path, copied); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	next := path + "-next"
	for _, name := range Files(next) {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	st, err := OpenSQLite(next)
	if err != nil {
		return "", err
	}
	kept := &reading{}
	var batch Batch
	kept.all(filepath.Join(copied, filepath.Base(path)), func(kind, key string, value []byte) {
		batch.Put(kind, key, append([]byte(nil), value...))
	})
	if err := errors.Join(st.Write(&batch).Wait(), st.Close()); err != nil {
		return "", err
	}
	return fmt.Sprintf("a new state with the %d sound documents is in its place", kept.sound), swap(next, path)
}

// swap puts a database into the place of another one. The mark of the other one is the last
// to go: killed in the middle, it leaves what is refused until it is repaired again.
func swap(next, path string) error {
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	// A database that could not be brought up to its log has the rest of it there.
	if err := os.Rename(next+"-wal", path+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(next+"-mark", path+"-mark")
}
