package client

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// Wanted is what is waited for of a service of ECS. A count that is nil may be any.
type Wanted struct {
	Cluster, Service string
	Desired, Running *int32
}

// Waited is what has become of a service that was waited for.
type Waited struct {
	Met         bool      `json:"met"` // it is as it was wanted
	Now         time.Time `json:"now"`
	Seconds     float64   `json:"seconds"` // that it took on the server's clock
	Desired     int32     `json:"desired"`
	Running     int32     `json:"running"`
	Pending     int32     `json:"pending"`
	Explanation string    `json:"explanation,omitempty"` // why it is as it is, where it is not as it was wanted
}

// Wait waits until a service is as it is wanted, for a time of the server's clock at most. It moves a manual clock.
func (c *Client) Wait(ctx context.Context, want Wanted, within time.Duration) (Waited, error) {
	q := url.Values{"service": {want.Cluster + "/" + want.Service}, "within": {within.String()}}
	for name, n := range map[string]*int32{"desired": want.Desired, "running": want.Running} {
		if n != nil {
			q.Set(name, fmt.Sprint(*n))
		}
	}
	var w Waited
	err := c.postJSON(ctx, "/console/api/wait", c.in(q), &w)
	return w, err
}
