package control

import "context"

// An Elector sees to it that of several controllers one acts.
type Elector interface {
	// Elect waits until this controller may act. The context that it returns is a child of
	// ctx, and ends when it may no more; resign gives the place to another.
	Elect(ctx context.Context) (leading context.Context, resign func(), err error)
}
