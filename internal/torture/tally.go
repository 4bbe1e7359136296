package main

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// A kind is a kind of failure.
type kind string

// The kinds.
const (
	lost        kind = "lost"             // acknowledged and not there, or deleted and there again
	halfWritten kind = "half-written"     // what belongs together is there in part
	dirtyRead   kind = "dirty read"       // shown before the kill, and gone without a later write
	panicked    kind = "panic"            // or an end that nobody asked for
	badStart    kind = "bad start"        // a start that ends, or does not become ready
	orphan      kind = "orphan"           // a process, cgroup or folder of a task that nobody knows
	taskLost    kind = "task lost"        // a task that ran and was given up or ended without a reason
	scaledTwice kind = "scaled twice"     // capacity that does not follow from the activities, one for each decision
	twice       kind = "twice"            // a message that was received while it was in flight, or after its deletion
	overrun     kind = "overrun"          // memory, time or descriptors beyond their bounds
	disorder    kind = "disorder"         // a message of a group that came before an earlier one
	reached     kind = "reached"          // what a task reached that is not its own
	wrongTime   kind = "wrong time"       // a clock that does not go with the wall clock, and what follows from it
	silent      kind = "silent damage"    // a flipped bit after which something is gone or wrong that the server has not told of
	refusedKept kind = "refused but kept" // a write that was refused for want of room and is there all the same
	intruded    kind = "intrusion"        // a program that started something in a server which is not its own
	moved       kind = "moved late"       // a replica whose place was not taken in time
	wrongAnswer kind = "wrong answer"     // a call that is refused for what is right with it
	brokenOff   kind = "broken off"       // a torment that could not go on
)

// A fault is something that must not be.
type fault struct {
	kind    kind
	subject string // what it is about: of a kind, it is counted once
	text    string
}

// A tally counts attempts, and the faults that they have shown.
type tally struct {
	attempts, failures int
	peak               int            // MiB of memory that a server had at most; 0: it was not looked at
	slowest            time.Duration  // answer to others; 0: it was not looked at
	slowestLarge       time.Duration  // the same, of large answers
	first              string         // fault, in words
	told               map[fault]bool // without their text
}

func newTally() *tally { return &tally{told: map[fault]bool{}} }

// add counts faults that a round has found, and returns those that are new. What
// stays wrong from round to round is one fault: it has one subject.
func (t *tally) add(round int, faults []fault) []fault {
	var added []fault
	for _, f := range faults {
		id := fault{kind: f.kind, subject: f.subject}
		if t.told[id] {
			continue
		}
		t.told[id] = true
		t.failures++
		if t.first == "" {
			t.first = fmt.Sprintf("round %d: %s: %s", round, f.kind, f.text)
		}
		added = append(added, f)
	}
	return added
}

// forget has faults of a subject counted anew.
func (t *tally) forget(subject string) {
	maps.DeleteFunc(t.told, func(f fault, _ bool) bool { return f.subject == subject })
}

// oneLine makes a text fit a row of the table.
func oneLine(s string) string {
	const most = 400
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " …"
	}
	return s
}
