package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
)

// Fields are what the filters of an operation compare, by the filter's name.
type Fields[T any] map[string]func(T) []string

// Tags are the fields of what has tags, added to others.
func Tags[T any](fields Fields[T], of func(T) map[string]string) Filters[T] {
	return Filters[T]{fields, of}
}

// Filters are those that an operation knows.
type Filters[T any] struct {
	fields Fields[T]
	tags   func(T) map[string]string // nil for what has none
}

// Match returns the test for resources that pass all filters, or what is wrong with
// one. Values of a filter are alternatives.
func (f Filters[T]) Match(given []types.Filter) (func(T) bool, error) {
	var tests []func(T) bool
	for _, g := range given {
		values, err := f.values(aws.ToString(g.Name))
		if err != nil {
			return nil, err
		}
		tests = append(tests, func(item T) bool {
			return slices.ContainsFunc(values(item), func(have string) bool {
				return slices.ContainsFunc(g.Values, func(want string) bool { return Like(want, have) })
			})
		})
	}
	return func(item T) bool {
		return !slices.ContainsFunc(tests, func(passes func(T) bool) bool { return !passes(item) })
	}, nil
}

// values finds what a filter compares.
func (f Filters[T]) values(name string) (func(T) []string, error) {
	if field, ok := f.fields[name]; ok {
		return field, nil
	}
	key, isTag := strings.CutPrefix(name, "tag:")
	switch {
	case f.tags == nil:
	case isTag:
		return func(item T) []string {
			if value, ok := f.tags(item)[key]; ok {
				return []string{value}
			}
			return nil
		}, nil
	case name == "tag-key":
		return func(item T) (keys []string) {
			for key := range f.tags(item) {
				keys = append(keys, key)
			}
			return keys
		}, nil
	case name == "tag-value":
		return func(item T) []string { return slices.Collect(maps.Values(f.tags(item))) }, nil
	}
	return nil, fault.Invalid("The filter '%s' is invalid", name)
}

// Like compares a text with a pattern, in which * stands for any characters and ? for
// one, unless a backslash is before it. Source: Amazon EC2 User Guide, "Find your
// Amazon EC2 resources".
func Like(pattern, text string) bool {
	p, t := 0, 0
	star, from := -1, 0 // the newest *, and where what it stands for ends
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
			continue
		case p < len(pattern) && pattern[p] == '?':
			p++
			t++
			continue
		case p < len(pattern):
			width := 1
			if pattern[p] == '\\' && p+1 < len(pattern) {
				width = 2
			}
			if pattern[p+width-1] == text[t] {
				p += width
				t++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, t = star+1, from
	}
	return strings.Trim(pattern[p:], "*") == ""
}
