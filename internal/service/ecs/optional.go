package ecs

import (
	"maps"
	"slices"
	"strings"
)

// The API's members are optional in three ways: a list may be shown empty, a
// number and a text may be left out.

// orEmpty makes a list that is shown as [] rather than left out.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// orElse is the first of two optional numbers that is given.
func orElse(a, b *int32) *int32 {
	if a != nil {
		return a
	}
	return b
}

// nonEmpty leaves an empty text out.
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), strings.Compare)
}
