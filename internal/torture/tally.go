package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A kind is a kind of fault.
type kind string

// The kinds, in the order of the table.
const (
	lost        kind = "lost"         // acknowledged and not there, or deleted and there again
	halfWritten kind = "half-written" // what belongs together is there in part
	dirtyRead   kind = "dirty reads"  // shown before the kill, and gone without a later write
	panicked    kind = "panics"       // panics, and ends that nobody asked for
	badStart    kind = "bad starts"   // a start that ends, or does not become ready
	orphan      kind = "orphans"      // processes, cgroups or folders of tasks that nobody knows
	taskLost    kind = "tasks lost"   // tasks that ran and were given up or ended without a reason
	scaledTwice kind = "scaled twice" // capacity that does not follow from the activities, one for each decision
	twice       kind = "twice"        // a message that was received while it was in flight, or after its deletion
	disorder    kind = "disorder"     // a message of a group that came before an earlier one
	reached     kind = "reached"      // what a task reached that is not its own
)

var kinds = []kind{lost, halfWritten, dirtyRead, panicked, badStart, orphan, taskLost, scaledTwice, twice, disorder, silent, reached}

// A fault is something that must not be.
type fault struct {
	kind    kind
	subject string // what it is about: of a kind, it is counted once
	text    string
}

// A tally counts faults.
type tally struct {
	counts map[kind]int
	first  map[kind]string
	told   map[fault]bool // without their text
}

func newTally() *tally {
	return &tally{counts: map[kind]int{}, first: map[kind]string{}, told: map[fault]bool{}}
}

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
		t.counts[f.kind]++
		if t.first[f.kind] == "" {
			t.first[f.kind] = fmt.Sprintf("round %d: %s", round, f.text)
		}
		added = append(added, f)
	}
	return added
}

// forget has faults of a subject counted anew.
func (t *tally) forget(subject string) {
	for _, k := range kinds {
		delete(t.told, fault{kind: k, subject: subject})
	}
}

// total is the number of faults of all kinds.
func (t *tally) total() int {
	sum := 0
	for _, n := range t.counts {
		sum += n
	}
	return sum
}

// print writes the table.
func (t *tally) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\tcount\tfirst example")
	for _, k := range kinds {
		fmt.Fprintf(table, "%s\t%d\t%s\n", k, t.counts[k], oneLine(t.first[k]))
	}
	table.Flush()
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
