// Package scaling decides how much capacity a scalable target should have.
//
// Everything here is a value. The caller says what it sees, gets a decision
// with its reasons, acts on it in its own way, and keeps the cooldowns that
// follow from it:
//
//	d := scaling.Decide(now, target, seen)
//	if d.Direction == scaling.Hold {
//		note(d.Reasons)                     // why nothing is done
//		return
//	}
//	a := d.Activity(id)                         // Setting desired count to 11.
//	err := setCapacity(d.To)
//	for i, r := range seen.Policies {
//		seen.Policies[i].Cooldown = d.Begin(r) // in force while the activity runs
//	}
//	...
//	a = a.Fulfilled(now)                        // running tasks have reached d.To
//	for i, r := range seen.Policies {
//		seen.Policies[i].Cooldown = r.Cooldown.End(r.Policy, now)
//	}
//
// The rules are those of Application Auto Scaling for Amazon ECS services. Where
// its documentation leaves one open, the comment at the rule says what was
// chosen, with a worked number.
//
// The package keeps no clock, does no I/O and starts no goroutine.
package scaling
