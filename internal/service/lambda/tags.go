package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/tags"
)

// TagResource adds or replaces tags of a function.
func (a *API) TagResource(ctx context.Context, in *lambda.TagResourceInput, _ ...func(*lambda.Options)) (*lambda.TagResourceOutput, error) {
	name, err := a.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, fault.Parameter("An error occurred and the request cannot be processed.")
	}
	err = a.changeFunction(ctx, name, func(f *functionRow) (err error) {
		f.Tags, err = mergeTags(f.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lambda.TagResourceOutput{}, nil
}

// UntagResource removes tags of a function.
func (a *API) UntagResource(ctx context.Context, in *lambda.UntagResourceInput, _ ...func(*lambda.Options)) (*lambda.UntagResourceOutput, error) {
	name, err := a.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, fault.Constraint("null", "tagKeys", "not be null")
	}
	err = a.changeFunction(ctx, name, func(f *functionRow) error {
		f.Tags = tags.Remove(f.Tags, in.TagKeys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambda.UntagResourceOutput{}, nil
}

// ListTags tells the tags of a function.
func (a *API) ListTags(ctx context.Context, in *lambda.ListTagsInput, _ ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	name, err := a.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	var t target
	a.cell.State.View(ctx, func() { t, err = a.lookup(rules.Reference{Name: name}) })
	if err != nil {
		return nil, err
	}
	out := &lambda.ListTagsOutput{Tags: t.function.Tags}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}

// tagged is the name of the function that an ARN names.
func (a *API) tagged(resource *string) (string, error) {
	owner, r, err := a.named(resource, nil)
	switch {
	case err != nil:
		return "", err
	case owner != a:
		return "", fault.Denied()
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
