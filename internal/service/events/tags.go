package events

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/service/events/fault"
	"flyball/internal/tags"
)

// TagResource adds or replaces tags of a bus or a rule.
func (a *API) TagResource(ctx context.Context, in *eventbridge.TagResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.TagResourceOutput, error) {
	err := a.changeTags(ctx, *in.ResourceARN, func(have map[string]string) (map[string]string, error) {
		return mergeTags(have, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.TagResourceOutput{}, nil
}

// UntagResource removes tags of a bus or a rule.
func (a *API) UntagResource(ctx context.Context, in *eventbridge.UntagResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.UntagResourceOutput, error) {
	err := a.changeTags(ctx, *in.ResourceARN, func(have map[string]string) (map[string]string, error) {
		return tags.Remove(have, in.TagKeys), nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.UntagResourceOutput{}, nil
}

// ListTagsForResource tells the tags of a bus or a rule.
func (a *API) ListTagsForResource(ctx context.Context, in *eventbridge.ListTagsForResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTagsForResourceOutput, error) {
	_, found, _, ok := a.Resource(ctx, *in.ResourceARN)
	if !ok {
		return nil, a.noResource(*in.ResourceARN)
	}
	return &eventbridge.ListTagsForResourceOutput{
		Tags: tags.List(found, func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }),
	}, nil
}

// changeTags changes the tags of what an ARN names.
func (a *API) changeTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	resource, _ := a.cell.Parse("events", arn)
	if name, isBus := strings.CutPrefix(resource, "event-bus/"); isBus {
		return a.changeBus(ctx, name, func(b *bus) (err error) { b.Tags, err = change(b.Tags); return err })
	}
	if busName, name, isRule := ruleOfARN(resource); isRule {
		return a.changeRule(ctx, busName, name, func(r *rule) (err error) { r.Tags, err = change(r.Tags); return err })
	}
	return a.noResource(arn)
}

// noResource answers an ARN of nothing that has tags.
func (a *API) noResource(arn string) error {
	resource, ok := a.cell.Parse("events", arn)
	if name, isBus := strings.CutPrefix(resource, "event-bus/"); ok && isBus {
		return fault.NoBus(name)
	}
	if busName, name, isRule := ruleOfARN(resource); ok && isRule {
		return fault.NoRule(name, busName)
	}
	return fault.Invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn)
}

func mergeTags(have map[string]string, add []types.Tag) (map[string]string, error) {
	given := tags.Map(add, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	if len(given) < len(add) {
		return nil, fault.Invalid("Invalid parameter: Duplicated keys are not allowed.")
	}
	merged, err := tags.Merge(have, given, tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, fault.Invalid("A resource can have %d tags at most.", tags.Most)
	case err != nil:
		return nil, fault.Invalid("Invalid parameter: %s.", err)
	}
	return merged, nil
}
