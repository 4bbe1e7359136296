// Package governor is the whole life of a scalable target as a value: what to
// read, what to do next, what comes of it. The server, the simulator and the
// controller of real systems share it, and bring the world.
//
// A host keeps a Governor for each target, and does for it, one thing after the
// other:
//
//	for {
//		// An alarm calls, or g.Next(now) has come, or an activity is followed.
//		seen := look() // the capacity, and the alarms where Needs says so
//		next, out := g.Step(now, seen)
//		store(next, out.Records) // before anything is done
//		if out.Set != nil {
//			err := capacity.Set(out.Set.To)
//			next, out = next.Done(now, err)
//			store(next, out.Records)
//		}
//		g = next
//	}
//
// Since the next state is stored before its effect is done, a host that is killed
// in between finds the activity Pending when it starts again. The first Step after
// that sees whether the capacity was set, and goes on from there.
//
// Nothing here reads a clock, and no method changes its receiver. Explain may be
// called at any time, and changes nothing.
package governor
