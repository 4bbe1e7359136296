package main

import (
	"fmt"
	"strings"
	"time"
)

// A change is all that one call does. It happens whole or not at all.
type change struct {
	call  string
	set   facts // what it makes of the things that it changes
	began time.Time
}

// audit compares what the server shows after a restart with what it has
// acknowledged before. Calls that were cut off may have happened or not, but not
// in part.
func audit(known facts, cutOff []change, shown facts) []fault {
	var faults []fault
	either := map[key]bool{}
	for _, c := range cutOff {
		faults = append(faults, c.judge(known, shown)...)
		for k := range c.set {
			either[k] = true
		}
	}
	all := facts{}
	all.apply(known)
	all.apply(shown)
	for _, k := range all.keys() {
		if !either[k] && known[k] != shown[k] {
			faults = append(faults, fault{lost, k.tree, fmt.Sprintf("%v: acknowledged %q, shown %q", k, say(known[k]), say(shown[k]))})
		}
	}
	return faults
}

// judge says what is wrong with the outcome of a call that was cut off.
func (c change) judge(known, shown facts) []fault {
	var faults []fault
	var done, undone []string
	for _, k := range c.set.keys() {
		before, after := known[k], c.set[k]
		switch {
		case before == after: // cannot tell
		case shown[k] == after:
			done = append(done, fmt.Sprintf("%v is %q", k, say(after)))
		case shown[k] == before:
			undone = append(undone, fmt.Sprintf("%v is still %q", k, say(before)))
		default:
			faults = append(faults, fault{lost, k.tree, fmt.Sprintf("%v: %s was cut off between %q and %q, shown %q",
				k, c.call, say(before), say(after), say(shown[k]))})
		}
	}
	if len(done) > 0 && len(undone) > 0 {
		faults = append(faults, fault{halfWritten, c.tree(), fmt.Sprintf("%s: %s, but %s",
			c.call, strings.Join(done, ", "), strings.Join(undone, ", "))})
	}
	return faults
}

// tree is whose things the call changes.
func (c change) tree() string {
	for k := range c.set {
		return k.tree
	}
	return ""
}
