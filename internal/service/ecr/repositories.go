package ecr

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/uuid"

	"flyball/internal/registry"
	"flyball/internal/state"
)

var kindRepository = state.Kind{Name: "ecr.repository", Version: 1}

// A repository is a row, and its document.
type repository struct {
	Name       string
	Created    time.Time
	Mutability mutability
	ScanOnPush bool
	Encryption types.EncryptionConfiguration
	Tags       map[string]string
	Policy     string // the text of its policy, empty without one
	Lifecycle  string // the text of its lifecycle policy
}

// mostRepositories of a region ("Amazon ECR service quotas").
const mostRepositories = 100_000

// CreateRepository creates a repository.
func (a *API) CreateRepository(ctx context.Context, in *ecr.CreateRepositoryInput, _ ...func(*ecr.Options)) (*ecr.CreateRepositoryOutput, error) {
	r := repository{
		Name: aws.ToString(in.RepositoryName), Created: a.Cell.Clock.Now(),
		ScanOnPush: in.ImageScanningConfiguration != nil && in.ImageScanningConfiguration.ScanOnPush,
	}
	var err error
	if r.Mutability, err = newMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	if r.Encryption, err = a.newEncryption(in.EncryptionConfiguration); err != nil {
		return nil, err
	}
	if r.Tags, err = mergeTags(nil, in.Tags); err != nil {
		return nil, err
	}
	err = a.change(ctx, func(tx *state.Tx) error {
		if err := a.own(in.RegistryId, r.Name); err != nil {
			return err
		}
		return a.create(tx, r)
	})
	if err != nil {
		return nil, err
	}
	out := a.describe(r)
	return &ecr.CreateRepositoryOutput{Repository: &out}, nil
}

// create adds a repository.
func (s *service) create(tx *state.Tx, r repository) error {
	if !registry.ValidName(r.Name) {
		return unmet("repositoryName", "must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'")
	}
	if _, taken := s.repositories.Get(r.Name); taken {
		return &types.RepositoryAlreadyExistsException{Message: aws.String(fmt.Sprintf(
			"The repository with name '%s' already exists in the registry with id '%s'", r.Name, s.Cell.Account))}
	}
	if s.repositories.Len() >= mostRepositories {
		return limit("The registry with id '%s' has the most repositories that it can have, which is %d.", s.Cell.Account, mostRepositories)
	}
	s.repositories.Put(tx, r.Name, r)
	s.Cell.Announce(tx, "aws.ecr", "ECR Repository Created", s.arn(r.Name), r)
	return nil
}

// newEncryption is the configuration that a repository is given. Nothing is encrypted
// here: it is kept for those who compare it. Without a key, KMS uses the one that AWS
// manages for the account, which has an identifier of its own in each region.
func (s *service) newEncryption(given *types.EncryptionConfiguration) (types.EncryptionConfiguration, error) {
	if given == nil {
		return types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256}, nil
	}
	e := *given
	switch {
	case e.EncryptionType == types.EncryptionTypeAes256 && e.KmsKey != nil:
		return e, unmet("encryptionConfiguration", "Invalid encryption configuration: Encryption key should not be set for AES256 encryption.")
	case e.EncryptionType != types.EncryptionTypeAes256 && e.KmsKey == nil:
		id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(s.arn("aws/ecr")))
		e.KmsKey = aws.String(s.Cell.ARN("kms", "key/"+id.String()))
	}
	return e, nil
}

// describe is a repository as the API shows it.
func (s *service) describe(r repository) types.Repository {
	return types.Repository{
		RepositoryArn: aws.String(s.arn(r.Name)), RegistryId: &s.Cell.Account, RepositoryName: &r.Name,
		RepositoryUri: aws.String(s.Addressing().URI(s.place(r.Name))), CreatedAt: &r.Created,
		ImageTagMutability: r.Mutability.Kind, ImageTagMutabilityExclusionFilters: r.Mutability.filters(),
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: r.ScanOnPush},
		EncryptionConfiguration:    &r.Encryption,
	}
}

// own refuses another account's registry.
func (s *service) own(registryID *string, repository string) error {
	if registryID != nil && *registryID != s.Cell.Account {
		return noRepository(repository, *registryID)
	}
	return nil
}

