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
//
// A file that is put anew and is too long for one write is put beside the one before, in a generation of its own,
// and the last write has it take that one's place.
package mirror

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"flyball/internal/store"
)

// Kind is that of the chunks. Restore reads them one after the other, as they may be long.
const Kind = "file.chunk"

const (
	kind = Kind
	// kindCurrent says which generation of a file it is, where that is not the first.
	kindCurrent = "file.current"
	block       = 1 << 20
	// mostAtOnce is how many bytes of a long file are on their way to the store at a time.
	mostAtOnce = 8 * block
)

// A Store is one that says whether it has room.
type Store interface {
	store.Store
	Room() error // nil, or why there is none
}

// Files are those of one folder. Its methods may be called from several goroutines.
type Files struct {
	store Store
	dir   string

	mu    sync.Mutex
	known map[string]*file
}

// A file is what the store has of one.
type file struct {
	mu   sync.Mutex
	is   os.FileInfo // nil: nothing
	size int64
	gen  generation
}

// New returns the files of a folder, of which nothing is known yet.
func New(st Store, dir string) *Files {
	return &Files{store: st, dir: dir, known: map[string]*file{}}
}

// Room implements disk.Mirror.
func (f *Files) Room() error { return f.store.Room() }

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
	gen := known.gen
	if anew {
		gen = known.gen.next(size)
	}
	if err := f.put(part{name, gen, from, size}, content, anew); err != nil {
		known.is, known.size = nil, 0
		return fmt.Errorf("keep %s in the store: %w", name, err)
	}
	known.is, known.size, known.gen = is, size, gen
	return nil
}

// A part is what of a file goes into the store.
type part struct {
	name     string
	gen      generation
	from, to int64
}

// put puts a part of a file into the store. What is appended goes from its beginning on, so that the file is there up
// to some place if that ends in the middle, as on a disk. What is put anew is there with the last write.
func (f *Files) put(p part, content io.ReaderAt, anew bool) error {
	batch := new(store.Batch)
	switch {
	case anew && p.gen == 0:
		batch.DeleteRange(kind, store.Prefix(p.name+"\x00")).Delete(kindCurrent, p.name)
	case anew:
		batch.DeleteRange(kind, p.gen.chunks(p.name)) // of an earlier attempt
	}
	for begin := p.from / block * block; begin < max(p.to, 1); begin += block {
		at, end := max(begin, p.from), min(begin+block, p.to)
		if end == begin+block && at > begin { // the block is whole now
			batch.DeleteRange(kind, store.Range{From: p.gen.chunk(p.name, begin), To: p.gen.chunk(p.name, end)})
			at = begin
		}
		bytes := make([]byte, end-at)
		if _, err := content.ReadAt(bytes, at); err != nil {
			return err
		}
		batch.Put(kind, p.gen.chunk(p.name, at), bytes)
		if batch.Bytes() >= mostAtOnce && end < p.to {
			if err := f.write(batch); err != nil {
				return err
			}
			batch = new(store.Batch)
		}
	}
	if anew && p.gen > 0 {
		p.gen.replace(batch, p.name)
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
		known.is, known.size, known.gen = nil, 0, 0
	}
	f.store.Write(new(store.Batch).
		DeleteRange(kind, store.Prefix(name+"\x00")).DeleteRange(kind, store.Prefix(name+"/")).
		Delete(kindCurrent, name).DeleteRange(kindCurrent, store.Prefix(name+"/")))
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
