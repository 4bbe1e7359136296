// Package rules says what Application Auto Scaling accepts for ECS services and functions, in
// its words: the keys of requests, scaling policies, scheduled actions and tags.
// What it accepts it turns into what others work with: rules of package scaling,
// schedules, the alarms of a policy, and the metrics that a forecast reads.
//
// All of it is a function of the request and of what the request refers to;
// nothing here knows what is running.
package rules