// find is a repository of the registry that is named, under the lock.
func (s *service) find(registryID, name *string) (repository, error) {
	if err := s.own(registryID, aws.ToString(name)); err != nil {
		return repository{}, err
	}
	r, ok := s.repositories.Get(aws.ToString(name))
	if !ok {
		return r, noRepository(aws.ToString(name), s.Cell.Account)
	}
	return r, nil
}

// alter changes a repository.
func (s *service) alter(ctx context.Context, registryID, name *string, f func(*repository) error) (r repository, err error) {
	err = s.change(ctx, func(tx *state.Tx) (err error) {
		if r, err = s.find(registryID, name); err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
		s.repositories.Put(tx, r.Name, r)
		return nil
	})
	return r, err
}

// look reads a repository.
func (s *service) look(ctx context.Context, registryID, name *string) (r repository, err error) {
	err = s.view(ctx, func() (err error) { r, err = s.find(registryID, name); return err })
	return r, err
}

// DescribeRepositories describes repositories by name, or all in pages.
func (a *API) DescribeRepositories(ctx context.Context, in *ecr.DescribeRepositoriesInput, _ ...func(*ecr.Options)) (*ecr.DescribeRepositoriesOutput, error) {
	size, err := pageSize(in.MaxResults)
	switch {
	case err != nil:
		return nil, err
	case len(in.RepositoryNames) > 0 && (in.MaxResults != nil || in.NextToken != nil):
		return nil, invalid("repositoryNames cannot be given with maxResults or nextToken.")
	}
	var rows []repository
	err = a.view(ctx, func() error {
		if len(in.RepositoryNames) == 0 {
			rows = a.repositories.Rows("")
			return a.own(in.RegistryId, "")
		}
		for _, name := range in.RepositoryNames {
			r, err := a.find(in.RegistryId, &name)
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, next, err := cut(rows, func(r repository) string { return r.Name }, in.NextToken, size)
	if err != nil {
		return nil, err
	}
	out := &ecr.DescribeRepositoriesOutput{NextToken: next, Repositories: []types.Repository{}}
	for _, r := range rows {
		out.Repositories = append(out.Repositories, a.describe(r))
	}
	return out, nil
}

// DeleteRepository deletes a repository, with its images only if that is forced.
func (a *API) DeleteRepository(ctx context.Context, in *ecr.DeleteRepositoryInput, _ ...func(*ecr.Options)) (*ecr.DeleteRepositoryOutput, error) {
	var r repository
	err := a.change(ctx, func(tx *state.Tx) (err error) {
		if r, err = a.find(in.RegistryId, in.RepositoryName); err != nil {
			return err
		}
		if len(a.images.Keys(r.Name+"@")) > 0 && !in.Force {
			return &types.RepositoryNotEmptyException{Message: aws.String(fmt.Sprintf(
				"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", r.Name, a.Cell.Account))}
		}
		for _, row := range a.images.Rows(r.Name + "@") {
			a.deleteImage(tx, r.Name, row)
		}
		for _, key := range slices.Clone(a.tags.Keys(r.Name + ":")) {
			a.tags.Delete(tx, key)
		}
		for _, key := range slices.Clone(a.layers.Keys(r.Name + "@")) {
			a.deleteLayer(tx, key)
		}
		a.repositories.Delete(tx, r.Name)
		a.Cell.Announce(tx, "aws.ecr", "ECR Repository Deleted", a.arn(r.Name), r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := a.describe(r)
	return &ecr.DeleteRepositoryOutput{Repository: &out}, nil
}

// PutImageTagMutability says which tags may be moved to another image.
func (a *API) PutImageTagMutability(ctx context.Context, in *ecr.PutImageTagMutabilityInput, _ ...func(*ecr.Options)) (*ecr.PutImageTagMutabilityOutput, error) {
	m, err := newMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	if err != nil {
		return nil, err
	}
	r, err := a.alter(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error { r.Mutability = m; return nil })
	if err != nil {
		return nil, err
	}
	return &ecr.PutImageTagMutabilityOutput{
		RegistryId: &a.Cell.Account, RepositoryName: &r.Name,
		ImageTagMutability: m.Kind, ImageTagMutabilityExclusionFilters: m.filters(),
	}, nil
}
