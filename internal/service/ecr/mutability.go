package ecr

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// A mutability says which tags may be moved to another image: all, none, or all or none
// but those that match one of the filters.
type mutability struct {
	Kind       types.ImageTagMutability
	Exclusions []string `json:",omitempty"`
}

// mostWildcards of a filter ("Preventing image tags from being overwritten" of the
// Amazon ECR user guide).
const mostWildcards = 2

// newMutability checks what a repository is to be given.
func newMutability(kind types.ImageTagMutability, filters []types.ImageTagMutabilityExclusionFilter) (mutability, error) {
	m := mutability{Kind: cmp.Or(kind, types.ImageTagMutabilityMutable)}
	excludes := m.Kind == types.ImageTagMutabilityImmutableWithExclusion || m.Kind == types.ImageTagMutabilityMutableWithExclusion
	if !excludes && len(filters) > 0 {
		return m, unmet("imageTagMutabilityExclusionFilters", "ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as "+string(m.Kind))
	}
	if excludes && len(filters) == 0 {
		return m, unmet("imageTagMutabilityExclusionFilters", "is to be given with IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION")
	}
	for _, f := range filters {
		text := aws.ToString(f.Filter)
		if strings.Count(text, "*") > mostWildcards {
			return m, unmet("imageTagMutabilityExclusionFilters", "a filter has 2 wildcards at most")
		}
		m.Exclusions = append(m.Exclusions, text)
	}
	return m, nil
}

// filters are the exclusions as the API shows them.
func (m mutability) filters() (all []types.ImageTagMutabilityExclusionFilter) {
	for _, text := range m.Exclusions {
		all = append(all, types.ImageTagMutabilityExclusionFilter{Filter: &text, FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard})
	}
	return all
}

// movable tells whether a tag may be moved.
func (m mutability) movable(tag string) bool {
	excluded := false
	for _, filter := range m.Exclusions {
		excluded = excluded || matches(filter, tag)
	}
	switch m.Kind {
	case types.ImageTagMutabilityImmutable, types.ImageTagMutabilityImmutableWithExclusion:
		return excluded
	}
	return !excluded
}

// matches tells whether a text matches a filter, in which * stands for any characters.
func matches(filter, text string) bool {
	parts := strings.Split(filter, "*")
	if len(parts) == 1 {
		return filter == text
	}
	head, tail := parts[0], parts[len(parts)-1]
	if len(text) < len(head)+len(tail) || !strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) {
		return false
	}
	text = text[len(head) : len(text)-len(tail)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
