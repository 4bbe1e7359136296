// Package mark keeps beside files that are appended to how much of each is known to be on
// disk. A file that ends earlier has lost something; what it has beyond that was not
// finished when a process was killed, and nobody was told that it was.
//
//	book, err := mark.Open(path)
//	book.Note("0000.log", 4711) // after the sync that was waited for
//	length := book.Length("0000.log")
//
// A book is synced only when something is forgotten: it never tells of more than there is.
package mark

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"flyball/internal/damage"
	"flyball/internal/ownfile"
)

// A book is a row of slots, none of which crosses a page, so that a kill leaves each
// whole:
//
//	checksum | length | bytes of the name | name | zeros
const (
	slotSize = 128
	slotHead = 4 + 8 + 1
	// MaxName bounds the bytes of a name.
	MaxName = slotSize - slotHead
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FileName is the name of a book, beside the files that it is about. It is written to in
// place: a link to it would change with it.
const FileName = "lengths"

// A Book notes lengths by name. Its methods may be called from several goroutines. A nil
// Book notes nothing.
type Book struct {
	path  string
	mu    sync.Mutex
	file  *os.File // nil in one that was only read
	slots map[string]slot
	free  []int64
	end   int64
}

type slot struct {
	at     int64
	length int64
}

// Open opens a book, or begins one, and tells how many of its slots are damaged: nothing
// is known of their files any more, and they are free for others.
func Open(path string) (b *Book, damaged int, err error) {
	file, err := ownfile.Open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, 0, fmt.Errorf("open the book of lengths: %w", err)
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("read the book of lengths: %w", err), file.Close())
	}
	b, wrong := decode(content)
	b.path, b.file = path, file
	for _, at := range wrong {
		b.write(at, make([]byte, slotSize))
	}
	return b, len(wrong), nil
}

// Read is a book that is read at once, and opened again for what is noted in it. Without a
// file it knows nothing.
func Read(path string) (b *Book, damaged int, err error) {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, err
	}
	b, wrong := decode(content)
	b.path = path
	return b, len(wrong), nil
}

// decode reads a book, and finds the slots that are damaged.
func decode(content []byte) (b *Book, wrong []int64) {
	b = &Book{slots: map[string]slot{}}
	for ; b.end < int64(len(content)); b.end += slotSize {
		name, length, ok := decodeSlot(content[b.end:min(b.end+slotSize, int64(len(content)))])
		if ok && name != "" {
			b.slots[name] = slot{b.end, length}
			continue
		}
		b.free = append(b.free, b.end)
		if !ok {
			wrong = append(wrong, b.end)
		}
	}
	return b, wrong
}

// Finding is what a check tells of a book with damaged slots. There is no more to be done
// than to note anew how long the files are, as those do who open them.
func Finding(path string, damaged int) damage.Finding {
	return damage.Finding{File: path, Where: fmt.Sprintf("%d of its notes of how long files are say nothing any more", damaged), Repair: anew(path)}
}

// Lost is what a check tells of a book that is not there, beside files that it was about.
func Lost(path string) damage.Finding {
	return damage.Finding{File: path, Where: "it is gone, and with it how long the files beside it were: what is cut off of them is not missed", Repair: anew(path)}
}

// anew is the repair of a book.
func anew(path string) func(string) (string, error) {
	return func(string) (string, error) {
		b, _, err := Open(path)
		if err != nil {
			return "", err
		}
		return "they are noted anew at the next start", b.Close()
	}
}

// decodeSlot reads a slot; one that is free has no name.
func decodeSlot(b []byte) (name string, length int64, ok bool) {
	if len(b) != slotSize {
		return "", 0, false
	}
	n := int(b[12])
	if n == 0 {
		return "", 0, [slotSize]byte(b) == [slotSize]byte{}
	}
	if n > MaxName || crc32.Checksum(b[4:], castagnoli) != binary.LittleEndian.Uint32(b) {
		return "", 0, false
	}
	length = int64(binary.LittleEndian.Uint64(b[4:]))
	return string(b[slotHead : slotHead+n]), length, length >= 0
}

func encodeSlot(name string, length int64) []byte {
	b := make([]byte, slotSize)
	binary.LittleEndian.PutUint64(b[4:], uint64(length))
	b[12] = byte(len(name))
	copy(b[slotHead:], name)
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// Length is what was noted of a file last, 0 if nothing was.
func (b *Book) Length(name string) int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slots[name].length
}

// Below are the files whose names begin with a prefix, without it, and their lengths.
func (b *Book) Below(prefix string) map[string]int64 {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	below := map[string]int64{}
	for name, s := range b.slots {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			below[rest] = s.length
		}
	}
	return below
}

// Note notes how much of a file is on disk. That it cannot is no reason to refuse what is.
func (b *Book) Note(name string, length int64) {
	if b == nil || len(name) > MaxName {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.slots[name]
	switch {
	case ok && s.length >= length:
		return
	case !ok && len(b.free) > 0:
		s.at, b.free = b.free[len(b.free)-1], b.free[:len(b.free)-1]
	case !ok:
		s.at = b.end
		b.end += slotSize
	}
	s.length = length
	b.slots[name] = s
	b.write(s.at, encodeSlot(name, length))
}

// Forget notes nothing of a file any more. It is called before the file is removed, and
// when it has been cut on purpose.
func (b *Book) Forget(name string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(name)
	b.settle()
}

// ForgetAll is Forget for all files whose names begin with a prefix.
func (b *Book) ForgetAll(prefix string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.slots {
		if strings.HasPrefix(name, prefix) {
			b.forget(name)
		}
	}
	b.settle()
}

// settle has the book on disk, under the lock: a file that a power failure leaves in it, and
// that was removed, would be missed.
func (b *Book) settle() {
	if b.file != nil {
		_ = b.file.Sync() // as with write
	}
}

// forget is under the lock.
func (b *Book) forget(name string) {
	if s, ok := b.slots[name]; ok {
		delete(b.slots, name)
		b.free = append(b.free, s.at)
		b.write(s.at, make([]byte, slotSize))
	}
}

// write is under the lock. What fails is told by nothing: a book that says less than there
// is does no harm.
func (b *Book) write(at int64, slot []byte) {
	file := b.file
	if file == nil {
		var err error
		if file, err = ownfile.Open(b.path, os.O_RDWR); err != nil {
			return
		}
		defer file.Close()
	}
	_, _ = file.WriteAt(slot, at)
}

// Close closes the file.
func (b *Book) Close() error {
	if b == nil || b.file == nil {
		return nil
	}
	return b.file.Close()
}
