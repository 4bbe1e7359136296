package registry

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// What can be wrong with an upload.
var (
	ErrBusy     = errors.New("another request is writing to the upload")
	ErrGap      = errors.New("the part does not begin where the upload ends")
	ErrMismatch = errors.New("the content does not have this digest")
	ErrTooLarge = errors.New("the layer is larger than 52,000 MiB")
	ErrUploads  = errors.New("too many uploads are under way")
	ErrUpload   = errors.New("there is no such upload")
)

// MaxLayer bounds a layer, in bytes ("Amazon ECR service quotas").
const MaxLayer = 52_000 << 20

// mostUploads bounds how many uploads are under way at a time.
const mostUploads = 1000

// An Upload is content that is coming in, in parts one after the other. Of each byte
// only its sum is kept in memory.
type Upload struct {
	ID    string
	store *Store
	owner string
	last  atomic.Int64 // when it was continued last, in nanoseconds of Unix time

	mu   sync.Mutex // of the one who writes
	file *os.File   // nil when it is over
	sum  hash.Hash
	size int64
	part int64 // of the parts so far, the size of the last
	odd  bool  // a part before the last was smaller than those of ECR's API may be
}

// Begin begins an upload of an owner's, who alone finds it again.
func (s *Store) Begin(owner string) (*Upload, error) {
	u := &Upload{ID: uuid.NewString(), store: s, owner: owner, sum: sha256.New()}
	u.last.Store(time.Now().UnixNano())
	var err error
	if u.file, err = os.OpenFile(u.path(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("begin an upload: %w", err)
	}
	if !s.enlist(u) {
		u.Cancel()
		return nil, ErrUploads
	}
	return u, nil
}

// enlist makes an upload one of those under way, unless there are too many.
func (s *Store) enlist(u *Upload) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.uploads) >= mostUploads {
		return false
	}
	s.uploads[u.ID] = u
	return true
}

// Upload finds an upload of an owner's.
func (s *Store) Upload(owner, id string) (*Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[id]; u != nil && u.owner == owner {
		return u, nil
	}
	return nil, ErrUpload
}

func (u *Upload) path() string { return filepath.Join(u.store.uploadsDir(), u.ID) }

// Anywhere is the start of a part that continues an upload wherever that ends.
const Anywhere = -1

// Append writes a part that begins at a byte, and returns how many bytes there are
// now. What came before a reader fails stays.
func (u *Upload) Append(at int64, part io.Reader) (size int64, err error) {
	if !u.mu.TryLock() {
		return 0, ErrBusy
	}
	defer u.mu.Unlock()
	if u.file == nil {
		return 0, ErrUpload
	}
	if at != Anywhere && at != u.size {
		return u.size, ErrGap
	}
	before := u.size
	_, err = io.CopyBuffer((*writer)(u), part, make([]byte, 64<<10))
	u.odd = u.odd || u.part > 0 && u.part < minPart
	u.part = u.size - before
	return u.size, err
}

// minPart is the least size of all parts but the last, in ECR's API.
const minPart = 5 << 20

// Parts says how large the upload is, and whether all its parts but the last were
// large enough for ECR's API.
func (u *Upload) Parts() (size int64, regular bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.size, !u.odd
}

// A writer writes to the upload whose lock it has.
type writer Upload

func (w *writer) Write(b []byte) (int, error) { return (*Upload)(w).write(b) }

// write adds bytes. An upload that cannot be written, as where the disk is full, is over
// and makes room.
func (u *Upload) write(b []byte) (int, error) {
	if u.size+int64(len(b)) > MaxLayer {
		return 0, ErrTooLarge
	}
	n, err := u.file.Write(b)
	u.sum.Write(b[:n])
	u.size += int64(n)
	u.last.Store(time.Now().UnixNano())
	if err != nil {
		u.end()
	}
	return n, err
}

// Finish keeps the content if it has a digest, and ends the upload. The content is on
// disk when Finish returns, and stays until release is called: by then it has to be
// named. An upload with another digest goes on.
func (u *Upload) Finish(d Digest) (release func(), err error) {
	if !u.mu.TryLock() {
		return nil, ErrBusy
	}
	defer u.mu.Unlock()
	switch {
	case u.file == nil:
		return nil, ErrUpload
	case digestOf(u.sum) != d:
		return nil, ErrMismatch
	}
	if err := u.file.Sync(); err != nil {
		return nil, fmt.Errorf("write content: %w", err)
	}
	release, err = u.store.take(u.path(), d)
	if err == nil {
		u.end()
	}
	return release, err
}

// Cancel ends the upload and removes what has come, unless it is finished.
func (u *Upload) Cancel() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.end()
}

// end is under the lock.
func (u *Upload) end() {
	if u.file == nil {
		return
	}
	u.file.Close()
	u.file = nil
	os.Remove(u.path()) // it is gone already if it was taken
	u.forget()
}

func (u *Upload) forget() {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	delete(u.store.uploads, u.ID)
}
