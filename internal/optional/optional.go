// Package optional turns values that may be missing into the pointers and lists
// of the AWS SDK, and back. For the rest there is package aws of the SDK.
package optional

import "math"

// String is a pointer to a text, or nil for "".
func String[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}

// Or is the value of a pointer, or another one for nil.
func Or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// List is the list itself, or an empty one for nil: members that a client always
// sees.
func List[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Set sets a value if one is given.
func Set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// Zero stands for a zero that a client has given, where the SDK has a plain number
// whose zero means that none was given.
const Zero = math.MinInt32

// Number is a plain number of the SDK's, and whether it was given.
func Number(n int32) (value int32, given bool) {
	if n == Zero {
		return 0, true
	}
	return n, n != 0
}
