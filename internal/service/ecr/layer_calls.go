package ecr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/endpoint"
	"flyball/internal/registry"
)

// BatchCheckLayerAvailability tells which layers a repository has.
func (a *API) BatchCheckLayerAvailability(ctx context.Context, in *ecr.BatchCheckLayerAvailabilityInput, _ ...func(*ecr.Options)) (*ecr.BatchCheckLayerAvailabilityOutput, error) {
	out := &ecr.BatchCheckLayerAvailabilityOutput{Layers: []types.Layer{}, Failures: []types.LayerFailure{}}
	err := a.view(ctx, func() error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		for _, digest := range in.LayerDigests {
			d, err := registry.ParseDigest(digest)
			if err != nil {
				out.Failures = append(out.Failures, types.LayerFailure{
					LayerDigest: &digest, FailureCode: types.LayerFailureCodeInvalidLayerDigest,
					FailureReason: aws.String("Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"),
				})
				continue
			}
			out.Layers = append(out.Layers, a.availability(r.Name, d))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// availability tells whether a repository has a layer. Whoever hears that it does may
// not push it.
func (s *service) availability(repository string, d registry.Digest) types.Layer {
	l := types.Layer{LayerDigest: aws.String(string(d)), LayerAvailability: types.LayerAvailabilityUnavailable}
	if have, ok := s.layers.Get(key(repository, d)); ok {
		s.usage.counted(key(repository, d))
		l.LayerAvailability, l.LayerSize = types.LayerAvailabilityAvailable, &have.Size
	}
	return l
}

// linkLife is how long the URL of a layer is good for, in real time.
const linkLife = time.Hour

// GetDownloadUrlForLayer is a URL at which a layer of an image can be had without a
// password.
func (a *API) GetDownloadUrlForLayer(ctx context.Context, in *ecr.GetDownloadUrlForLayerInput, _ ...func(*ecr.Options)) (*ecr.GetDownloadUrlForLayerOutput, error) {
	var name string
	err := a.view(ctx, func() error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		name = r.Name
		d := registry.Digest(aws.ToString(in.LayerDigest))
		if _, ok := a.layers.Get(key(name, d)); !ok {
			return a.noLayers(name, d)
		}
		if a.usage.needed(key(name, d)) {
			return nil
		}
		return &types.LayerInaccessibleException{Message: aws.String(fmt.Sprintf("The layer with digest '%s' is not associated with an image.", d))}
	})
	if err != nil {
		return nil, err
	}
	place := a.place(name)
	password := a.Password(registry.Grant{Account: place.Account, Region: place.Region, Pull: &place, Expires: a.Cell.Clock.Wall().Add(linkLife)})
	link := endpoint.URL(ctx, a.Endpoint()) + a.Addressing().Path(place, "blobs/"+*in.LayerDigest) + "?" + url.Values{registry.TokenParameter: {password}}.Encode()
	return &ecr.GetDownloadUrlForLayerOutput{DownloadUrl: &link, LayerDigest: in.LayerDigest}, nil
}

// UploadLayerPart continues an upload.
func (a *API) UploadLayerPart(ctx context.Context, in *ecr.UploadLayerPartInput, _ ...func(*ecr.Options)) (*ecr.UploadLayerPartOutput, error) {
	r, u, err := a.upload(ctx, in.RegistryId, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, err
	}
	refused := func(last int64, why string) error {
		return &types.InvalidLayerPartException{
			RegistryId: &a.Cell.Account, RepositoryName: &r.Name, UploadId: in.UploadId, LastValidByteReceived: aws.Int64(last), Message: &why,
		}
	}
	size, _ := u.Parts()
	if aws.ToInt64(in.PartLastByte)-aws.ToInt64(in.PartFirstByte)+1 != int64(len(in.LayerPartBlob)) {
		return nil, refused(size-1, "The size of the layer part is not that which partFirstByte and partLastByte tell.")
	}
	size, err = u.Append(*in.PartFirstByte, bytes.NewReader(in.LayerPartBlob))
	switch {
	case errors.Is(err, registry.ErrGap), errors.Is(err, registry.ErrBusy):
		return nil, refused(size-1, "The first byte of the layer part does not follow on the last byte that was received.")
	case errors.Is(err, registry.ErrTooLarge):
		return nil, limit("%v", err)
	case err != nil:
		return nil, err
	}
	return &ecr.UploadLayerPartOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, UploadId: in.UploadId, LastByteReceived: aws.Int64(size - 1)}, nil
}

// CompleteLayerUpload ends an upload, which has to have one of the digests.
func (a *API) CompleteLayerUpload(ctx context.Context, in *ecr.CompleteLayerUploadInput, _ ...func(*ecr.Options)) (*ecr.CompleteLayerUploadOutput, error) {
	r, u, err := a.upload(ctx, in.RegistryId, in.RepositoryName, in.UploadId)
	if err != nil {
		return nil, err
	}
	size, regular := u.Parts()
	switch {
	case size == 0:
		return nil, &types.EmptyUploadException{Message: aws.String("The specified layer upload does not contain any layer parts.")}
	case !regular:
		return nil, &types.LayerPartTooSmallException{Message: aws.String("Layer parts must be at least 5 MiB in size.")}
	}
	for _, digest := range in.LayerDigests {
		d, err := registry.ParseDigest(digest)
		if err != nil {
			continue
		}
		existed := a.hasLayer(ctx, r.Name, d)
		err = a.KeepLayer(ctx, r.Name, u, d)
		switch {
		case errors.Is(err, registry.ErrMismatch):
			continue
		case err != nil:
			return nil, err
		case existed:
			return nil, &types.LayerAlreadyExistsException{Message: aws.String(fmt.Sprintf(
				"The image layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", d, r.Name, a.Cell.Account))}
		}
		return &ecr.CompleteLayerUploadOutput{RegistryId: &a.Cell.Account, RepositoryName: &r.Name, UploadId: in.UploadId, LayerDigest: &digest}, nil
	}
	return nil, &types.InvalidLayerException{Message: aws.String("The layer that was uploaded has none of the digests that are given.")}
}

// upload finds a repository and an upload to it.
func (a *API) upload(ctx context.Context, registryID, name, id *string) (repository, *registry.Upload, error) {
	r, err := a.look(ctx, registryID, name)
	if err != nil {
		return r, nil, err
	}
	u, err := a.Upload(ctx, r.Name, aws.ToString(id))
	return r, u, err
}

// hasLayer tells whether a repository has a layer.
func (s *service) hasLayer(ctx context.Context, repository string, d registry.Digest) (ok bool) {
	s.Cell.State.View(ctx, func() { _, ok = s.layers.Get(key(repository, d)) })
	return ok
}
