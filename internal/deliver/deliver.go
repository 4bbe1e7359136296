// Package deliver hands messages to whoever an ARN names: alarm actions, targets
// of rules, destinations. A service that can be named registers once.
package deliver

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// A Taker takes a message for one of its service's resources. What messages it
// understands is its own affair; it refuses others with an error that a user can
// read.
type Taker func(ctx context.Context, to arn.ARN, message any) error

// A Router knows who takes messages for which service. Everybody registers before
// the first message.
type Router struct {
	takers map[string]Taker
}

// Handle has a taker get what is sent to the ARNs of a service, such as
// "autoscaling" or "lambda".
func (r *Router) Handle(service string, take Taker) {
	if r.takers == nil {
		r.takers = map[string]Taker{}
	}
	r.takers[service] = take
}

// Takes reports whether somebody takes messages for a service.
func (r *Router) Takes(service string) bool { return r.takers[service] != nil }

// Deliver hands a message to the resource that an ARN names.
func (r *Router) Deliver(ctx context.Context, to string, message any) error {
	name, err := arn.Parse(to)
	if err != nil {
		return &Refused{Code: "INVALID_PARAMETER", Err: fmt.Errorf("%q is not an ARN", to)}
	}
	take := r.takers[name.Service]
	if take == nil {
		return &Refused{Code: "NO_RESOURCE", Err: fmt.Errorf("nothing takes messages for service %s", name.Service)}
	}
	return take(ctx, name, message)
}
