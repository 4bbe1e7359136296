package mirror

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"flyball/internal/damage"
	"flyball/internal/store"
)

// Restore makes the files that the store has, in a folder that has none of them. What was put in part, and nobody was
// told of, is deleted.
func (f *Files) Restore() error {
	current, err := f.current()
	if err != nil {
		return fmt.Errorf("restore the files: %w", err)
	}
	r := &restoring{Files: f, current: current, needless: new(store.Batch)}
	var failure error
	err = f.store.Scan(kind, store.Range{}, func(key string, value []byte) bool {
		failure = r.add(key, value)
		return failure == nil
	})
	err = errors.Join(err, failure, r.finish())
	for name := range r.current {
		err = errors.Join(err, missing(name, 0, -1))
	}
	if err == nil {
		err = f.write(r.needless)
	}
	if err != nil {
		return fmt.Errorf("restore the files: %w", err)
	}
	return nil
}

// current are the generations of files that are not the first.
func (f *Files) current() (map[string]generation, error) {
	of := map[string]generation{}
	var failure error
	err := f.store.Scan(kindCurrent, store.Range{}, func(name string, value []byte) bool {
		n, err := strconv.ParseUint(string(value), 10, 32)
		of[name], failure = generation(n), err
		return err == nil
	})
	return of, errors.Join(err, failure)
}

// A restoring is what is done for one chunk after the other, in the order of their keys.
type restoring struct {
	*Files
	current  map[string]generation // of files that have not come yet
	needless *store.Batch          // deletes what is not current

	name string // of the file whose chunk came last
	gen  generation
	out  *os.File // nil: nothing is written
	at   int64
}

func (r *restoring) add(key string, value []byte) error {
	name, g, begins, err := parseKey(key)
	if err != nil {
		return err
	}
	if name != r.name || g != r.gen {
		if err := r.begin(name, g, begins); err != nil {
			return err
		}
	}
	if r.out == nil {
		return nil
	}
	if begins != r.at {
		return missing(name, r.at, begins)
	}
	n, err := r.out.Write(value)
	r.at += int64(n)
	return err
}

// begin goes on to another file, or to another generation of the one before.
func (r *restoring) begin(name string, g generation, begins int64) error {
	if err := r.finish(); err != nil {
		return err
	}
	r.name, r.gen, r.at = name, g, 0
	// A first generation that lacks its beginning is of a release that began with the end.
	if g != r.current[name] || g == 0 && begins > 0 {
		r.needless.DeleteRange(kind, g.chunks(name))
		return nil
	}
	delete(r.current, name) // those that follow are later ones
	var err error
	r.out, err = create(filepath.Join(r.dir, filepath.FromSlash(name)))
	return err
}

// finish ends the file that is written.
func (r *restoring) finish() error {
	if r.out == nil {
		return nil
	}
	known, _, err := r.of(r.out.Name())
	if err != nil {
		return err
	}
	is, err := r.out.Stat()
	known.is, known.size, known.gen = is, r.at, r.gen
	err = errors.Join(err, r.out.Close())
	r.out = nil
	return err
}

// missing tells of a file of which the store lacks a part; the next one begins at -1 where there is none.
func missing(name string, at, next int64) error {
	where := fmt.Sprintf("there are %d bytes, and the next part begins at %d", at, next)
	if next < 0 {
		where = "there is nothing of it"
	}
	return &damage.Error{
		File: "the database", Where: fmt.Sprintf("of the file %s a part is missing: %s", name, where),
		Remedy: "restore the database from a backup",
	}
}

// create makes a file and the folders that it is in.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
