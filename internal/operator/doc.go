// Package operator has a host of package control govern what custom resources of Kubernetes
// describe.
//
//	ScalableTarget, ScalingPolicy, ScheduledAction -> Reconciler -> control.Host -> scale subresource
//	                  status, events               <-            <- its records
//
// The Reconciler compiles a target with its policies and actions whenever one of them changes, and
// gives it to the host. What the host remembers of a target is in the target's status (Memories), so
// whoever is elected next goes on from there; what it records becomes conditions and events
// (Standings). All decisions are the host's.
package operator
