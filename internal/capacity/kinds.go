package capacity

import (
	"context"
	"errors"
	"fmt"

	"flyball/governor"
	"flyball/scaling"
)

// Kinds are resources of several kinds, each looked at and set by the capacity of its
// own.
type Kinds map[scaling.Kind]Capacity

var _ Marked = Kinds{}

// Look implements Capacity.
func (k Kinds) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen, _, err := k.LookMarked(ctx, ids)
	return seen, err
}

// LookMarked implements Marked.
func (k Kinds) LookMarked(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, []string, error) {
	places := map[scaling.Kind][]int{} // in ids
	for i, id := range ids {
		places[id.Kind()] = append(places[id.Kind()], i)
	}
	seen, marks, failures := make([]governor.Capacity, len(ids)), make([]string, len(ids)), make([]error, len(ids))
	for kind, of := range places {
		capacity, err := k.of(kind)
		if err != nil {
			return nil, nil, err
		}
		asked := make([]scaling.ResourceID, len(of))
		for i, place := range of {
			asked[i] = ids[place]
		}
		answers, why, err := LookMarked(ctx, capacity, asked)
		var each Failures
		if err != nil && !errors.As(err, &each) {
			return nil, nil, err
		}
		for i, place := range of {
			seen[place], marks[place] = answers[i], why[i]
			if each != nil {
				failures[place] = each[i]
			}
		}
	}
	return seen, marks, Some(failures)
}

// Set implements Capacity.
func (k Kinds) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	capacity, err := k.of(id.Kind())
	if err != nil {
		return err
	}
	return capacity.Set(ctx, id, to)
}

func (k Kinds) of(kind scaling.Kind) (Capacity, error) {
	if capacity := k[kind]; capacity != nil {
		return capacity, nil
	}
	return nil, fmt.Errorf("nothing scales resources of service namespace %s here", kind.Namespace())
}
