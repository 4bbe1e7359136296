package main

import (
	"fmt"
	"slices"
	"time"
)

// A sighting is what a reader was shown, and of which kinds it was shown all.
type sighting struct {
	*world
	kinds []string
	in    *region
}

// dirty finds what a reader was shown of calls that were cut off and that is not
// there after the restart, and of what the server did by itself.
func (s sighting) dirty(known facts, cutOff []change, after *world) []fault {
	var faults []fault
	for _, c := range cutOff {
		if s.began.Before(c.began) {
			continue
		}
		for _, k := range c.set.keys() {
			if was, is := known[k], c.set[k]; was != is && s.in.holds(k.tree) && slices.Contains(s.kinds, k.kind) && s.facts[k] == is && after.facts[k] == was {
				faults = append(faults, fault{dirtyRead, k.tree, fmt.Sprintf("%v: a reader was shown %q while %s was under way; afterwards it is %q",
					k, say(is), c.call, say(was))})
			}
		}
	}
	return append(faults, s.gone(after)...)
}

// gone finds states of tasks, activities and alarms that were shown and have gone
// back. None of them ever does.
func (s sighting) gone(after *world) []fault {
	var faults []fault
	dirty := func(subject, format string, args ...any) {
		faults = append(faults, fault{dirtyRead, subject, subject + " " + fmt.Sprintf(format, args...)})
	}
	for id, t := range s.tasks {
		switch now, ok := after.tasks[id]; {
		case !ok && t.status != "STOPPED":
			dirty("task "+id, "was %s, and is not known afterwards", t.status)
		case ok && now.rank() < t.rank():
			dirty("task "+id, "was %s, to be %s, and is %s, to be %s, afterwards", t.status, t.desired, now.status, now.desired)
		}
	}
	for _, a := range s.activities {
		i := slices.IndexFunc(after.activities, func(b activity) bool { return a.id == b.id })
		switch {
		case i < 0 && len(after.activities) < activitiesRead:
			dirty("activity "+a.id, "was %s, and is not known afterwards", a.status)
		case i >= 0 && after.activities[i].rank() < a.rank():
			dirty("activity "+a.id, "was %s, and is %s afterwards", a.status, after.activities[i].status)
		}
	}
	for name, updated := range s.updated {
		if now, ok := after.updated[name]; ok && now.Before(updated) {
			dirty("alarm "+name, "had a state of %s, and has one of %s afterwards", updated.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
		}
	}
	return faults
}
