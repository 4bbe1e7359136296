// Package capacity is what a governor's host looks at and sets: a number of tasks,
// or of environments of a function, wherever they run.
package capacity

import (
	"context"

	"flyball/governor"
	"flyball/scaling"
)

// A Capacity looks at resources, and sets how much there is to be of them.
type Capacity interface {
	// Look returns what there is of each resource, in their order.
	Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error)
	// Set asks for another number. It returns when that was asked for, and not
	// when it is there.
	Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error
}
