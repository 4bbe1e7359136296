package sqs

import (
	"context"
	"strings"

	"flyball/internal/service/sqs/fault"
)

// Waiting is how many messages of a queue are visible now. The queue is one of this cell,
// named by its ARN, its URL or its name.
func (a *API) Waiting(ctx context.Context, queue string) (int64, error) {
	account, name, ok := Address(queue)
	if strings.HasPrefix(queue, "arn:") {
		name = queue[strings.LastIndex(queue, ":")+1:]
		ok = queue == a.arn(name)
	}
	if !ok || account != "" && account != a.cell.Account {
		return 0, fault.NoQueue()
	}
	r, err := a.row(ctx, name)
	if err != nil || !a.broker.Has(r.ID) {
		return 0, err
	}
	q, err := a.messages(r)
	if err != nil {
		return 0, err
	}
	return q.Measure().Visible, nil
}
