package ecs

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
	"flyball/internal/tags"
)

// checkTags validates the tags of one call.
func checkTags(list []types.Tag) error {
	_, err := mergeTags(nil, list)
	return err
}

// mergeTags returns the tags of a resource with those of a call added or replaced,
// or what is wrong with those of the call.
func mergeTags(have, add []types.Tag) ([]types.Tag, error) {
	if len(add) > tags.Most {
		return nil, fault.InvalidParameter("Tags can have at most %d items.", tags.Most)
	}
	changes := tags.Map(add, keyAndValue)
	if len(changes) < len(add) {
		return nil, fault.InvalidParameter("Tag keys must be unique.")
	}
	own, reserved := split(tags.Map(have, keyAndValue))
	merged, err := tags.Merge(own, changes, tags.Most)
	switch {
	case errors.Is(err, tags.ErrKey):
		return nil, fault.InvalidParameter("Tag keys must be between 1 and 128 characters long.")
	case errors.Is(err, tags.ErrValue):
		return nil, fault.InvalidParameter("Tag values can be at most 256 characters long.")
	case errors.Is(err, tags.ErrReserved):
		return nil, fault.InvalidParameter("Tag keys cannot start with aws:, which is reserved for AWS use.")
	case err != nil:
		return nil, fault.InvalidParameter("A resource can have at most %d tags.", tags.Most)
	}
	maps.Copy(merged, reserved)
	return tags.List(merged, newTag), nil
}

// removeTags returns the tags of a resource without some.
func removeTags(have []types.Tag, keys []string) []types.Tag {
	own, reserved := split(tags.Map(have, keyAndValue))
	left := tags.Remove(own, keys)
	maps.Copy(left, reserved)
	return tags.List(left, newTag)
}

// split parts the tags that AWS sets itself from the others: callers can neither
// set nor remove them, and they do not count.
func split(all map[string]string) (own, reserved map[string]string) {
	own, reserved = map[string]string{}, map[string]string{}
	for key, value := range all {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			reserved[key] = value
		} else {
			own[key] = value
		}
	}
	return own, reserved
}

func keyAndValue(t types.Tag) (key, value *string) { return t.Key, t.Value }

func newTag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

// A tagged resource has a list of tags, which is part of a document.
type tagged struct {
	list *[]types.Tag
	save func(*state.Tx)
}

// set replaces the tags.
func (r tagged) set(tx *state.Tx, list []types.Tag) {
	keep(tx, r.list)
	*r.list = list
	r.save(tx)
}

// findTagged returns the resource of an ARN.
func (a *API) findTagged(ref *string) (tagged, error) {
	resource, ok := a.cell.Parse("ecs", aws.ToString(ref))
	parts := strings.Split(resource, "/")
	switch {
	case !ok:
	case len(parts) == 2:
		return a.findTaggedByName(*ref, parts[0], parts[1])
	case len(parts) == 3:
		return a.findTaggedInCluster(*ref, parts[0], parts[1], parts[2])
	}
	return tagged{}, notTagged(aws.ToString(ref))
}

func notTagged(ref string) error {
	return fault.InvalidParameter("Invalid identifier: %s is not the ARN of an Amazon ECS resource.", ref)
}

// findTaggedByName returns a resource that belongs to no cluster, or a cluster.
func (a *API) findTaggedByName(ref, kind, name string) (tagged, error) {
	switch kind {
	case "task-definition":
		if d, ok := a.findDefinition(ref); ok {
			return tagged{&d.tags, d.save}, nil
		}
		return tagged{}, fault.Client("Unable to describe task definition.")
	case "capacity-provider":
		if p, ok := a.providers[name]; ok {
			return tagged{&p.api.Tags, p.save}, nil
		}
		return tagged{}, fault.InvalidParameter("The specified capacity provider was not found. Specify a valid name or ARN and try again.")
	case "service", "task", "container-instance":
		return tagged{}, fault.InvalidParameter("Long arn format must be used for tagging operations")
	case "cluster":
		c, err := a.taggedCluster(name)
		if err != nil {
			return tagged{}, err
		}
		return tagged{&c.api.Tags, c.save}, nil
	}
	return tagged{}, notTagged(ref)
}

func (a *API) taggedCluster(name string) (*cluster, error) {
	c, ok := a.clusters[name]
	switch {
	case !ok:
		return nil, fault.InvalidParameter("The specified cluster does not exist.")
	case c.inactive():
		return nil, fault.InvalidParameter("The specified cluster is inactive. Specify an active cluster and try again.")
	}
	return c, nil
}

// findTaggedInCluster returns a resource that belongs to a cluster and still lives.
func (a *API) findTaggedInCluster(ref, kind, cluster, id string) (tagged, error) {
	if kind != "service" && kind != "task" && kind != "container-instance" {
		return tagged{}, notTagged(ref)
	}
	c, err := a.taggedCluster(cluster)
	if err != nil {
		return tagged{}, err
	}
	switch kind {
	case "service":
		return c.taggedService(id)
	case "task":
		return c.taggedTask(id)
	}
	if i, ok := c.instances[id]; ok {
		return tagged{&i.api.Tags, i.save}, nil
	}
	return tagged{}, fault.InvalidParameter("The specified container instance does not exist.")
}

func (c *cluster) taggedService(name string) (tagged, error) {
	s, ok := c.services[name]
	switch {
	case !ok:
		return tagged{}, fault.InvalidParameter("The specified service does not exist.")
	case s.status() == inactive:
		return tagged{}, fault.InvalidParameter("The specified service is inactive. Specify an active service and try again.")
	}
	return tagged{&s.api.Tags, s.save}, nil
}

func (c *cluster) taggedTask(id string) (tagged, error) {
	t, ok := c.tasks[id]
	switch {
	case !ok:
		return tagged{}, fault.InvalidParameter("The specified task does not exist.")
	case t.stopped():
		return tagged{}, fault.InvalidParameter("The specified task is stopped. Specify a running task and try again.")
	}
	return tagged{&t.api.Tags, t.save}, nil
}

// TagResource adds tags to a cluster, service, task, task definition, capacity
// provider or container instance.
func (a *API) TagResource(ctx context.Context, in *ecs.TagResourceInput, _ ...func(*ecs.Options)) (*ecs.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return answer(&ecs.TagResourceOutput{}, a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		r, err := a.findTagged(in.ResourceArn)
		if err != nil {
			return err
		}
		merged, err := mergeTags(*r.list, in.Tags)
		if err != nil {
			return err
		}
		r.set(tx, merged)
		return nil
	}))
}

// UntagResource removes tags.
func (a *API) UntagResource(ctx context.Context, in *ecs.UntagResourceInput, _ ...func(*ecs.Options)) (*ecs.UntagResourceOutput, error) {
	return answer(&ecs.UntagResourceOutput{}, a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		r, err := a.findTagged(in.ResourceArn)
		if err != nil {
			return err
		}
		r.set(tx, removeTags(*r.list, in.TagKeys))
		return nil
	}))
}

// ListTagsForResource lists the tags of a resource.
func (a *API) ListTagsForResource(ctx context.Context, in *ecs.ListTagsForResourceInput, _ ...func(*ecs.Options)) (*ecs.ListTagsForResourceOutput, error) {
	return read(ctx, a, func() (*ecs.ListTagsForResourceOutput, error) {
		r, err := a.findTagged(in.ResourceArn)
		if err != nil {
			return nil, err
		}
		return &ecs.ListTagsForResourceOutput{Tags: optional.List(*r.list)}, nil
	})
}
