package control

import (
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// A Record is something that was decided, done or noticed, with its reasons. It encodes as a
// line of the audit log.
type Record struct {
	At     time.Time          `json:"at"`
	Event  Event              `json:"event"`
	Target scaling.ResourceID `json:"target,omitempty"` // "": it is about the controller
	From   string             `json:"from,omitempty"`   // where the target is described
	DryRun bool               `json:"dryRun,omitempty"` // nothing is set

	// Seen is the capacity, where it was looked at.
	Seen *governor.Capacity `json:"seen,omitempty"`
	// Decision is what the policies said, with what each asked for; nil: none was asked.
	Decision *scaling.Decision `json:"decision,omitempty"`
	// Activity is what is being done about it, or why nothing is.
	Activity *scaling.Activity `json:"activity,omitempty"`
	// Forecast is what a predictive policy forecasts.
	Forecast *Foretold `json:"forecast,omitempty"`
	// Shadow is what a dry run would have set last.
	Shadow *scaling.Capacity `json:"shadow,omitempty"`
	// Reason says in a sentence what happened, what it means and what to do.
	Reason string `json:"reason,omitempty"`
}

// An Event is a kind of record.
type Event string

// The kinds. Those that begin something are told once, and not again while it lasts.
const (
	Decided    Event = "decided"     // capacity is to be set, or why it is not; Activity tells
	Followed   Event = "followed"    // what has become of an activity
	Blind      Event = "blind"       // a metric cannot be read: its alarms stay as they are
	Sighted    Event = "sighted"     // it can be read again
	Unseen     Event = "unseen"      // the capacity cannot be looked at
	Missing    Event = "missing"     // the resource is not there
	Found      Event = "found"       // the resource is there and can be looked at again
	Unkept     Event = "unkept"      // what is decided cannot be kept, so nothing is set
	Kept       Event = "kept"        // it can be kept again
	Held       Event = "held"        // a scale-in was held back since its metrics are not fresh
	Forecasts  Event = "forecast"    // a predictive policy has a new forecast
	NoForecast Event = "no forecast" // it has none, or none that is new
	Paused     Event = "paused"      // somebody wants nothing done
	Resumed    Event = "resumed"     // and now they do again
	Refused    Event = "refused"     // a document, or a part of it, cannot be governed by
	Taken      Event = "taken"       // a target is governed from now on, or by other policies
	Left       Event = "left"        // a target is governed no more
	Elected    Event = "elected"     // this controller acts from now on
	Unelected  Event = "unelected"   // another does
	Reported   Event = "reported"    // what a dry run would have done in a day
	Compared   Event = "compared"    // what a dry run would have, beside what there is, has changed
)
