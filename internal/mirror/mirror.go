// Package mirror keeps the files of a data folder in a store as well, with which a server goes on elsewhere:
// what is synced to a file is in the store before anybody is told that it is kept.
//
//	files := mirror.New(st, dir)
//	err := files.Restore()        // the folder has what the store has
//	err = files.Synced(path, 4711) // the file's first 4711 bytes are in the store
//	err = files.Removed(path)      // nothing of it, or below it, is
//
// A file is chunks, which are documents: its name and where the chunk begins are the key. What is appended
// becomes a chunk of its own. When a file has come to the end of a block of a MiB, one chunk takes the place of those in it.
package mirror

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"flyball/internal/damage"
	"flyball/internal/store"
)

const (
	kind  = "file.chunk"
	block = 1 << 20
	// mostAtOnce is how many bytes of a long file are on their way to the store at a time.
	mostAtOnce = 8 * block
)

// Files are those of one folder. Its methods may be called from several goroutines.
type Files struct {
	store store.Store
	dir   string

	mu    sync.Mutex
	known map[string]*file
}

// A file is what the store has of one.
type file struct {
	mu   sync.Mutex
	is   os.FileInfo // nil: nothing
	size int64
}

// New returns the files of a folder, of which nothing is known yet.
func New(st store.Store, dir string) *Files {
	return &Files{store: st, dir: dir, known: map[string]*file{}}
}

// of is what is known of a file, and its name.
func (f *Files) of(path string) (*file, string, error) {
	name, err := filepath.Rel(f.dir, path)
	if err != nil {
		return nil, "", err
	}
	name = filepath.ToSlash(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[name] == nil {
		f.known[name] = &file{}
	}
	return f.known[name], name, nil
}

// chunkKey is the key of the chunk of a file that begins at an offset.
func chunkKey(name string, at int64) string { return fmt.Sprintf("%s\x00%016x", name, at) }

// parseKey is the file of a chunk, and where in it the chunk begins.
func parseKey(key string) (name string, at int64, err error) {
	name, offset, _ := strings.Cut(key, "\x00")
	at, err = strconv.ParseInt(offset, 16, 64)
	if err != nil || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", 0, fmt.Errorf("%q is not the name of a part of a file", key)
	}
	return name, at, nil
}

// Synced returns when so many bytes of a file, from its beginning, are in the store. What the store has of a file
// stays as it is while the file is the same and is not shorter.
func (f *Files) Synced(path string, size int64) error {
	known, name, err := f.of(path)
	if err != nil {
		return err
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	content, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed meanwhile, and so told
	}
	if err != nil {
		return err
	}
	defer content.Close()
	is, err := content.Stat()
	if err != nil {
		return err
	}
	from := known.size
	anew := known.is == nil || !os.SameFile(known.is, is) || size < from
	if anew {
		from = 0
	} else if size == from {
		return nil
	}
	if err := f.put(name, content, from, size, anew); err != nil {
		known.is, known.size = nil, 0
		return fmt.Errorf("keep %s in the store: %w", name, err)
	}
	known.is, known.size = is, size
	return nil
}

// put puts a part of a file into the store. If that ends in the middle, since it is longer than what is on its way at a
// time, nothing is there of a file that is put anew: its last blocks go first, and it has no beginning. What is
// appended goes from its beginning on, so that the file is there up to some place, as on a disk.
func (f *Files) put(name string, content io.ReaderAt, from, to int64, anew bool) error {
	var blocks []int64 // where they begin
	for begin := from / block * block; begin < max(to, 1); begin += block {
		blocks = append(blocks, begin)
	}
	batch := new(store.Batch)
	if anew {
		batch.DeleteRange(kind, store.Prefix(name+"\x00"))
		slices.Reverse(blocks)
	}
	for i, begin := range blocks {
		at, end := max(begin, from), min(begin+block, to)
		if end == begin+block && at > begin { // the block is whole now
			batch.DeleteRange(kind, store.Range{From: chunkKey(name, begin), To: chunkKey(name, end)})
			at = begin
		}
		part := make([]byte, end-at)
		if _, err := content.ReadAt(part, at); err != nil {
			return err
		}
		batch.Put(kind, chunkKey(name, at), part)
		if batch.Bytes() >= mostAtOnce && i < len(blocks)-1 {
			if err := f.write(batch); err != nil {
				return err
			}
			batch = new(store.Batch)
		}
	}
	return f.write(batch)
}

func (f *Files) write(b *store.Batch) error {
	commit := f.store.Write(b)
	f.store.Flush()
	return commit.Wait()
}

// Removed has the store forget a file, or a folder with all that is in it. It is forgotten before
// anything else that is written from here on is there.
func (f *Files) Removed(path string) error {
	_, name, err := f.of(path)
	if err != nil {
		return err
	}
	// What is on its way is there first.
	for _, known := range f.forget(name) {
		known.mu.Lock()
		defer known.mu.Unlock()
		known.is, known.size = nil, 0
	}
	f.store.Write(new(store.Batch).DeleteRange(kind, store.Prefix(name+"\x00")).DeleteRange(kind, store.Prefix(name+"/")))
	return nil
}

// forget takes from what is known a file, or those in a folder.
func (f *Files) forget(name string) (gone []*file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for other, known := range f.known {
		if other == name || strings.HasPrefix(other, name+"/") {
			gone = append(gone, known)
			delete(f.known, other)
		}
	}
	return gone
}

// Restore makes the files that the store has, in a folder that has none of them.
func (f *Files) Restore() error {
	var out *os.File
	var at int64
	finish := func() error {
		if out == nil {
			return nil
		}
		known, _, err := f.of(out.Name())
		if err != nil {
			return err
		}
		is, err := out.Stat()
		known.is, known.size = is, at
		return errors.Join(err, out.Close())
	}
	var failure error
	var unfinished string
	err := f.store.Scan(kind, store.Range{}, func(key string, value []byte) bool {
		failure = func() error {
			name, begins, err := parseKey(key)
			if err != nil {
				return err
			}
			path := filepath.Join(f.dir, filepath.FromSlash(name))
			if name == unfinished {
				return nil
			}
			if out == nil || out.Name() != path {
				if err := finish(); err != nil {
					return err
				}
				out = nil
				if begins > 0 {
					unfinished = name // nobody was told that it was there
					return nil
				}
				if out, err = create(path); err != nil {
					return err
				}
				at = 0
			}
			if begins != at {
				return &damage.Error{
					File: "the database", Where: fmt.Sprintf("of the file %s a part is missing: there are %d bytes, and the next part begins at %d", name, at, begins),
					Remedy: "restore the database from a backup",
				}
			}
			n, err := out.Write(value)
			at += int64(n)
			return err
		}()
		return failure == nil
	})
	if err := errors.Join(err, failure, finish()); err != nil {
		return fmt.Errorf("restore the files: %w", err)
	}
	return nil
}

// create makes a file and the folders that it is in.
func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
