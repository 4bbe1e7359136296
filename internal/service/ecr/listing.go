package ecr

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/registry"
)

// pageSize is that of a listing of up to 1,000 items.
func pageSize(asked *int32) (int, error) {
	size, ok := page.Limit(asked, 100, 1000)
	if !ok {
		return 0, unmet("maxResults", "must be at least 1")
	}
	return size, nil
}

// cut is the page of a sorted listing that a token asks for.
func cut[T any](items []T, key func(T) string, token *string, size int) ([]T, *string, error) {
	items, next, err := page.Of(items, key, token, size)
	if err != nil {
		return nil, nil, unmet("nextToken", "is not one of this listing")
	}
	return items, next, nil
}

// shown tells whether images of the registry, which are all active, are in a listing
// that wants those of a status.
func shown[S ~string](wanted S) bool {
	return wanted == "" || wanted == S(types.ImageStatusFilterActive) || wanted == S(types.ImageStatusFilterAny)
}

// ListImages lists tags, and the digests of images that have none.
func (a *API) ListImages(ctx context.Context, in *ecr.ListImagesInput, _ ...func(*ecr.Options)) (*ecr.ListImagesOutput, error) {
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	filter := optional.Or(in.Filter, types.ListImagesFilter{})
	var ids []types.ImageIdentifier
	err = a.view(ctx, func() error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err == nil && shown(filter.ImageStatus) {
			ids = a.identifiers(r.Name, filter.TagStatus)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &ecr.ListImagesOutput{}
	out.ImageIds, out.NextToken, err = cut(ids, sortKey, in.NextToken, size)
	out.ImageIds = optional.List(out.ImageIds)
	return out, err
}

// sortKey orders identifiers by digest, then by tag.
func sortKey(id types.ImageIdentifier) string {
	return *id.ImageDigest + ":" + aws.ToString(id.ImageTag)
}

// identifiers are those of the images of a repository, in order, of which there are as
// many for an image as it has tags.
func (s *service) identifiers(repository string, status types.TagStatus) (ids []types.ImageIdentifier) {
	tags := s.tagsOf(repository)
	for _, k := range s.images.Keys(repository + "@") {
		d := digestOf(k)
		digest := aws.String(string(d))
		if len(tags[d]) == 0 && status != types.TagStatusTagged {
			ids = append(ids, types.ImageIdentifier{ImageDigest: digest})
		}
		for _, tag := range tags[d] {
			if status != types.TagStatusUntagged {
				ids = append(ids, types.ImageIdentifier{ImageDigest: digest, ImageTag: &tag})
			}
		}
	}
	return ids
}

// DescribeImages describes the images that are named, or all in pages.
func (a *API) DescribeImages(ctx context.Context, in *ecr.DescribeImagesInput, _ ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error) {
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	filter := optional.Or(in.Filter, types.DescribeImagesFilter{})
	var details []types.ImageDetail
	err = a.view(ctx, func() error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil || !shown(filter.ImageStatus) {
			return err
		}
		details, err = a.details(r, in.ImageIds, filter.TagStatus)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &ecr.DescribeImagesOutput{}
	out.ImageDetails, out.NextToken, err = cut(details, func(d types.ImageDetail) string { return *d.ImageDigest }, in.NextToken, size)
	out.ImageDetails = optional.List(out.ImageDetails)
	return out, err
}

// details are those of the images of a repository that are named, or of all that have
// tags or have none.
func (s *service) details(r repository, ids []types.ImageIdentifier, status types.TagStatus) (all []types.ImageDetail, err error) {
	tags := s.tagsOf(r.Name)
	rows := s.images.Rows(r.Name + "@")
	if len(ids) > 0 {
		if rows, err = s.named(r.Name, ids); err != nil {
			return nil, err
		}
	}
	for _, row := range rows {
		tagged := len(tags[row.Digest]) > 0
		if tagged && status == types.TagStatusUntagged || !tagged && status == types.TagStatusTagged {
			continue
		}
		all = append(all, s.detail(r, row, tags[row.Digest]))
	}
	return all, nil
}

// named are the images that are named, each once, in the order of their digests.
func (s *service) named(repository string, ids []types.ImageIdentifier) (rows []image, err error) {
	for _, id := range ids {
		row, failure := s.resolve(repository, id)
		switch {
		case failure == nil:
			rows = append(rows, row)
		case failure.FailureCode == types.ImageFailureCodeImageNotFound:
			return nil, noImage(id, repository, s.Cell.Account)
		default:
			return nil, invalid("%s", *failure.FailureReason)
		}
	}
	slices.SortFunc(rows, func(a, b image) int { return cmp.Compare(a.Digest, b.Digest) })
	return slices.CompactFunc(rows, func(a, b image) bool { return a.Digest == b.Digest }), nil
}

// detail is an image as the API shows it.
func (s *service) detail(r repository, row image, tags []string) types.ImageDetail {
	d := types.ImageDetail{
		RegistryId: &s.Cell.Account, RepositoryName: &r.Name, ImageDigest: aws.String(string(row.Digest)), ImageTags: tags,
		ImageSizeInBytes: aws.Int64(row.Size), ImagePushedAt: &row.Pushed, ImageManifestMediaType: &row.MediaType,
		ArtifactMediaType: optional.String(row.ArtifactType), SubjectManifestDigest: optional.String(row.Subject),
		ImageStatus: types.ImageStatusActive,
	}
	if row.Scanned != nil {
		d.ImageScanStatus = scanStatus()
	}
	return d
}

// ListImageReferrers lists what refers to an image: signatures, lists of what is in it.
func (a *API) ListImageReferrers(ctx context.Context, in *ecr.ListImageReferrersInput, _ ...func(*ecr.Options)) (*ecr.ListImageReferrersOutput, error) {
	size, ok := page.Limit(in.MaxResults, 20, 50)
	if !ok {
		return nil, unmet("maxResults", "must be at least 1")
	}
	filter := optional.Or(in.Filter, types.ListImageReferrersFilter{})
	var found []types.ImageReferrer
	err := a.view(ctx, func() error {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err == nil && shown(filter.ArtifactStatus) {
			found = a.referrers(r.Name, registry.Digest(*in.SubjectId.ImageDigest), filter.ArtifactTypes)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &ecr.ListImageReferrersOutput{}
	out.Referrers, out.NextToken, err = cut(found, func(r types.ImageReferrer) string { return *r.Digest }, in.NextToken, size)
	out.Referrers = optional.List(out.Referrers)
	return out, err
}

// referrers are what refers to an image, of some types or of any, by digest.
func (s *service) referrers(repository string, subject registry.Digest, kinds []string) (all []types.ImageReferrer) {
	for _, row := range s.images.Rows(repository + "@") {
		if row.Subject != subject || len(kinds) > 0 && !slices.Contains(kinds, row.ArtifactType) {
			continue
		}
		all = append(all, types.ImageReferrer{
			Digest: aws.String(string(row.Digest)), MediaType: &row.MediaType, ArtifactType: optional.String(row.ArtifactType),
			Size: aws.Int64(row.Manifest), Annotations: row.Annotations, ArtifactStatus: types.ArtifactStatusActive,
		})
	}
	return all
}
