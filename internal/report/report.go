// Package report is one picture of a service under load: users, requests, latency,
// CPU utilization and tasks over one time axis, with the scaling activities, alarms,
// cooldowns and deployments in it.
//
//	run, err := report.Read(ctx, report.Source{...}, id, record, from, to)
//	err = run.WriteSVG(w)   // or WriteHTML, with the activities in a table
//
// All but the load's own record is read through AWS's operations, so that it is the
// same picture whether Flyball or AWS has run the service.
package report

import (
	"cmp"
	"time"

	"flyball/internal/load"
	"flyball/scaling"
)

// A Run is what became of a service in some time.
type Run struct {
	Service  scaling.ResourceID
	Of       string // in words, what the load was on where there is no service
	From, To time.Time
	Speed    float64     // how many times faster than the wall clock its clock ran
	Load     []load.Line // empty without a record
	Balancer Balancer    // empty with a record

	CPU     []Datapoint // percent of what the tasks have reserved, for a minute each
	Running []Datapoint // tasks, in a minute
	Desired []Datapoint // tasks, from that moment on

	Policies    []Policy
	Activities  []Activity
	Alarms      []Span // of the policies, while they were in ALARM
	Cooldowns   []Span
	Deployments []Span
	Events      []Event
	Conditions  []Condition // that the load was to fail with
}

// A Condition is one that a load was held against.
type Condition struct {
	Condition string   `json:"condition"`
	Met       bool     `json:"met"`
	Because   []string `json:"because,omitempty"`
}

// subject is what the run is of.
func (r Run) subject() string { return cmp.Or(string(r.Service), r.Of) }

// A Balancer is what the service's load balancer has seen, minute by minute.
type Balancer struct {
	Requests, Failures []Datapoint // numbers; failures are answers of 500 and more
	P50, P95, P99      []Datapoint // of how long answers took, in seconds
}

// A Datapoint is a value of a metric.
type Datapoint struct {
	At    time.Time
	Value float64
}

// A Policy is a scaling policy of the service.
type Policy struct {
	Name              string
	CPUTarget         float64 // percent; 0 if it is no target tracking of CPU utilization
	ScaleOut, ScaleIn time.Duration
	Alarms            []Alarm
}

// An Alarm triggers a policy.
type Alarm struct {
	Name string
	Low  bool // of target tracking: the one that scales in
}

// An Activity is a scaling activity, or an attempt that was not carried out.
type Activity struct {
	ID       string
	At, End  time.Time // End is zero while it goes on
	From, To int       // desired counts; To is 0 for one that was not carried out
	Scaled   bool      // it set a desired count
	Failed   bool
	Status   string
	What     string // as the API describes it
	Cause    string
	Details  string
	Why      []string // codes of why it was not carried out
}

// Out is whether the activity added tasks.
func (a Activity) Out() bool { return a.Scaled && a.To > a.From }

// In is whether the activity took tasks away.
func (a Activity) In() bool { return a.Scaled && a.To < a.From }

// A Span is something that lasted.
type Span struct {
	From, To time.Time
	Kind     Kind
	Label    string
	Title    string
}

// A Kind says what a span is.
type Kind int

// The kinds: what has to do with scaling out, with scaling in, and the rest.
const (
	Outward Kind = iota
	Inward
	Good
	Bad
)

// An Event is what ECS says about the service.
type Event struct {
	At   time.Time
	Text string
}
