package sqs

import (
	"context"

	"flyball/internal/queue"
)

// A Depth is how many messages there are in a queue.
type Depth struct {
	Queue string
	queue.Counts
}

// Depths are those of all queues, by name. A queue whose messages cannot be read is left out.
func (a *API) Depths(ctx context.Context) []Depth {
	var rows []row
	a.cell.State.View(ctx, func() { rows = a.rows.Rows("") })
	depths := make([]Depth, 0, len(rows))
	for _, r := range rows {
		d := Depth{Queue: r.Name}
		if a.broker.Has(r.ID) { // or else nothing was ever sent to it
			q, err := a.messages(r)
			if err != nil {
				continue
			}
			d.Counts = q.Measure().Counts
		}
		depths = append(depths, d)
	}
	return depths
}
