package ecs

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/store"
)

const maxTags = 50

// checkTags validates the tags of one call.
func checkTags(tags []types.Tag) error {
	if len(tags) > maxTags {
		return invalidParameter("Tags can have at most %d items.", maxTags)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			return invalidParameter("Tag keys must be between 1 and 128 characters long.")
		case utf8.RuneCountInString(value) > 256:
			return invalidParameter("Tag values can be at most 256 characters long.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalidParameter("Tag keys cannot start with aws:, which is reserved for AWS use.")
		case seen[key]:
			return invalidParameter("Tag keys must be unique: %s.", key)
		}
		seen[key] = true
	}
	return nil
}

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

// findTagged returns the resource of an ARN. The lock is held.
func (a *API) findTagged(ref *string) (tagged, error) {
	invalid := invalidParameter("Invalid identifier: %s is not the ARN of an Amazon ECS resource.", aws.ToString(ref))
	_, resource, ok := strings.Cut(aws.ToString(ref), ":"+a.cfg.Account+":")
	if !ok {
		return tagged{}, invalid
	}
	kind, _, _ := strings.Cut(resource, "/")
	parts, ok := a.resource(kind, *ref)
	if !ok {
		return tagged{}, invalid
	}
	switch {
	case kind == "cluster" && len(parts) == 1:
		if c, ok := a.clusters[parts[0]]; ok && !c.inactive() {
			return tagged{&c.api.Tags, c.save}, nil
		}
		return tagged{}, clusterNotFound()
	case kind == "task-definition" && len(parts) == 1:
		if d, ok := a.findDefinition(*ref); ok {
			return tagged{&d.tags, d.save}, nil
		}
		return tagged{}, invalidParameter("The specified task definition was not found. Specify a valid ARN and try again.")
	case (kind == "service" || kind == "task" || kind == "container-instance") && len(parts) == 1:
		return tagged{}, invalidParameter("Long arn format must be used for tagging operations")
	case kind == "capacity-provider" && len(parts) == 1:
		if p, ok := a.providers[parts[0]]; ok {
			return tagged{&p.api.Tags, p.save}, nil
		}
		return tagged{}, invalidParameter("The specified capacity provider was not found. Specify a valid name or ARN and try again.")
	case kind == "container-instance" && len(parts) == 2:
		if c, ok := a.clusters[parts[0]]; ok {
			if i, ok := c.instances[parts[1]]; ok {
				return tagged{&i.api.Tags, i.save}, nil
			}
		}
		return tagged{}, invalidParameter("The specified container instance was not found. Specify a valid ARN and try again.")
	case (kind == "service" || kind == "task") && len(parts) == 2:
		c, ok := a.clusters[parts[0]]
		if !ok {
			return tagged{}, clusterNotFound()
		}
		if kind == "service" {
			if s, ok := c.services[parts[1]]; ok && s.status() != inactive {
				return tagged{&s.api.Tags, s.save}, nil
			}
			return tagged{}, serviceNotFound()
		}
		if t, ok := c.tasks[parts[1]]; ok {
			return tagged{&t.api.Tags, t.save}, nil
		}
		return tagged{}, &types.ResourceNotFoundException{Message: aws.String("The specified task was not found. Specify a valid ARN and try again.")}
	}
	return tagged{}, invalid
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
		if len(merged) > maxTags {
			return invalidParameter("A resource can have at most %d tags.", maxTags)
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
			if !slices.Contains(in.TagKeys, *t.Key) {
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
