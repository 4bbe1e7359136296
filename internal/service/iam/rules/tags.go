package rules

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/service/iam/fault"
	"flyball/internal/tags"
)

// Tags reads a list of tags. Keys are told apart without regard to case, as in
// "Rules for tagging in IAM and AWS STS".
func Tags(list []types.Tag) (map[string]string, error) { return WithTags(nil, list) }

// WithTags returns tags with those of a request added. A key that is there in
// another case takes the new one.
func WithTags(have map[string]string, list []types.Tag) (map[string]string, error) {
	add := tags.Map(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	folded := make(map[string]bool, len(list))
	for _, t := range list {
		key := ""
		if t.Key != nil {
			key = strings.ToLower(*t.Key)
		}
		if folded[key] {
			return nil, fault.InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		folded[key] = true
	}
	kept := make(map[string]string, len(have))
	for key, value := range have {
		if !folded[strings.ToLower(key)] {
			kept[key] = value
		}
	}
	merged, err := tags.Merge(kept, add, tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return nil, fault.LimitExceeded("The number of tags has reached the maximum limit.")
	case errors.Is(err, tags.ErrReserved):
		return nil, fault.InvalidInput("Tag keys cannot start with aws: as it is reserved for AWS use")
	case err != nil:
		return nil, fault.InvalidInput("%v.", err)
	case len(merged) == 0:
		return nil, nil
	}
	return merged, nil
}

// WithoutTags returns tags without some keys, whatever their case.
func WithoutTags(have map[string]string, keys []string) map[string]string {
	var gone []string
	for key := range have {
		for _, k := range keys {
			if strings.EqualFold(k, key) {
				gone = append(gone, key)
			}
		}
	}
	return tags.Remove(have, gone)
}

// TagList writes tags as IAM answers them.
func TagList(have map[string]string) []types.Tag {
	return tags.List(have, func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} })
}
