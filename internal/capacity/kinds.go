package capacity

import (
	"context"
	"fmt"

	"flyball/governor"
	"flyball/scaling"
)

// Kinds are resources of several kinds, each looked at and set by the capacity of its
// own.
type Kinds map[scaling.Kind]Capacity

var _ Capacity = Kinds{}

// Look implements Capacity.
func (k Kinds) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	places := map[scaling.Kind][]int{} // in ids
	for i, id := range ids {
		places[id.Kind()] = append(places[id.Kind()], i)
	}
	seen := make([]governor.Capacity, len(ids))
	for kind, of := range places {
		capacity, err := k.of(kind)
		if err != nil {
			return nil, err
		}
		asked := make([]scaling.ResourceID, len(of))
		for i, place := range of {
			asked[i] = ids[place]
		}
		answers, err := capacity.Look(ctx, asked)
		if err != nil {
			return nil, err
		}
		for i, place := range of {
			seen[place] = answers[i]
		}
	}
	return seen, nil
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
