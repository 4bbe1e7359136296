package image

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A document is what is kept of an image beside its files.
type document struct {
	Config v1.Config
	Layers []v1.Hash // their diff ids, the lowest first
	Bytes  int64     // of the files
	Sum    string    // of the tree; empty in those of an earlier release
}

const (
	documentName = "image.json"
	rootName     = "root"
)

func readDocument(dir string) (document, error) {
	text, err := os.ReadFile(filepath.Join(dir, documentName))
	if err != nil {
		return document{}, err
	}
	var doc document
	content, sum, sealed := bytes.Cut(text, []byte("\n"))
	if sealed && string(sum) != sealOf(content) {
		return document{}, fmt.Errorf("%s is damaged: it does not have the checksum that was written with it", filepath.Join(dir, documentName))
	}
	if err := json.Unmarshal(content, &doc); err != nil {
		return document{}, fmt.Errorf("reading %s: %w", filepath.Join(dir, documentName), err)
	}
	return doc, nil
}

// sealOf is the line behind a document that says whether it is as it was written.
func sealOf(content []byte) string { return fmt.Sprintf("%08x\n", crc32.Checksum(content, castagnoli)) }

// errQuiet ends a pull from a source that sends nothing.
var errQuiet = errors.New("its source has sent nothing for too long")

// pull fetches an image, unpacks it and keeps it.
func (s *Store) pull(ctx context.Context, reference string, digest v1.Hash) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(s.opts.Quiet, func() { cancel(errQuiet) })
	defer quiet.Stop()
	err := s.pullUntil(ctx, reference, digest, func() { quiet.Reset(s.opts.Quiet) })
	if err != nil && context.Cause(ctx) == errQuiet {
		return fmt.Errorf("image %s: %w", reference, errQuiet)
	}
	return err
}

// pullUntil pulls an image until ctx ends. It calls heard when something has come.
func (s *Store) pullUntil(ctx context.Context, reference string, digest v1.Hash, heard func()) error {
	pinned, err := pinned(reference, digest)
	if err != nil {
		return err
	}
	img, err := s.opts.Source.Image(ctx, pinned)
	if err != nil {
		return unresolved(pinned, err)
	}
	parts, err := s.partsOf(img, digest)
	if err != nil {
		return fmt.Errorf("image %s: %w", pinned, err)
	}
	partial, err := s.Scratch()
	if err != nil {
		return err
	}
	defer s.discard(partial)
	doc, err := s.unpack(ctx, parts, partial, heard)
	if err != nil {
		return fmt.Errorf("image %s: %w", pinned, err)
	}
	return s.keep(digest, partial, doc)
}

// Scratch makes a directory that is removed at the store's next start, if not before.
func (s *Store) Scratch() (string, error) { return os.MkdirTemp(s.opts.Dir, partialPrefix) }

// keep makes what was unpacked an image.
func (s *Store) keep(digest v1.Hash, partial string, doc document) error {
	sum, err := sumOf(filepath.Join(partial, rootName))
	if err != nil {
		return err
	}
	doc.Sum = sum
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(partial, documentName), fmt.Appendf(text, "\n%s", sealOf(text)), 0o600); err != nil {
		return err
	}
	if err := syncTree(partial); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(partial, s.folder(digest)); err != nil {
		return err
	}
	k := s.kept(digest, doc, time.Now())
	k.sound = true
	s.images[digest] = k
	return nil
}

// parts are what an image is made of, as its manifest and its configuration say.
type parts struct {
	config  v1.Config
	layers  []v1.Layer
	blobs   []v1.Descriptor // of the layers
	diffIDs []v1.Hash       // of the layers' files
}

// partsOf checks what can be checked before anything is unpacked. Manifests and
// configurations are verified by their digests where they are fetched.
func (s *Store) partsOf(img v1.Image, digest v1.Hash) (parts, error) {
	if got, err := img.Digest(); err != nil || got != digest {
		return parts{}, errors.Join(err, fmt.Errorf("its digest should be %s and is %s", digest, got))
	}
	manifest, err := img.Manifest()
	if err != nil {
		return parts{}, err
	}
	limits := s.opts.Limits
	if err := errors.Join(
		within("layers", int64(len(manifest.Layers)), int64(limits.Layers)),
		within("bytes of configuration", manifest.Config.Size, limits.Config),
	); err != nil {
		return parts{}, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return parts{}, err
	}
	// An image that was put together by hand may say nothing of it.
	if cmp.Or(config.OS, Platform.OS) != Platform.OS || cmp.Or(config.Architecture, Platform.Architecture) != Platform.Architecture {
		return parts{}, fmt.Errorf("image Manifest does not contain descriptor matching platform '%s/%s': it is for %s/%s",
			Platform.OS, Platform.Architecture, config.OS, config.Architecture)
	}
	layers, err := img.Layers()
	if err != nil {
		return parts{}, err
	}
	p := parts{config.Config, layers, manifest.Layers, config.RootFS.DiffIDs}
	if len(p.blobs) != len(layers) || len(p.diffIDs) != len(layers) {
		return parts{}, fmt.Errorf("it has %d layers, and its configuration has digests of %d", len(layers), len(p.diffIDs))
	}
	var size int64
	for _, blob := range p.blobs {
		size += max(blob.Size, 0)
	}
	return p, within("bytes", size, limits.Bytes)
}

// unpack makes the tree of an image.
func (s *Store) unpack(ctx context.Context, p parts, dir string, heard func()) (document, error) {
	root := filepath.Join(dir, rootName)
	if err := errors.Join(os.Mkdir(root, 0o755), os.Chmod(root, 0o755)); err != nil { // whatever the server's mask is
		return document{}, err
	}
	tree, err := newUnpacker(root, s.opts.Limits)
	if err != nil {
		return document{}, err
	}
	defer tree.close()
	for i, layer := range p.layers {
		if err := ctx.Err(); err != nil {
			return document{}, err
		}
		if err := readLayer(layer, p.blobs[i], p.diffIDs[i], heard, tree.apply); err != nil {
			return document{}, fmt.Errorf("layer %s: %w", p.blobs[i].Digest, err)
		}
	}
	return document{Config: p.config, Layers: p.diffIDs, Bytes: tree.bytes}, nil
}
