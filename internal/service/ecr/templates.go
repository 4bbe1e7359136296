package ecr

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/optional"
	"flyball/internal/state"
)

var kindTemplate = state.Kind{Name: "ecr.template", Version: 1}

// A template says how repositories are made whose names begin with a prefix. Those of
// replication and of pull through caches are kept alone.
type template struct {
	Prefix           string
	Description      string
	Encryption       *types.EncryptionConfigurationForRepositoryCreationTemplate `json:",omitempty"`
	Tags             map[string]string                                           `json:",omitempty"`
	Mutability       mutability
	RepositoryPolicy string `json:",omitempty"`
	LifecyclePolicy  string `json:",omitempty"`
	AppliedFor       []types.RCTAppliedFor
	Role             string `json:",omitempty"`
	Created, Updated time.Time
}

// rootPrefix is that of the template for what has no other.
const rootPrefix = "ROOT"

// check says what is wrong with a template.
func (t *template) check() error {
	if t.RepositoryPolicy != "" {
		if err := checkPolicy(&t.RepositoryPolicy, "repository"); err != nil {
			return err
		}
	}
	if t.LifecyclePolicy != "" {
		return checkLifecycle(t.LifecyclePolicy)
	}
	return nil
}

// describe is the template as the API shows it.
func (t template) describe() *types.RepositoryCreationTemplate {
	return &types.RepositoryCreationTemplate{
		Prefix: &t.Prefix, Description: optional.String(t.Description), EncryptionConfiguration: t.Encryption,
		ResourceTags: tagList(t.Tags), ImageTagMutability: t.Mutability.Kind, ImageTagMutabilityExclusionFilters: t.Mutability.filters(),
		RepositoryPolicy: optional.String(t.RepositoryPolicy), LifecyclePolicy: optional.String(t.LifecyclePolicy),
		AppliedFor: t.AppliedFor, CustomRoleArn: optional.String(t.Role), CreatedAt: &t.Created, UpdatedAt: &t.Updated,
	}
}

