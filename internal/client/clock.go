package client

import (
	"context"
	"net/url"
	"time"
)

// NowHeader is the header in which every answer of a server tells its time, in RFC 3339, as it
// was when the request came. It is not Date, by which AWS's SDKs correct the times of their signatures.
const NowHeader = "X-Flyball-Now"

// A Clock is what a server's clock shows.
type Clock struct {
	Now   time.Time  `json:"now"`
	Wall  time.Time  `json:"wall"`        // the wall clock of the server's machine then
	Lead  float64    `json:"leadSeconds"` // of Now before Wall; below 0 where it is behind
	Speed float64    `json:"speed"`       // server's seconds in a real one
	State ClockState `json:"state"`
}

// A ClockState is how a server's clock stands to the wall clock.
type ClockState string

// How a clock stands to the wall clock.
const (
	Follows ClockState = "follows" // it shows the wall clock's time
	Ahead   ClockState = "ahead"   // it goes with the wall clock, by a lead before it
	Waits   ClockState = "waits"   // it stands still until the wall clock has caught up
	Runs    ClockState = "runs"    // it goes by itself, at another speed
	Manual  ClockState = "manual"  // it stands still until it is moved
)

// Advance moves the clock of a server that is moved by hand, and returns what it shows then: all that was due on
// the way is done.
func (c *Client) Advance(ctx context.Context, by time.Duration) (Clock, error) {
	var clock Clock
	err := c.postJSON(ctx, "/console/api/clock", url.Values{"advance": {by.String()}}, &clock)
	return clock, err
}
