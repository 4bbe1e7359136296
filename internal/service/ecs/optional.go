package ecs

// The API's members are optional in two ways: a list may be shown empty, a
// text may be left out.

// orEmpty makes a list that is shown as [] rather than left out.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// nonEmpty leaves an empty text out.
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
