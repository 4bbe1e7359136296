// Package capacity is what a governor's host looks at and sets: a number of tasks,
// or of environments of a function, wherever they run.
package capacity

import (
	"context"
	"errors"
	"slices"

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

// A Marked is a Capacity whose resources can be marked, by a tag or an annotation, by whoever
// wants nothing done with them for now.
type Marked interface {
	Capacity
	// LookMarked is Look that also returns why nothing is to be done with each resource, in a
	// sentence's words; "": it is not marked.
	LookMarked(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, []string, error)
}

// LookMarked is Look of any capacity, with the marks of one that can have some.
func LookMarked(ctx context.Context, c Capacity, ids []scaling.ResourceID) ([]governor.Capacity, []string, error) {
	if marked, can := c.(Marked); can {
		return marked.LookMarked(ctx, ids)
	}
	seen, err := c.Look(ctx, ids)
	return seen, make([]string, len(ids)), err
}

// Failures are an error of Look for some resources: why each could not be looked at, in the order
// of their ids; nil for those that were.
type Failures []error

// Error implements error.
func (f Failures) Error() string { return errors.Join(f...).Error() }

// Unwrap are those that there are.
func (f Failures) Unwrap() []error { return f }

// Some is an error if there is one among those of single resources.
func Some(failures []error) error {
	if slices.ContainsFunc(failures, func(err error) bool { return err != nil }) {
		return Failures(failures)
	}
	return nil
}
