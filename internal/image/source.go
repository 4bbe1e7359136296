package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// A Source has images.
type Source interface {
	// Image returns the image that a reference names, by tag or by digest: of an
	// index, the one for this machine. Its layers may be fetched when they are read.
	Image(ctx context.Context, reference string) (v1.Image, error)
}

// Platform is what images have to be for.
var Platform = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

// Remote has the images of all registries, which it asks as nobody in particular.
// Registries at loopback and private addresses are spoken to over plain HTTP.
type Remote struct{}

// Image asks the registry that the reference names.
func (Remote) Image(ctx context.Context, reference string) (v1.Image, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, err
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(Platform), remote.WithUserAgent("flyball"))
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: not found", reference)
	}
	return img, err
}

// pinned is a reference to the image of a digest in the repository that another
// reference names.
func pinned(reference string, digest v1.Hash) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	return ref.Context().Digest(digest.String()).String(), nil
}
