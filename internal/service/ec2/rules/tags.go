package rules

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
	"flyball/internal/tags"
)

// WithTags returns tags with others added or replaced.
func WithTags(have map[string]string, add []types.Tag) (map[string]string, error) {
	merged, err := tags.Merge(have, tags.Map(add, func(t types.Tag) (key, value *string) { return t.Key, t.Value }), tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, fault.New("TagLimitExceeded", "The maximum number of tags for a resource has been reached: %d", tags.Most)
	case errors.Is(err, tags.ErrReserved):
		return nil, fault.Invalid("Tag keys starting with 'aws:' are reserved for internal use")
	case errors.Is(err, tags.ErrKey):
		return nil, fault.Invalid("Tag key must have 1 to 128 characters")
	case errors.Is(err, tags.ErrValue):
		return nil, fault.Invalid("Tag value exceeds the maximum length of 256 characters")
	}
	return merged, nil
}

// WithoutTags returns the tags that are left when some are taken away. One that is
// given with a value goes only if it has that; when none are given, all go.
func WithoutTags(have map[string]string, remove []types.Tag) map[string]string {
	if len(remove) == 0 {
		return nil
	}
	var keys []string
	for _, t := range remove {
		if t.Key != nil && (t.Value == nil || have[*t.Key] == *t.Value) {
			keys = append(keys, *t.Key)
		}
	}
	return tags.Remove(have, keys)
}

// TagList writes tags by their keys.
func TagList(m map[string]string) []types.Tag {
	return tags.List(m, func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} })
}

// TagsOf are the tags that a call gives what it makes, which must all be for its type
// of resource.
func TagsOf(given []types.TagSpecification, kind types.ResourceType) (map[string]string, error) {
	var all []types.Tag
	for _, s := range given {
		if s.ResourceType == "" {
			return nil, fault.New("InvalidParameter", "Tag specification resource type must have a value")
		}
		if s.ResourceType != kind {
			return nil, fault.New("InvalidParameter", "'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		if len(s.Tags) == 0 {
			return nil, fault.New("InvalidParameter", "Tag specification must have at least one tag")
		}
		all = append(all, s.Tags...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return WithTags(nil, all)
}
