// Package image keeps the images of containers, unpacked, for runtimes that have no
// engine to do it.
//
//	store, err := image.Open(image.Options{Dir: dir, Source: source})
//	digest, err := store.Resolve(ctx, "127.0.0.1:4566/app:latest") // what the tag stands for now
//	img, err := store.Use(ctx, "127.0.0.1:4566/app:latest", digest) // fetched unless it is there
//	run(img.Root, img.Config)
//	img.Release()
//
// An image is kept once, by the digest of its manifest:
//
//	DIR/sha256-HEX/image.json   its configuration
//	DIR/sha256-HEX/root/        its layers, applied one after the other
//	DIR/partial-*/              one that is being unpacked
//
// It gets its name when it is whole and on disk, in one step, so that a server that is
// killed leaves nothing that is taken for an image.
//
// What is in use stays. An image that nobody uses is removed an hour after its last
// use, as the container agent of ECS does it by default
// (ECS_IMAGE_MINIMUM_CLEANUP_AGE); sooner, the least recently used first, while those
// that nobody uses take more than Options.Unused bytes.
package image

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/singleflight"
)

// Options configure a Store.
type Options struct {
	Dir    string        // where images are kept; required
	Source Source        // where they come from; by default Remote
	Limits Limits        // what an image may be
	Unused int64         // bytes of images that nobody uses; by default 5 GiB
	Idle   time.Duration // how long an image stays that nobody uses; by default an hour
	Quiet  time.Duration // how long a source may send nothing; by default a minute
	Log    *slog.Logger  // by default slog.Default()
}

// A Store keeps images. Its methods may be called from several goroutines.
type Store struct {
	opts   Options
	lives  context.Context // ends with the store
	close  context.CancelFunc
	pulls  singleflight.Group
	sweeps sync.WaitGroup
	mu     sync.Mutex
	images map[v1.Hash]*kept
}

// kept is an image that is whole.
type kept struct {
	image Image
	bytes int64
	users int
	used  time.Time // when it was last used, or unpacked
	sound bool      // was unpacked in this life, or compared with its checksum
}

// An Image is an image that is in use.
type Image struct {
	Digest v1.Hash
	Root   string    // the directory with its files, which are not to be changed
	Config v1.Config // what is to be run, and how
	store  *Store
}

const (
	partialPrefix = "partial-"
	digestPrefix  = "sha256-"
)

// Open opens the store in a directory. What was unpacked in part is removed; what
// nobody will come to use, by the first call of Sweep.
func Open(opts Options) (*Store, error) {
	if opts.Source == nil {
		opts.Source = Remote{}
	}
	if opts.Unused == 0 {
		opts.Unused = 5 << 30
	}
	if opts.Idle == 0 {
		opts.Idle = time.Hour
	}
	if opts.Quiet == 0 {
		opts.Quiet = time.Minute // as ECS_IMAGE_PULL_INACTIVITY_TIMEOUT is by default
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	opts.Limits = opts.Limits.orDefaults()
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, err
	}
	s := &Store{opts: opts, images: map[v1.Hash]*kept{}}
	s.lives, s.close = context.WithCancel(context.Background())
	entries, err := os.ReadDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if err := s.find(entry.Name()); err != nil {
			opts.Log.Warn("an image cannot be taken up, and is removed", "error", err)
			s.discard(filepath.Join(opts.Dir, entry.Name()))
		}
	}
	return s, nil
}

// find takes up what is kept under a name.
func (s *Store) find(name string) error {
	hex, is := strings.CutPrefix(name, digestPrefix)
	if !is {
		return fmt.Errorf("%s was not unpacked whole", name)
	}
	digest, err := v1.NewHash("sha256:" + hex)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.opts.Dir, name)
	info, err := os.Stat(filepath.Join(dir, documentName))
	if err != nil {
		return err
	}
	doc, err := readDocument(dir)
	if err != nil {
		return err
	}
	s.images[digest] = s.kept(digest, doc, info.ModTime())
	return nil
}

func (s *Store) kept(digest v1.Hash, doc document, used time.Time) *kept {
	return &kept{Image{digest, filepath.Join(s.folder(digest), rootName), doc.Config, s}, doc.Bytes, 0, used, false}
}

func (s *Store) folder(digest v1.Hash) string {
	return filepath.Join(s.opts.Dir, digestPrefix+digest.Hex)
}

// Close ends what is being fetched, and returns when nothing is being removed.
func (s *Store) Close() {
	s.close()
	s.sweeps.Wait()
}

