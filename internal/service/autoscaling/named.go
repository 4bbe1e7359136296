package autoscaling

import (
	"slices"
	"strings"
)

// A named is what a target has by a name. Lists of them are in the order of their
// names, and are not changed in place.
type named interface {
	comparable
	named() string
}

// find is the item of a name, or nil.
func find[T named](list []T, name string) (item T) {
	if i, ok := place(list, name); ok {
		item = list[i]
	}
	return item
}

// with is a list with an item in it, in the place of the one of its name.
func with[T named](list []T, item T) []T {
	i, found := place(list, item.named())
	if list = slices.Clone(list); found {
		list[i] = item
		return list
	}
	return slices.Insert(list, i, item)
}

// without is a list without an item.
func without[T named](list []T, item T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return v == item })
}

// place is where an item of a name is, or would be.
func place[T named](list []T, name string) (int, bool) {
	return slices.BinarySearchFunc(list, name, func(v T, name string) int { return strings.Compare(v.named(), name) })
}

// byName orders a list.
func byName[T named](x, y T) int { return strings.Compare(x.named(), y.named()) }
