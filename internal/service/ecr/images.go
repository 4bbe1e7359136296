package ecr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/optional"
	"flyball/internal/registry"
	"flyball/internal/state"
)

var (
	kindImage = state.Kind{Name: "ecr.image", Version: 1}
	kindTag   = state.Kind{Name: "ecr.tag", Version: 1}
)

// An image is a row, and its document: what a manifest says, which is content by itself.
type image struct {
	Digest       registry.Digest
	MediaType    string
	ArtifactType string            `json:",omitempty"`
	Layers       []registry.Digest `json:",omitempty"` // with the configuration, first
	Children     []registry.Digest `json:",omitempty"`
	Subject      registry.Digest   `json:",omitempty"`
	Annotations  map[string]string `json:",omitempty"`
	Manifest     int64             // size of the manifest
	Size         int64             // of its layers, or of the largest of its children
	Pushed       time.Time
	Scanned      *time.Time `json:",omitempty"`
}

// An imageTag is a row that says which image has a tag.
type imageTag struct{ Digest registry.Digest }

// Quotas ("Amazon ECR service quotas").
const (
	mostImages = 100_000 // of a repository
	mostTags   = 1000    // of an image
)

// PutImage keeps a manifest whose layers the repository has, and gives it a tag.
func (a *API) PutImage(ctx context.Context, in *ecr.PutImageInput, _ ...func(*ecr.Options)) (*ecr.PutImageOutput, error) {
	content := []byte(aws.ToString(in.ImageManifest))
	m, err := registry.ParseManifest(content, aws.ToString(in.ImageManifestMediaType))
	switch {
	case errors.Is(err, registry.ErrNoMediaType):
		return nil, invalid("%v", err)
	case err != nil:
		return nil, unmet("imageManifest", err.Error())
	}
	if in.ImageTag != nil && !registry.ValidTag(*in.ImageTag) {
		return nil, unmet("imageTag", "must satisfy regular expression '[a-zA-Z0-9-_.]{1,128}'")
	}
	if _, err := a.look(ctx, in.RegistryId, in.RepositoryName); err != nil {
		return nil, err
	}
	digest, release, err := a.keep(ctx, content, in.ImageDigest)
	if err != nil {
		return nil, err
	}
	defer release()
	id := types.ImageIdentifier{ImageDigest: aws.String(string(digest)), ImageTag: in.ImageTag}
	err = a.change(ctx, func(tx *state.Tx) error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		return a.put(tx, r, id, digest, &m, int64(len(content)))
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutImageOutput{Image: &types.Image{
		RegistryId: &a.Cell.Account, RepositoryName: in.RepositoryName, ImageId: &id,
		ImageManifest: in.ImageManifest, ImageManifestMediaType: &m.MediaType,
	}}, nil
}

// keep keeps the content of a manifest, which has the digest that is expected if one is.
func (s *service) keep(ctx context.Context, content []byte, expected *string) (d registry.Digest, release func(), err error) {
	if d := registry.DigestOf(content); expected != nil && string(d) != *expected {
		return "", nil, &types.ImageDigestDoesNotMatchException{Message: aws.String(fmt.Sprintf(
			"The specified image digest '%s' does not match the digest '%s' that was calculated for the image", *expected, d))}
	}
	err = state.Patiently(ctx, func() (err error) { d, release, err = s.Content.Put(content); return err })
	return d, release, err
}

// put adds an image, unless it is there, and a tag of it.
func (s *service) put(tx *state.Tx, r repository, id types.ImageIdentifier, d registry.Digest, m *registry.Manifest, size int64) error {
	_, exists := s.images.Get(key(r.Name, d))
	if !exists {
		row, err := s.newImage(r.Name, m)
		if err != nil {
			return err
		}
		row.Digest, row.Manifest = d, size
		if set, _ := s.settings.Get(settingsKey); !registry.IsIndex(m.MediaType) && set.Scanning.onPush(r) {
			row.Scanned = &row.Pushed
		}
		if len(s.images.Keys(r.Name+"@")) >= mostImages {
			return limit("The repository with name '%s' in the registry with id '%s' has the most images that it can have, which is %d.", r.Name, s.Cell.Account, mostImages)
		}
		s.putImage(tx, r.Name, row)
	}
	if id.ImageTag == nil {
		if exists {
			return s.imageExists(r.Name, id)
		}
	} else if err := s.tag(tx, r, id, d, exists); err != nil {
		return err
	}
	s.announce(tx, r.Name, "PUSH", id)
	return nil
}

// tag gives an image a tag.
func (s *service) tag(tx *state.Tx, r repository, id types.ImageIdentifier, d registry.Digest, exists bool) error {
	tag := *id.ImageTag
	have, taken := s.tags.Get(r.Name + ":" + tag)
	switch {
	case taken && have.Digest == d && exists:
		return s.imageExists(r.Name, id)
	case taken && have.Digest != d && !r.Mutability.movable(tag):
		return &types.ImageTagAlreadyExistsException{Message: aws.String(fmt.Sprintf(
			"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.", tag, r.Name))}
	case !taken && len(s.tagsOf(r.Name)[d]) >= mostTags:
		return limit("An image has %d tags at most.", mostTags)
	}
	s.tags.Put(tx, r.Name+":"+tag, imageTag{d})
	return nil
}

func (s *service) imageExists(repository string, id types.ImageIdentifier) error {
	return &types.ImageAlreadyExistsException{Message: aws.String(fmt.Sprintf(
		"Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
		*id.ImageDigest, optional.Or(id.ImageTag, "null"), repository, s.Cell.Account))}
}

// newImage is the row of a manifest, if the repository has all that it names.
func (s *service) newImage(repository string, m *registry.Manifest) (image, error) {
	row := image{
		MediaType: m.MediaType, ArtifactType: m.ArtifactType, Children: m.Children, Subject: m.Subject,
		Annotations: m.Annotations, Pushed: s.Cell.Clock.Now(),
	}
	var missing []registry.Digest
	for _, l := range m.Names() {
		have, ok := s.layers.Get(key(repository, l.Digest))
		if !ok {
			missing = append(missing, l.Digest)
			continue
		}
		row.Layers = append(row.Layers, l.Digest)
		row.Size += have.Size
	}
	if missing != nil {
		return row, s.noLayers(repository, missing...)
	}
	for _, d := range m.Children {
		child, ok := s.images.Get(key(repository, d))
		if !ok {
			return row, &types.ReferencedImagesNotFoundException{Message: aws.String(fmt.Sprintf(
				"Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", d, repository, s.Cell.Account))}
		}
		row.Size = max(row.Size, child.Size)
	}
	return row, nil
}

// tagsOf are the tags of each image of a repository, in order.
func (s *service) tagsOf(repository string) map[registry.Digest][]string {
	all := map[registry.Digest][]string{}
	for _, k := range s.tags.Keys(repository + ":") {
		row, _ := s.tags.Get(k)
		all[row.Digest] = append(all[row.Digest], k[len(repository)+1:])
	}
	return all
}

// resolve finds the image that an identifier names.
func (s *service) resolve(repository string, id types.ImageIdentifier) (image, *types.ImageFailure) {
	fail := func(code types.ImageFailureCode, reason string) (image, *types.ImageFailure) {
		return image{}, &types.ImageFailure{ImageId: &id, FailureCode: code, FailureReason: &reason}
	}
	d := registry.Digest(aws.ToString(id.ImageDigest))
	if d != "" {
		if _, err := registry.ParseDigest(string(d)); err != nil {
			return fail(types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
		}
	}
	if tag := aws.ToString(id.ImageTag); tag != "" {
		row, ok := s.tags.Get(repository + ":" + tag)
		switch {
		case !ok:
			return fail(types.ImageFailureCodeImageNotFound, "Requested image not found")
		case d != "" && d != row.Digest:
			return fail(types.ImageFailureCodeImageTagDoesNotMatchDigest, "Requested image tag does not match the image digest")
		}
		d = row.Digest
	}
	if d == "" {
		return fail(types.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null")
	}
	row, ok := s.images.Get(key(repository, d))
	if !ok {
		return fail(types.ImageFailureCodeImageNotFound, "Requested image not found")
	}
	return row, nil
}

// BatchGetImage reads manifests.
func (a *API) BatchGetImage(ctx context.Context, in *ecr.BatchGetImageInput, _ ...func(*ecr.Options)) (*ecr.BatchGetImageOutput, error) {
	out := &ecr.BatchGetImageOutput{Images: []types.Image{}, Failures: []types.ImageFailure{}}
	err := a.view(ctx, func() error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		for _, id := range in.ImageIds {
			row, failure := a.resolve(r.Name, id)
			if failure == nil && len(in.AcceptedMediaTypes) > 0 && !slices.Contains(in.AcceptedMediaTypes, row.MediaType) {
				failure = &types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCodeImageNotFound, FailureReason: aws.String("Requested image not found")}
			}
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
				continue
			}
			out.Images = append(out.Images, types.Image{
				RegistryId: &a.Cell.Account, RepositoryName: &r.Name, ImageManifestMediaType: &row.MediaType,
				ImageId: &types.ImageIdentifier{ImageDigest: aws.String(string(row.Digest)), ImageTag: id.ImageTag},
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, a.readManifests(out.Images)
}

// readManifests reads the contents of images.
func (s *service) readManifests(images []types.Image) error {
	for i := range images {
		content, err := s.Content.Read(registry.Digest(*images[i].ImageId.ImageDigest))
		if err != nil {
			return fmt.Errorf("read a manifest: %w", err)
		}
		images[i].ImageManifest = aws.String(string(content))
	}
	return nil
}

// BatchDeleteImage removes tags, or images with all their tags.
func (a *API) BatchDeleteImage(ctx context.Context, in *ecr.BatchDeleteImageInput, _ ...func(*ecr.Options)) (*ecr.BatchDeleteImageOutput, error) {
	out := &ecr.BatchDeleteImageOutput{ImageIds: []types.ImageIdentifier{}, Failures: []types.ImageFailure{}}
	err := a.change(ctx, func(tx *state.Tx) error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		for _, id := range in.ImageIds {
			row, failure := a.resolve(r.Name, id)
			if failure == nil {
				var gone []types.ImageIdentifier
				gone, failure = a.remove(tx, r.Name, row, id)
				for _, image := range gone {
					a.announce(tx, r.Name, "DELETE", image)
				}
				out.ImageIds = append(out.ImageIds, gone...)
			}
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// remove removes a tag of an image, and the image with its last tag or by its digest. An
// image that an index names stays, and loses the tag alone.
func (s *service) remove(tx *state.Tx, repository string, row image, id types.ImageIdentifier) (gone []types.ImageIdentifier, failure *types.ImageFailure) {
	digest := aws.String(string(row.Digest))
	tags := s.tagsOf(repository)[row.Digest]
	parent, named := s.parent(repository, row.Digest)
	whole := id.ImageTag == nil || len(tags) == 1 && !named
	switch {
	case whole && named:
		return nil, &types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCodeImageReferencedByManifestList, FailureReason: aws.String(fmt.Sprintf(
			"Requested image referenced by manifest list: [%s]", parent))}
	case !whole:
		tags = []string{*id.ImageTag}
	}
	for _, tag := range tags {
		s.tags.Delete(tx, repository+":"+tag)
		gone = append(gone, types.ImageIdentifier{ImageDigest: digest, ImageTag: &tag})
	}
	if whole {
		s.deleteImage(tx, repository, row)
		if gone == nil {
			gone = []types.ImageIdentifier{{ImageDigest: digest}}
		}
	}
	return gone, nil
}

// parent is an index of the repository that names an image, if one does.
func (s *service) parent(repository string, d registry.Digest) (registry.Digest, bool) {
	if !s.usage.needed(key(repository, d)) {
		return "", false
	}
	for _, k := range s.images.Keys(repository + "@") {
		if row, _ := s.images.Get(k); slices.Contains(row.Children, d) {
			return row.Digest, true
		}
	}
	return "", false
}
