package ecs

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/store"
)

const maxTags = 50

// checkTags validates the tags of one call.
func checkTags(tags []types.Tag) error {
	if len(tags) > maxTags {
		return fault.InvalidParameter("Tags can have at most %d items.", maxTags)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			return fault.InvalidParameter("Tag keys must be between 1 and 128 characters long.")
		case utf8.RuneCountInString(value) > 256:
			return fault.InvalidParameter("Tag values can be at most 256 characters long.")
		case reservedTag(key):
			return fault.InvalidParameter("Tag keys cannot start with aws:, which is reserved for AWS use.")
		case seen[key]:
			return fault.InvalidParameter("Tag keys must be unique: %s.", key)
		}
		seen[key] = true
	}
	return nil
}

// reservedTag reports whether a tag is one that AWS sets itself: callers can
// neither set nor remove it, and it does not count.
func reservedTag(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }

// mergeTags returns old with the changes made, as a new list.
func mergeTags(old, changes []types.Tag) []types.Tag {
	merged := slices.Clone(orEmpty(old))
	for _, t := range changes {
		i := slices.IndexFunc(merged, func(m types.Tag) bool { return *m.Key == *t.Key })
		if i < 0 {
			merged = append(merged, t)
		} else {
			merged[i] = t
		}
	}
	return merged
}

// A tagged resource: its tags, and how to store the resource after a change.
type tagged struct {
	tags *[]types.Tag
	save func(*store.Batch)
}

// partsOfTagged is how many names the ARNs of what belongs to a cluster have.
var partsOfTagged = map[string]int{"cluster": 1, "container-instance": 2, "service": 2, "task": 2}

// findTagged returns the resource of an ARN. The lock is held.
func (a *API) findTagged(ref *string) (tagged, error) {
	invalid := fault.InvalidParameter("Invalid identifier: %s is not the ARN of an Amazon ECS resource.", aws.ToString(ref))
	_, resource, ok := strings.Cut(aws.ToString(ref), ":"+a.cfg.Account+":")
	if !ok {
		return tagged{}, invalid
	}
	kind, _, _ := strings.Cut(resource, "/")
	parts, ok := a.resource(kind, *ref)
	if !ok {
		return tagged{}, invalid
	}
	if len(parts) == 1 {
		switch kind {
		case "task-definition":
			if d, ok := a.findDefinition(*ref); ok {
				return tagged{&d.tags, d.save}, nil
			}
			return tagged{}, fault.Client("Unable to describe task definition.")
		case "capacity-provider":
			if p, ok := a.providers[parts[0]]; ok {
				return tagged{&p.api.Tags, p.save}, nil
			}
			return tagged{}, fault.InvalidParameter("The specified capacity provider was not found. Specify a valid name or ARN and try again.")
		case "service", "task", "container-instance":
			return tagged{}, fault.InvalidParameter("Long arn format must be used for tagging operations")
		}
	}
	if len(parts) != partsOfTagged[kind] {
		return tagged{}, invalid
	}
	c, ok := a.clusters[parts[0]]
	switch {
	case !ok:
		return tagged{}, fault.InvalidParameter("The specified cluster does not exist.")
	case c.inactive():
		return tagged{}, fault.InvalidParameter("The specified cluster is inactive. Specify an active cluster and try again.")
	}
	switch kind {
	case "cluster":
		return tagged{&c.api.Tags, c.save}, nil
	case "service":
		s, ok := c.services[parts[1]]
		switch {
		case !ok:
			return tagged{}, fault.InvalidParameter("The specified service does not exist.")
		case s.status() == inactive:
			return tagged{}, fault.InvalidParameter("The specified service is inactive. Specify an active service and try again.")
		}
		return tagged{&s.api.Tags, s.save}, nil
	case "task":
		t, ok := c.tasks[parts[1]]
		switch {
		case !ok:
			return tagged{}, fault.InvalidParameter("The specified task does not exist.")
		case aws.ToString(t.api.LastStatus) == statusStopped:
			return tagged{}, fault.InvalidParameter("The specified task is stopped. Specify a running task and try again.")
		}
		return tagged{&t.api.Tags, t.save}, nil
	default:
		if i, ok := c.instances[parts[1]]; ok {
			return tagged{&i.api.Tags, i.save}, nil
		}
		return tagged{}, fault.InvalidParameter("The specified container instance does not exist.")
	}
}

// TagResource adds tags to a cluster, service, task, task definition, capacity
// provider or container instance.
func (a *API) TagResource(ctx context.Context, in *ecs.TagResourceInput, _ ...func(*ecs.Options)) (*ecs.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return answer(&ecs.TagResourceOutput{}, a.change(func(b *store.Batch) error {
		r, err := a.findTagged(in.ResourceArn)
		if err != nil {
			return err
		}
		merged := mergeTags(*r.tags, in.Tags)
		own := 0
		for _, t := range merged {
			if !reservedTag(*t.Key) {
				own++
			}
		}
		if own > maxTags {
			return fault.InvalidParameter("A resource can have at most %d tags.", maxTags)
		}
		*r.tags = merged
		r.save(b)
		return nil
	}))
}

// UntagResource removes tags.
func (a *API) UntagResource(ctx context.Context, in *ecs.UntagResourceInput, _ ...func(*ecs.Options)) (*ecs.UntagResourceOutput, error) {
	return answer(&ecs.UntagResourceOutput{}, a.change(func(b *store.Batch) error {
		r, err := a.findTagged(in.ResourceArn)
		if err != nil {
			return err
		}
		kept := []types.Tag{}
		for _, t := range *r.tags {
			if reservedTag(*t.Key) || !slices.Contains(in.TagKeys, *t.Key) {
				kept = append(kept, t)
			}
		}
		*r.tags = kept
		r.save(b)
		return nil
	}))
}

// ListTagsForResource lists the tags of a resource.
func (a *API) ListTagsForResource(ctx context.Context, in *ecs.ListTagsForResourceInput, _ ...func(*ecs.Options)) (*ecs.ListTagsForResourceOutput, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	r, err := a.findTagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecs.ListTagsForResourceOutput{Tags: orEmpty(*r.tags)}, nil
}
