package registry

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ErrNotOurs is returned for a reference to an image of another registry.
var ErrNotOurs = errors.New("the image is in another registry")

// Image is the image of a manifest that the store has, and whose layers it has. They
// are read when they are asked for.
func (s *Store) Image(manifest []byte, mediaType string) (v1.Image, error) {
	parsed, err := ParseManifest(manifest, mediaType)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&kept{s, manifest, parsed})
}

// Choose is the manifest of an index that is for this machine. The error is
// os.ErrNotExist if none is.
func Choose(index []byte) (Digest, error) {
	var d v1.IndexManifest
	if err := json.Unmarshal(index, &d); err != nil {
		return "", err
	}
	for _, m := range d.Manifests {
		if m.Platform == nil || m.Platform.OS == "linux" && m.Platform.Architecture == runtime.GOARCH {
			return ParseDigest(m.Digest.String())
		}
	}
	return "", os.ErrNotExist
}

// IsIndex tells the media types of indexes from those of manifests.
func IsIndex(mediaType string) bool { return mediaType == OCIIndex || mediaType == DockerList }

// kept is an image in a store.
type kept struct {
	*Store
	manifest []byte
	Manifest
}

func (k *kept) MediaType() (types.MediaType, error) {
	return types.MediaType(k.Manifest.MediaType), nil
}
func (k *kept) RawManifest() ([]byte, error)   { return k.manifest, nil }
func (k *kept) RawConfigFile() ([]byte, error) { return k.Read(k.Config) }

// LayerByDigest finds a layer, or the configuration.
func (k *kept) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, l := range k.Names() {
		if string(l.Digest) == h.String() {
			return &keptLayer{k.Store, h, l}, nil
		}
	}
	return nil, os.ErrNotExist
}

// keptLayer is a layer in a store.
type keptLayer struct {
	store *Store
	hash  v1.Hash
	Layer
}

func (l *keptLayer) Digest() (v1.Hash, error) { return l.hash, nil }
func (l *keptLayer) MediaType() (types.MediaType, error) {
	return types.MediaType(l.Layer.MediaType), nil
}
func (l *keptLayer) Compressed() (io.ReadCloser, error) { return l.store.Open(l.Layer.Digest) }

func (l *keptLayer) Size() (int64, error) {
	file, err := l.store.Open(l.Layer.Digest)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
