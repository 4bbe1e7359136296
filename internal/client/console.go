package client

import (
	"context"
	"time"
)

// A ConsoleLink is where a browser signs in to the console: once, and for a short time.
type ConsoleLink struct {
	Path    string    `json:"path"`    // of the server, with a secret in it
	Expires time.Time `json:"expires"` // on the wall clock
}

// SignIn has the server make a link that signs a browser in as whoever calls.
func (c *Client) SignIn(ctx context.Context) (ConsoleLink, error) {
	var link ConsoleLink
	err := c.postJSON(ctx, "/console/api/sign-in", nil, &link)
	return link, err
}
