package iam

import (
	"flyball/internal/page"
	"flyball/internal/service/iam/fault"
)

// Listings have 100 items a page, and 1000 at most.
const (
	usualPage = 100
	mostPage  = 1000
)

// A listing is a page of items, and where the next one begins.
type listing[T any] struct {
	items     []T
	marker    *string
	truncated bool
}

// list cuts a page from items that are sorted by their keys.
func list[T any](items []T, key func(T) string, marker *string, most *int32) (l listing[T], err error) {
	limit, ok := page.Limit(most, usualPage, mostPage)
	if !ok {
		return l, fault.Validation("MaxItems must be at least 1.")
	}
	if l.items, l.marker, err = page.Of(items, key, marker, limit); err != nil {
		return l, fault.Validation("Invalid Marker.")
	}
	l.truncated = l.marker != nil
	return l, nil
}

func itself(s string) string { return s }

// shown is what a listing shows of its items. It is never nil.
func shown[T, U any](items []T, show func(T) U) []U {
	list := make([]U, len(items))
	for i, item := range items {
		list[i] = show(item)
	}
	return list
}