// Resolve returns the digest of the image that a reference stands for now. Its
// source is asked, whatever is kept.
func (s *Store) Resolve(ctx context.Context, reference string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Quiet)
	defer cancel()
	img, err := s.opts.Source.Image(ctx, reference)
	if err != nil {
		return "", unresolved(reference, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return "", unresolved(reference, err)
	}
	return digest.String(), nil
}

func unresolved(reference string, err error) error {
	return fmt.Errorf("failed to resolve ref %s: %w", reference, err)
}

// Use returns the image with a digest, which is that of what the reference stands
// for or has stood for. It is fetched from the reference's repository unless it is
// kept. The caller releases it.
func (s *Store) Use(ctx context.Context, reference, digest string) (*Image, error) {
	hash, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	for {
		if img := s.hold(hash, true); img != nil {
			return img, nil
		}
		// Several may want it, so it is fetched for longer than one of them waits.
		pull := s.pulls.DoChan(digest, func() (any, error) {
			if s.keeps(hash) {
				return nil, s.examine(hash) // or those who ask now have seen too early that it is not
			}
			return nil, s.pull(s.lives, reference, hash)
		})
		select {
		case result := <-pull:
			if result.Err != nil {
				return nil, result.Err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Hold returns the image with a digest if it is kept, for a container that has run
// since before the store was opened.
func (s *Store) Hold(digest string) (*Image, error) {
	hash, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	if img := s.hold(hash, false); img != nil {
		return img, nil
	}
	return nil, fmt.Errorf("image %s is not kept any more", digest)
}

// hold is an image that is kept, or only one that is known to be sound.
func (s *Store) hold(digest v1.Hash, sound bool) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.images[digest]
	if k == nil || sound && !k.sound {
		return nil
	}
	k.users++
	img := k.image
	return &img
}

func (s *Store) keeps(digest v1.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.images[digest] != nil
}

// Release ends the use of an image. It is called once.
func (i *Image) Release() {
	s, now := i.store, time.Now()
	s.mu.Lock()
	k := s.images[i.Digest]
	k.users--
	k.used = now
	s.mu.Unlock()
	// The next life of the store knows by it when the image was used. It may be gone.
	err := os.Chtimes(filepath.Join(s.folder(i.Digest), documentName), now, now)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.opts.Log.Warn("cannot note the use of an image", "error", err)
	}
	s.sweeps.Go(s.Sweep) // a task's end need not wait for it
}

// ReadFile reads a small file of the image, whose links do not lead out of it.
func (i *Image) ReadFile(name string, most int64) ([]byte, error) {
	return readInTree(i.Root, name, most)
}

// Sweep removes images that nobody uses, by the rule of the package.
func (s *Store) Sweep() {
	for _, dir := range s.condemn(time.Now()) {
		s.discard(dir)
	}
}

// condemn gives up the images that are to be removed. Their directories have other
// names then: they may be fetched again before they are gone.
func (s *Store) condemn(now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var idle []*kept
	for _, k := range s.images {
		if k.users == 0 {
			idle = append(idle, k)
		}
	}
	slices.SortFunc(idle, func(a, b *kept) int { return b.used.Compare(a.used) })
	var gone []string
	var bytes int64
	for _, k := range idle {
		bytes += k.bytes
		if bytes <= s.opts.Unused && now.Sub(k.used) < s.opts.Idle {
			continue
		}
		aside, err := s.moveAside(k)
		if err != nil {
			s.opts.Log.Warn("cannot remove an image", "error", err)
			continue
		}
		gone = append(gone, aside)
	}
	return gone
}

// moveAside gives an image up, under the lock. Its directory has the other name then that
// is returned.
func (s *Store) moveAside(k *kept) (string, error) {
	digest := k.image.Digest
	aside := filepath.Join(s.opts.Dir, fmt.Sprintf("%sgone-%s-%d", partialPrefix, digest.Hex, time.Now().UnixNano()))
	if err := os.Rename(s.folder(digest), aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	delete(s.images, digest)
	return aside, nil
}

// discard removes a directory that is no image, or not any more.
func (s *Store) discard(dir string) {
	if err := RemoveTree(dir); err != nil {
		s.opts.Log.Warn("cannot remove what is left of an image", "error", err)
	}
}

// RemoveTree removes a directory with files of an image, and what a container has changed of them. They may take the
// server's own rights to a directory away, as the work directory of an overlay does.
func RemoveTree(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, os.ErrPermission) {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}
