package ec2

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A taggable is a collection of resources that have tags.
type taggable interface {
	resourceType() types.ResourceType
	owns(id string) bool
	tagged() []resource
	look(id string) (resource, bool)
	retag(tx *state.Tx, id string, change func(map[string]string) (map[string]string, error)) error
}

func (a *API) taggables() []taggable {
	return []taggable{&a.vpcs, &a.subnets, &a.groups, &a.rules, &a.gateways, &a.tables, &a.acls, &a.addresses, &a.nats}
}

// CreateTags adds tags to resources, or replaces their values.
func (a *API) CreateTags(ctx context.Context, in *ec2.CreateTagsInput, _ ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error) {
	return &ec2.CreateTagsOutput{}, a.retag(ctx, in.DryRun, in.Resources, func(have map[string]string) (map[string]string, error) {
		return rules.WithTags(have, in.Tags)
	})
}

// DeleteTags takes tags from resources: those that are given, or all.
func (a *API) DeleteTags(ctx context.Context, in *ec2.DeleteTagsInput, _ ...func(*ec2.Options)) (*ec2.DeleteTagsOutput, error) {
	return &ec2.DeleteTagsOutput{}, a.retag(ctx, in.DryRun, in.Resources, func(have map[string]string) (map[string]string, error) {
		return rules.WithoutTags(have, in.Tags), nil
	})
}

func (a *API) retag(ctx context.Context, dryRun *bool, ids []string, change func(map[string]string) (map[string]string, error)) error {
	return a.write(ctx, dryRun, func(_ context.Context, tx *state.Tx) error {
		for _, id := range ids {
			at := slices.IndexFunc(a.taggables(), func(c taggable) bool { return c.owns(id) })
			if at < 0 {
				return fault.New("InvalidID", "The ID '%s' is not valid", id)
			}
			if err := a.taggables()[at].retag(tx, id, change); err != nil {
				return err
			}
		}
		return nil
	})
}

// A tag is one of a resource's.
type tag struct {
	id, key, value string
	kind           types.ResourceType
}

// DescribeTags lists tags by the ids of their resources and by their keys.
func (a *API) DescribeTags(ctx context.Context, in *ec2.DescribeTagsInput, _ ...func(*ec2.Options)) (*ec2.DescribeTagsOutput, error) {
	text := func(f func(tag) string) func(tag) []string { return func(t tag) []string { return []string{f(t)} } }
	fields := rules.Fields[tag]{
		"key":           text(func(t tag) string { return t.key }),
		"resource-id":   text(func(t tag) string { return t.id }),
		"resource-type": text(func(t tag) string { return string(t.kind) }),
		"value":         text(func(t tag) string { return t.value }),
	}
	passes, err := rules.Tags(fields, nil).Match(withoutTagPrefix(in.Filters))
	if err != nil {
		return nil, err
	}
	var all []tag
	err = a.read(ctx, in.DryRun, func() error { all = a.allTags(); return nil })
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(t tag) bool { return !passes(t) })
	order := func(t tag) string { return t.id + "/" + t.key }
	slices.SortFunc(all, func(x, y tag) int { return strings.Compare(order(x), order(y)) })
	found, next, err := paged(all, order, question{most: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeTagsOutput{NextToken: next, Tags: shown(found, func(t tag) types.TagDescription {
		return types.TagDescription{ResourceId: &t.id, ResourceType: t.kind, Key: &t.key, Value: &t.value}
	})}, nil
}

// withoutTagPrefix are filters in which tag:KEY is said as the two that it stands for.
func withoutTagPrefix(given []types.Filter) (all []types.Filter) {
	for _, f := range given {
		key, ok := strings.CutPrefix(aws.ToString(f.Name), "tag:")
		if !ok {
			all = append(all, f)
			continue
		}
		name, value := "key", "value"
		all = append(all, types.Filter{Name: &name, Values: []string{key}}, types.Filter{Name: &value, Values: f.Values})
	}
	return all
}

func (a *API) allTags() (all []tag) {
	for _, c := range a.taggables() {
		for _, r := range c.tagged() {
			for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
				all = append(all, tag{r.ID, key, r.Tags[key], c.resourceType()})
			}
		}
	}
	return all
}

// Resource is the ARN and the tags of a resource, by its id or by the end of its ARN,
// such as vpc/vpc-0a1b2c3d4e5f60718.
func (a *API) Resource(ctx context.Context, name string) (arn string, tags map[string]string, ok bool) {
	id := name[strings.LastIndexByte(name, '/')+1:]
	a.cell.State.View(ctx, func() {
		for _, c := range a.taggables() {
			if r, found := c.look(id); found {
				arn, tags, ok = *a.arn(c.resourceType(), id), r.Tags, true
			}
		}
	})
	return arn, tags, ok
}
