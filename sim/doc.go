// Package sim runs scaling policies in virtual time, against traffic and a model of
// the service that serves it. What decides is what decides in the server: package
// governor with its policies, cooldowns and schedules, and the alarms of package alarm.
//
//	result, err := sim.Run(sim.Scenario{
//		Start:    start,
//		Service:  sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Start: 30 * time.Second},
//		Bounds:   bounds, // of scaling.NewBounds
//		Initial:  2,
//		Policies: []sim.Policy{sim.Tracking("cpu", rule, sim.Metric{Quantity: sim.CPUUtilization}, sim.Pace{})},
//	}, traffic)
//
// Traffic is a sequence of minutes, of any length: what a run keeps does not grow with
// it. An Observer is told of each minute and each activity, where somebody wants them.
//
// The package keeps no clock and does no I/O: the same scenario and traffic give the
// same result, to the last digit.
package sim
