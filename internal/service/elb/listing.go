package elb

import (
	"flyball/internal/page"
	"flyball/internal/service/elb/fault"
)

// mostPage is the size of a page, as the API reference has it.
const mostPage = 400

// list cuts a page from items that are sorted by their keys.
func list[T any](items []T, key func(T) string, marker *string, size *int32) ([]T, *string, error) {
	limit, ok := page.Limit(size, mostPage, mostPage)
	if !ok {
		return nil, nil, fault.Validation("The page size must be at least 1")
	}
	items, next, err := page.Of(items, key, marker, limit)
	if err != nil {
		return nil, nil, fault.Validation("The marker is not valid")
	}
	return items, next, nil
}

// shown is what a listing shows of its items. It is never nil.
func shown[T, U any](items []T, show func(T) U) []U {
	all := make([]U, len(items))
	for i, item := range items {
		all[i] = show(item)
	}
	return all
}

// oneWay refuses a listing that says in more than one way what to list.
func oneWay(message string, ways ...bool) error {
	n := 0
	for _, w := range ways {
		if w {
			n++
		}
	}
	if n > 1 {
		return fault.Validation("%s", message)
	}
	return nil
}
