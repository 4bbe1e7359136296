package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
	"flyball/internal/tags"
)

// TagResource adds or replaces tags of a function, or of an event source mapping.
func (a *API) TagResource(ctx context.Context, in *lambda.TagResourceInput, _ ...func(*lambda.Options)) (*lambda.TagResourceOutput, error) {
	if owner := a.ownerOf(in.Resource); owner != a {
		return owner.TagResource(ctx, in)
	}
	if len(in.Tags) == 0 {
		return nil, fault.Parameter("An error occurred and the request cannot be processed.")
	}
	err := a.retag(ctx, in.Resource, func(have map[string]string) (map[string]string, error) { return mergeTags(have, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &lambda.TagResourceOutput{}, nil
}

// UntagResource removes tags of a function, or of an event source mapping.
func (a *API) UntagResource(ctx context.Context, in *lambda.UntagResourceInput, _ ...func(*lambda.Options)) (*lambda.UntagResourceOutput, error) {
	if owner := a.ownerOf(in.Resource); owner != a {
		return owner.UntagResource(ctx, in)
	}
	if len(in.TagKeys) == 0 {
		return nil, fault.Constraint("null", "tagKeys", "not be null")
	}
	err := a.retag(ctx, in.Resource, func(have map[string]string) (map[string]string, error) { return tags.Remove(have, in.TagKeys), nil })
	if err != nil {
		return nil, err
	}
	return &lambda.UntagResourceOutput{}, nil
}

// retag changes the tags of what an ARN names: a function, or an event source mapping.
func (a *API) retag(ctx context.Context, resource *string, change func(map[string]string) (map[string]string, error)) error {
	if id, is := a.mappingNamed(aws.ToString(resource)); is {
		return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) (err error) {
			m, exists := a.mappings.Get(id)
			if !exists {
				return noMapping(resource)
			}
			if m.Tags, err = change(m.Tags); err == nil {
				a.mappings.Put(tx, id, m) // its pollers have nothing to do with them
			}
			return err
		})
	}
	name, err := a.tagged(resource)
	if err != nil {
		return err
	}
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t, err := a.lookup(rules.Reference{Name: name})
		if err != nil {
			return err
		}
		if t.function.Tags, err = change(t.function.Tags); err != nil {
			return err
		}
		t.version.Revision = newRevision()
		a.functions.Put(tx, name, t.function)
		a.versions.Put(tx, versionKey(name, rules.Latest), t.version)
		return nil
	})
}

// ListTags tells the tags of a function, or of an event source mapping.
func (a *API) ListTags(ctx context.Context, in *lambda.ListTagsInput, _ ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	if owner := a.ownerOf(in.Resource); owner != a {
		return owner.ListTags(ctx, in)
	}
	if id, is := a.mappingNamed(aws.ToString(in.Resource)); is {
		m, err := a.mapping(ctx, &id)
		if err != nil {
			return nil, noMapping(in.Resource)
		}
		return &lambda.ListTagsOutput{Tags: listedTags(m.Tags)}, nil
	}
	name, err := a.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	var t target
	a.cell.State.View(ctx, func() { t, err = a.lookup(rules.Reference{Name: name}) })
	if err != nil {
		return nil, err
	}
	return &lambda.ListTagsOutput{Tags: listedTags(t.function.Tags)}, nil
}

// noMapping answers the ARN of no mapping, in the words of tags.
func noMapping(resource *string) error {
	return fault.NotFound("Event source mapping not found: %s", aws.ToString(resource))
}

// listedTags are tags as they are listed: never null.
func listedTags(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

// tagged is the name of the function that an ARN names.
func (a *API) tagged(resource *string) (string, error) {
	_, r, err := a.named(resource, nil)
	switch {
	case err != nil:
		return "", err
	case r.Qualifier != "":
		return "", fault.Parameter("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return r.Name, nil
}

func mergeTags(have, add map[string]string) (map[string]string, error) {
	if len(add) == 0 {
		return have, nil
	}
	merged, err := tags.Merge(have, add, tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, fault.Parameter("Number of tags exceeds resource tag limit.")
	case err != nil:
		return nil, fault.Parameter("%s", err)
	}
	return merged, nil
}
