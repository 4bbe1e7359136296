// Package tags is what all services do alike with the tags of their resources.
// A service keeps tags as a map, and answers in the shape and with the errors of
// its own API:
//
//	merged, err := rules.Merge(row.Tags, tags.Map(in.Tags, func(t types.Tag) (k, v *string) { return t.Key, t.Value }))
//	switch {
//	case errors.Is(err, tags.ErrReserved): ...
package tags

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// What can be wrong with tags. Errors wrap one of these, and say which key.
var (
	ErrKey      = errors.New("the key of a tag must have 1 to 128 characters")
	ErrValue    = errors.New("the value of a tag must have at most 256 characters")
	ErrReserved = errors.New("tag keys that start with aws: are reserved")
	ErrTooMany  = errors.New("the resource has too many tags")
)

// Lengths in characters, alike for all services ("Tagging AWS resources").
const (
	maxKey   = 128
	maxValue = 256
)

// Most is how many tags a resource of most services can have.
const Most = 50

// Merge returns the tags with others added or replaced, or what is wrong with
// those. A resource has at most a number of tags. Nothing that is given changes.
func Merge(have, add map[string]string, most int) (map[string]string, error) {
	for _, key := range slices.Sorted(maps.Keys(add)) {
		if err := check(key, add[key]); err != nil {
			return nil, fmt.Errorf("tag %q: %w", key, err)
		}
	}
	merged := maps.Clone(have)
	if merged == nil {
		merged = make(map[string]string, len(add))
	}
	maps.Copy(merged, add)
	if len(merged) > most {
		return nil, ErrTooMany
	}
	return merged, nil
}

func check(key, value string) error {
	switch {
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return ErrReserved
	case key == "" || utf8.RuneCountInString(key) > maxKey:
		return ErrKey
	case utf8.RuneCountInString(value) > maxValue:
		return ErrValue
	}
	return nil
}

// Remove returns the tags without some keys.
func Remove(have map[string]string, keys []string) map[string]string {
	left := maps.Clone(have)
	for _, key := range keys {
		delete(left, key)
	}
	return left
}

// Map reads a list of an API's tags. A member that is not given counts as "".
func Map[T any](list []T, of func(T) (key, value *string)) map[string]string {
	m := make(map[string]string, len(list))
	for _, t := range list {
		key, value := of(t)
		m[text(key)] = text(value)
	}
	return m
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// List writes tags as a list of an API's, by key. It is never nil.
func List[T any](m map[string]string, tag func(key, value string) T) []T {
	list := make([]T, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, tag(key, m[key]))
	}
	return list
}
