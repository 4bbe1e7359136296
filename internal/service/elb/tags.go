package elb

import (
	"context"
	"errors"
	"strings"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/state"
	"flyball/internal/tags"
)

func tagParts(t types.Tag) (key, value *string) { return t.Key, t.Value }

// newTags are the tags that a resource is made with.
func newTags(given []types.Tag) (map[string]string, error) { return addTags(nil, given) }

func addTags(have map[string]string, given []types.Tag) (map[string]string, error) {
	add := tags.Map(given, tagParts)
	if len(add) < len(given) {
		return nil, fault.DuplicateTagKeys()
	}
	merged, err := tags.Merge(have, add, tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, fault.TooManyTags(tags.Most)
	case err != nil:
		return nil, fault.Validation("%v", err)
	}
	return merged, nil
}

// Resource is the tags of a resource by its ARN.
func (a *API) Resource(ctx context.Context, arn string) (found map[string]string, ok bool) {
	found, err := read(ctx, a, func() (map[string]string, error) { return a.tagsOf(arn) })
	return found, err == nil
}

func (a *API) tagsOf(arn string) (map[string]string, error) {
	switch kindOf(arn) {
	case kindOfBalancer:
		b, err := a.balancer(&arn)
		return b.Tags, err
	case kindOfGroup:
		g, err := a.group(&arn)
		return g.Tags, err
	case kindOfListener:
		l, err := a.listener(&arn)
		return l.Tags, err
	case kindOfRule:
		r, err := a.rule(&arn)
		return r.Tags, err
	}
	return nil, fault.Validation("'%s' is not a valid ARN of a resource that has tags", arn)
}

// kindOf is the kind of resource that an ARN names, or "".
func kindOf(arn string) string {
	for _, kind := range []string{kindOfBalancer, kindOfGroup, kindOfListener, kindOfRule} {
		if strings.Contains(arn, ":"+kind) {
			return kind
		}
	}
	return ""
}

// retag gives a resource other tags. What has tags alone changed, the data plane is
// not told of.
func (a *API) retag(tx *state.Tx, arn string, change func(map[string]string) (map[string]string, error)) error {
	have, err := a.tagsOf(arn)
	if err != nil {
		return err
	}
	all, err := change(have)
	if err != nil {
		return err
	}
	switch kindOf(arn) {
	case kindOfBalancer:
		b, _ := a.balancers.Get(arn)
		b.Tags = all
		a.balancers.Put(tx, arn, b)
		tx.After(a.periodMayHaveChanged)
		return checkPeriodTag(all)
	case kindOfGroup:
		g, _ := a.groups.Get(arn)
		g.Tags = all
		a.groups.Put(tx, arn, g)
	case kindOfListener:
		l, _ := a.listeners.Get(arn)
		l.Tags = all
		a.listeners.Put(tx, arn, l)
	case kindOfRule:
		r, _ := a.rules.Get(arn)
		r.Tags = all
		a.rules.Put(tx, arn, r)
	}
	return nil
}

// AddTags adds tags to resources, or replaces their values.
func (a *API) AddTags(ctx context.Context, in *elb.AddTagsInput, _ ...func(*elb.Options)) (*elb.AddTagsOutput, error) {
	err := a.retagAll(ctx, in.ResourceArns, func(have map[string]string) (map[string]string, error) { return addTags(have, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &elb.AddTagsOutput{}, nil
}

// RemoveTags takes tags from resources.
func (a *API) RemoveTags(ctx context.Context, in *elb.RemoveTagsInput, _ ...func(*elb.Options)) (*elb.RemoveTagsOutput, error) {
	err := a.retagAll(ctx, in.ResourceArns, func(have map[string]string) (map[string]string, error) { return tags.Remove(have, in.TagKeys), nil })
	if err != nil {
		return nil, err
	}
	return &elb.RemoveTagsOutput{}, nil
}

func (a *API) retagAll(ctx context.Context, arns []string, change func(map[string]string) (map[string]string, error)) error {
	return a.write(ctx, func(_ context.Context, tx *state.Tx) error {
		for _, arn := range arns {
			if err := a.retag(tx, arn, change); err != nil {
				return err
			}
		}
		return nil
	})
}

// mostDescribed is how many resources' tags are described in one call.
const mostDescribed = 20

// DescribeTags lists the tags of resources.
func (a *API) DescribeTags(ctx context.Context, in *elb.DescribeTagsInput, _ ...func(*elb.Options)) (*elb.DescribeTagsOutput, error) {
	if len(in.ResourceArns) > mostDescribed {
		return nil, fault.Validation("You can specify up to '%d' resources in a single call", mostDescribed)
	}
	all, err := read(ctx, a, func() ([]types.TagDescription, error) {
		return each(in.ResourceArns, func(arn string) (types.TagDescription, error) {
			have, err := a.tagsOf(arn)
			return types.TagDescription{
				ResourceArn: &arn, Tags: tags.List(have, func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }),
			}, err
		})
	})
	if err != nil {
		return nil, err
	}
	return &elb.DescribeTagsOutput{TagDescriptions: all}, nil
}
