package ecr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/registry"
	"flyball/internal/state"
)

var kindLayer = state.Kind{Name: "ecr.layer", Version: 1}

// A layer is a row that says that a repository has a layer, or a configuration.
type layer struct {
	Size   int64
	Pushed time.Time // in real time
}

// key is that of an image or a layer of a repository.
func key(repository string, d registry.Digest) string { return repository + "@" + string(d) }

// digestOf is the digest in a key.
func digestOf(key string) registry.Digest {
	_, d, _ := strings.Cut(key, "@")
	return registry.Digest(d)
}

// repositoryOf is the repository in a key.
func repositoryOf(key string) string {
	name, _, _ := strings.Cut(key, "@")
	return name
}

// Layer opens a layer of a repository.
func (a *API) Layer(ctx context.Context, repository string, d registry.Digest) (*os.File, error) {
	err := a.view(ctx, func() error {
		if _, err := a.find(nil, &repository); err != nil {
			return err
		}
		if _, ok := a.layers.Get(key(repository, d)); !ok {
			return a.noLayers(repository, d)
		}
		a.usage.counted(key(repository, d))
		return nil
	})
	if err != nil {
		return nil, err
	}
	file, err := a.Content.Open(d)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, a.noLayers(repository, d)
	}
	return file, err
}

func (s *service) noLayers(repository string, missing ...registry.Digest) error {
	names := make([]string, len(missing))
	for i, d := range missing {
		names[i] = string(d)
	}
	return &types.LayersNotFoundException{Message: aws.String(fmt.Sprintf(
		"The layers with digests '[%s]' do not exist in the repository with name '%s' in the registry with id '%s'", strings.Join(names, ", "), repository, s.Cell.Account))}
}

// owner is who an upload belongs to.
func (s *service) owner(repository string) string { return s.Cell.Scope() + repository }

// Upload finds an upload to a repository.
func (a *API) Upload(ctx context.Context, repository, id string) (*registry.Upload, error) {
	if _, err := a.look(ctx, nil, &repository); err != nil {
		return nil, err
	}
	u, err := a.Content.Upload(a.owner(repository), strings.ToLower(id))
	if err != nil {
		return nil, &types.UploadNotFoundException{Message: aws.String(fmt.Sprintf(
			"The upload with id '%s' could not be found in the repository with name '%s' in the registry with id '%s'", id, repository, a.Cell.Account))}
	}
	return u, nil
}

// KeepLayer finishes an upload to a repository. The layer is on disk, and the
// repository's, when it returns.
func (a *API) KeepLayer(ctx context.Context, repository string, u *registry.Upload, d registry.Digest) error {
	size, _ := u.Parts()
	var release func()
	err := state.Patiently(ctx, func() (err error) { release, err = u.Finish(d); return err })
	if err != nil {
		return err
	}
	defer release()
	return a.addLayer(ctx, repository, d, size)
}

// addLayer makes pinned content a layer of a repository.
func (s *service) addLayer(ctx context.Context, repository string, d registry.Digest, size int64) error {
	return s.change(ctx, func(tx *state.Tx) error {
		if _, err := s.find(nil, &repository); err != nil {
			return err
		}
		s.putLayer(tx, repository, d, size)
		return nil
	})
}

// MountLayer makes a layer of one repository one of another, too, if that is allowed.
func (a *API) MountLayer(ctx context.Context, from, repository string, d registry.Digest) error {
	if a.setting(ctx).accountSetting(blobMounting) != "ENABLED" {
		return a.noLayers(from, d)
	}
	release, ok := a.Content.Pin(d)
	if !ok {
		return a.noLayers(from, d)
	}
	defer release()
	var have layer
	err := a.view(ctx, func() error {
		if have, ok = a.layers.Get(key(from, d)); !ok {
			return a.noLayers(from, d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.addLayer(ctx, repository, d, have.Size)
}

// InitiateLayerUpload begins an upload.
func (a *API) InitiateLayerUpload(ctx context.Context, in *ecr.InitiateLayerUploadInput, _ ...func(*ecr.Options)) (*ecr.InitiateLayerUploadOutput, error) {
	r, err := a.look(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if err := a.Cell.State.Admitted(); err != nil {
		return nil, err
	}
	u, err := a.Content.Begin(a.owner(r.Name))
	switch {
	case errors.Is(err, registry.ErrUploads):
		return nil, limit("%v", err)
	case err != nil:
		return nil, err
	}
	return &ecr.InitiateLayerUploadOutput{UploadId: &u.ID, PartSize: aws.Int64(partSize)}, nil
}

// partSize is how large the parts of an upload are best, in bytes.
const partSize = 10 << 20

// grace is how long a layer is kept that no image needs, in real time: an image may be
// about to come.
const grace = time.Hour

// Run forgets layers that no image needs, until ctx ends.
func (a *API) Run(ctx context.Context) error {
	for tick := time.NewTicker(time.Minute); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
			if err := a.Forget(ctx, grace); err != nil {
				a.Cell.Log.Error("layers that no image needs could not be forgotten", "error", err)
			}
		}
	}
}

// Forget forgets the layers that no image of their repository needs and that nobody has
// counted on for longer than patience.
func (a *API) Forget(ctx context.Context, patience time.Duration) error {
	before := time.Now().Add(-patience)
	if len(a.usage.since(before)) == 0 {
		return nil
	}
	return a.change(ctx, func(tx *state.Tx) error {
		for _, key := range a.usage.since(before) { // which may be others by now
			a.deleteLayer(tx, key)
		}
		return nil
	})
}

// Names tells whether anything in the registry has some content.
func (a *API) Names(d registry.Digest) bool { return a.usage.named(d) }
