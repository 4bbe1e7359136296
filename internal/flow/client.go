package flow

import (
	"context"
	"sync/atomic"
)

// A client is who is at the other end of a connection: how often it has waited in vain for a Budget, or
// not taken what it was sent, since it has last taken a large answer. Nobody is known at first.
type client struct{ failures atomic.Int64 }

type clientKey struct{}

// WithClient notes in the context of a connection's requests that they come from one client. Where requests
// wait for a Budget those of clients go last that have not read what they were sent.
func WithClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, clientKey{}, new(client))
}

// clientOf is the client of a request; nil if it is not told.
func clientOf(ctx context.Context) *client {
	c, _ := ctx.Value(clientKey{}).(*client)
	return c
}

func (c *client) failed() int64 {
	if c == nil {
		return 0
	}
	return c.failures.Load()
}

// took notes that the client has taken a large answer.
func (c *client) took() {
	if c != nil {
		c.failures.Store(0)
	}
}

// fail notes that it has not, or has waited in vain.
func (c *client) fail() {
	if c != nil {
		c.failures.Add(1)
	}
}
