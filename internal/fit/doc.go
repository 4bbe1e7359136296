// Package fit estimates the model of a service, as package sim has it, from what was measured of
// the service over time.
//
//	model, err := fit.Estimate(fit.History{
//		Step: time.Minute, Requests: requests, CPU: utilization, Tasks: tasks, Latency: seconds,
//	}, fit.Task{VCPU: 0.25, Memory: 512})
//
// Processor time follows from the utilization law: what the tasks' processors are busy with is
// requests by the time of one. What requests wait for others is what their latency is longer than
// that where nothing queues, and how much they differ shows in the latency's tail, or in how long
// the queue is. Lines are fitted so that a few wrong or unusual steps have no part in them.
//
// Each value has an interval that holds the true one in 95 of 100 cases, if the service is what
// the model says. It is made of the values that are found without each of some thirty parts of
// the history, so that steps that are like those before them count for no more than they tell. What
// the history does not tell is listed with what is lacking.
package fit
