// Package delivery brings invocations to their targets, however long that takes: what
// rules, schedules and asynchronous calls of functions have to send is on disk before it
// is acknowledged, and is attempted until its target has taken it, refuses it, or too
// much time or too many attempts have gone by.
//
//	q, err := delivery.Open(delivery.Options{...})
//	q.Register("events", delivery.Owner{Done: count})
//	err = q.Deliver(ctx, delivery.Delivery{Owner: "events", To: target, ...})
//	err = q.Run(ctx)
//
// All deliveries of a cell are messages of one queue of package broker, so that one sync
// serves all that are sent at a time. A delivery that has to be attempted again is put
// into the queue anew, with the delay that its retry policy tells. Those that are being
// attempted are in flight; after a kill they are attempted again, with the same ID.
//
// Each target has a lane of its own with so many attempts at a time, so one that is slow
// holds up no other. See lane.go for what becomes of those that do not fit into it.
package delivery

import (
	"context"
	"time"

	"flyball/internal/deliver"
)

// A Delivery is an invocation that is to reach its target.
type Delivery struct {
	Owner      string // who is told what becomes of it, as registered
	To         string // ARN
	Invocation deliver.Invocation
	Retry      Retry

	// DeadLetter is the ARN of the queue that gets what could not be delivered; empty: none
	// does. Attributes are those of the letter besides the ones that tell why, and Original
	// is its body, unless that is the invocation's.
	DeadLetter string            `json:",omitempty"`
	Attributes map[string]string `json:",omitempty"`
	Original   []byte            `json:",omitempty"`
	LetterRole string            `json:",omitempty"` // the role that letters are sent with; empty: the service itself sends them

	// Note is the owner's own.
	Note []byte `json:",omitempty"`
}

// An Owner is a service that sends deliveries.
type Owner struct {
	// Take makes an attempt. Nil hands the invocation to the router. Its errors are those
	// of a deliver.Taker. After ctx has ended an error says nothing of the target, and the
	// delivery is attempted again in the next life.
	Take func(context.Context, Delivery) error
	// Done is told of each attempt and of its end; nil is not. The delivery is on disk until it
	// returns: it is told again after a kill, and what it delivers in turn is not lost.
	Done func(context.Context, Report)
	// Most is how many attempts are made at a time at one target; 0: 32.
	Most int
}

// A Report tells what an attempt has come to.
type Report struct {
	Delivery
	Outcome   Outcome
	Accepted  time.Time // when Deliver took it, in the server's time
	Began     time.Time // the attempt
	Attempts  int       // with this one; those that found the target busy do not count
	Err       error     // why it was not taken
	Code      string    // what a dead letter shows for the error
	Condition Condition // why there is no other attempt; empty if that is the target's word
}

// An Outcome is what an attempt has come to.
type Outcome int

// The outcomes. After all but Retried nothing more becomes of the invocation; what is
// Refused or Exhausted goes to its dead letters, if it has any, and then is Buried or Lost.
const (
	Taken     Outcome = iota // the target has it
	Retried                  // there will be another attempt
	Refused                  // another attempt would bring nothing
	Exhausted                // the retry policy allows no other attempt
	Buried                   // the dead letter is in its queue
	Lost                     // the dead letter could not be sent
)

// A Condition is which limit of a retry policy was reached, in the words of dead letters.
type Condition string

// The limits of a retry policy.
const (
	ByAge      Condition = "MaximumEventAgeInSeconds"
	ByAttempts Condition = "MaximumRetryAttempts"
)
