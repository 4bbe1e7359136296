package control

import (
	"flyball/alarm"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/source"
	"flyball/metric/math"
	"flyball/scaling"
)

// A Target is what somebody wants of a resource: between which bounds it is to be scaled, and
// by which policies. It is a value that says nothing of what has happened; Compile makes it of
// AWS's shapes.
type Target struct {
	// Resource is what is scaled. Its Kind says which Capacity sets it: service/CLUSTER/NAME is
	// a service of ECS, function:NAME:QUALIFIER concurrency of Lambda, an address
	// (https://...) a custom resource, and kubernetes/NAMESPACE/RESOURCE.GROUP/NAME
	// something that has a scale, such as kubernetes/shop/deployments.apps/web.
	Resource  scaling.ResourceID
	Bounds    scaling.Bounds
	Suspended scaling.Suspended
	Limits    scaling.Limits // of how fast capacity changes; zero: none
	Policies  []Policy       // by name
	Schedules []Schedule     // by name
	// Paused says why nothing is to be done for now, in a sentence's words; "": go on.
	Paused string
	// From is where the target is described, for people: a file, or a custom resource.
	From string
}

// A Policy is a scaling policy with the alarms that call it.
type Policy struct {
	Name   string
	Rule   scaling.Policy
	Alarms []Alarm // of target tracking: the high one, and then the low one if it scales in
}

// An Alarm is a rule over what some inputs come to.
type Alarm struct {
	Name      string
	Rule      alarm.Rule
	Statistic string // of the metric; "" for a formula
	Inputs    []Input
	// Formula is what is computed of the inputs, and Result the name of what it comes to; nil:
	// the one input is watched as it is.
	Formula *math.Program
	Result  string
}

// An Input is a metric, its name in the formula, and where it is read.
type Input struct {
	ID     string
	Query  source.Query // without its time and number of periods
	Source source.Source
	// Running is the running capacity of the target itself, which the host knows.
	Running bool
}

// A Schedule is a scheduled action. When it was seen first is remembered, since a rate counts
// from there.
type Schedule struct {
	Name string
	rules.Action
}