// CreateRepositoryCreationTemplate creates a template.
func (a *API) CreateRepositoryCreationTemplate(ctx context.Context, in *ecr.CreateRepositoryCreationTemplateInput, _ ...func(*ecr.Options)) (*ecr.CreateRepositoryCreationTemplateOutput, error) {
	now := a.Cell.Clock.Now()
	t := template{
		Prefix: aws.ToString(in.Prefix), Description: aws.ToString(in.Description),
		Encryption:       cmp.Or(in.EncryptionConfiguration, &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: types.EncryptionTypeAes256}),
		RepositoryPolicy: aws.ToString(in.RepositoryPolicy), LifecyclePolicy: aws.ToString(in.LifecyclePolicy),
		AppliedFor: in.AppliedFor, Role: aws.ToString(in.CustomRoleArn), Created: now, Updated: now,
	}
	var err error
	if t.Mutability, err = newMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	if t.Tags, err = mergeTags(nil, in.ResourceTags); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	err = a.change(ctx, func(tx *state.Tx) error {
		if _, taken := a.templates.Get(t.Prefix); taken {
			return &types.TemplateAlreadyExistsException{Message: aws.String("The repository creation template with prefix '" + t.Prefix + "' already exists in the registry with id '" + a.Cell.Account + "'")}
		}
		a.templates.Put(tx, t.Prefix, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.CreateRepositoryCreationTemplateOutput{RegistryId: &a.Cell.Account, RepositoryCreationTemplate: t.describe()}, nil
}

// UpdateRepositoryCreationTemplate changes what is given of a template.
func (a *API) UpdateRepositoryCreationTemplate(ctx context.Context, in *ecr.UpdateRepositoryCreationTemplateInput, _ ...func(*ecr.Options)) (*ecr.UpdateRepositoryCreationTemplateOutput, error) {
	var t template
	err := a.change(ctx, func(tx *state.Tx) (err error) {
		if t, err = a.template(in.Prefix); err != nil {
			return err
		}
		if err := t.update(in); err != nil {
			return err
		}
		t.Updated = a.Cell.Clock.Now()
		a.templates.Put(tx, t.Prefix, t)
		return t.check()
	})
	if err != nil {
		return nil, err
	}
	return &ecr.UpdateRepositoryCreationTemplateOutput{RegistryId: &a.Cell.Account, RepositoryCreationTemplate: t.describe()}, nil
}

// update takes what is given.
func (t *template) update(in *ecr.UpdateRepositoryCreationTemplateInput) (err error) {
	optional.Set(&t.Description, in.Description)
	optional.Set(&t.RepositoryPolicy, in.RepositoryPolicy)
	optional.Set(&t.LifecyclePolicy, in.LifecyclePolicy)
	optional.Set(&t.Role, in.CustomRoleArn)
	t.Encryption = cmp.Or(in.EncryptionConfiguration, t.Encryption)
	if in.AppliedFor != nil {
		t.AppliedFor = in.AppliedFor
	}
	if in.ResourceTags != nil {
		if t.Tags, err = mergeTags(nil, in.ResourceTags); err != nil {
			return err
		}
	}
	if in.ImageTagMutability != "" {
		t.Mutability, err = newMutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	}
	return err
}

// template is the template with a prefix.
func (s *service) template(prefix *string) (template, error) {
	t, ok := s.templates.Get(aws.ToString(prefix))
	if !ok {
		return t, &types.TemplateNotFoundException{Message: aws.String("The repository creation template with prefix '" + aws.ToString(prefix) + "' does not exist in the registry with id '" + s.Cell.Account + "'")}
	}
	return t, nil
}

// DeleteRepositoryCreationTemplate deletes a template.
func (a *API) DeleteRepositoryCreationTemplate(ctx context.Context, in *ecr.DeleteRepositoryCreationTemplateInput, _ ...func(*ecr.Options)) (*ecr.DeleteRepositoryCreationTemplateOutput, error) {
	var t template
	err := a.change(ctx, func(tx *state.Tx) (err error) {
		t, err = a.template(in.Prefix)
		if err == nil {
			a.templates.Delete(tx, t.Prefix)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ecr.DeleteRepositoryCreationTemplateOutput{RegistryId: &a.Cell.Account, RepositoryCreationTemplate: t.describe()}, nil
}

// DescribeRepositoryCreationTemplates describes templates by their prefixes, or all in
// pages.
func (a *API) DescribeRepositoryCreationTemplates(ctx context.Context, in *ecr.DescribeRepositoryCreationTemplatesInput, _ ...func(*ecr.Options)) (*ecr.DescribeRepositoryCreationTemplatesOutput, error) {
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	var rows []template
	a.Cell.State.View(ctx, func() {
		for _, t := range a.templates.Rows("") {
			if len(in.Prefixes) == 0 || slices.Contains(in.Prefixes, t.Prefix) {
				rows = append(rows, t)
			}
		}
	})
	rows, next, err := cut(rows, func(t template) string { return t.Prefix }, in.NextToken, size)
	if err != nil {
		return nil, err
	}
	out := &ecr.DescribeRepositoryCreationTemplatesOutput{RegistryId: &a.Cell.Account, NextToken: next, RepositoryCreationTemplates: []types.RepositoryCreationTemplate{}}
	for _, t := range rows {
		out.RepositoryCreationTemplates = append(out.RepositoryCreationTemplates, *t.describe())
	}
	return out, nil
}

// CreateOnPush makes a repository that is not there, if a template says so.
func (a *API) CreateOnPush(ctx context.Context, name string) error {
	return a.change(ctx, func(tx *state.Tx) error {
		if _, there := a.repositories.Get(name); there {
			return nil
		}
		t, ok := a.onPush(name)
		if !ok {
			return noRepository(name, a.Cell.Account)
		}
		r := repository{Name: name, Created: a.Cell.Clock.Now(), Mutability: t.Mutability, Tags: t.Tags, Policy: t.RepositoryPolicy, Lifecycle: t.LifecyclePolicy}
		var err error
		r.Encryption, err = a.newEncryption(&types.EncryptionConfiguration{EncryptionType: t.Encryption.EncryptionType, KmsKey: optional.String(aws.ToString(t.Encryption.KmsKey))})
		if err != nil {
			return err
		}
		return a.create(tx, r)
	})
}

// onPush is the template with the longest prefix of a name, if it is for pushes.
func (s *service) onPush(name string) (best template, ok bool) {
	for _, t := range s.templates.Rows("") {
		fits := t.Prefix == rootPrefix || strings.HasPrefix(name, strings.TrimSuffix(t.Prefix, "/")+"/")
		longer := !ok || best.Prefix == rootPrefix || t.Prefix != rootPrefix && len(t.Prefix) > len(best.Prefix)
		if fits && longer && slices.Contains(t.AppliedFor, types.RCTAppliedForCreateOnPush) {
			best, ok = t, true
		}
	}
	return best, ok
}
