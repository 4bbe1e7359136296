package lambda

import (
	"context"

	"flyball/internal/page"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/state"
)

// listed is how many items a page has at most; of mappings there are listedMappings
// ("ListFunctions", "ListEventSourceMappings").
const (
	listed         = 50
	listedMappings = 100
)

// pageOf is a page of a listing, with the marker of the next one.
func pageOf[T any](rows []T, key func(T) string, marker *string, asked *int32, most int) ([]T, *string, error) {
	limit, ok := page.Limit(asked, most, most)
	if !ok {
		return nil, nil, fault.Constraint(*asked, "maxItems", "have value greater than or equal to 1")
	}
	rows, next, err := page.Of(rows, key, marker, limit)
	if err != nil {
		return nil, nil, fault.Parameter("Invalid Marker")
	}
	return rows, next, nil
}

// rowsOf are the rows that belong to a function, if there is that function.
func rowsOf[T any](ctx context.Context, a *API, of *state.Table[T], function string) (rows []T, exists bool) {
	a.cell.State.View(ctx, func() {
		if _, exists = a.functions.Get(function); exists {
			rows = of.Rows(key(function, ""))
		}
	})
	return rows, exists
}
