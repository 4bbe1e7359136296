package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// A torment is a fault that is made on purpose.
type torment struct {
	name  string
	lacks func() string // why it cannot be made here, "" if it can; nil: it can
	do    func(context.Context, *run) error
}

// The torments, in the order of the table.
var torments = []torment{
	{"kill", nil, kills},
	{"queue", nil, killsOfQueues},
	{"flip", nil, flips},
	{"remove", nil, removals},
	{"full", noDisk, fullDisks},
	{"jump", nil, jumpsOfTheClock},
	{"attack", noRoot, attacked},
	{"assault", nil, assaulted},
	{"descriptors", nil, fewDescriptors},
	{"stop", nil, stopsEarly},
	{"intrude", noRoot, intrusionsTried},
	{"page", noBrowser, pages},
	{"owner", noPostgres, killsOfOwners},
	{"database", noSmallDatabase, fullDatabases},
}

// lingers is how long a torment may take beyond its bound: for the round that was
// begun then, and to look at what is left.
const lingers = 5 * time.Minute

func noRoot() string {
	if os.Geteuid() != 0 {
		return "needs root"
	}
	return ""
}

// A result is what a torment has come to.
type result struct {
	name, skipped string
	*tally
}

// run makes a torment until its rounds or its time are over.
func (t torment) run(ctx context.Context, o options) result {
	if t.lacks != nil {
		if why := t.lacks(); why != "" {
			return result{t.name, why, newTally()}
		}
	}
	r, err := newRun(t.name, o)
	if err != nil {
		return result{t.name, err.Error(), newTally()}
	}
	defer r.cleanUp()
	within, cancel := context.WithTimeout(ctx, o.within(o.bound+lingers))
	defer cancel()
	err = t.do(within, r)
	if err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		r.report(r.attempts, fault{brokenOff, "", err.Error()})
	}
	return result{t.name, "", r.tally}
}

// printResults writes the table, and returns how many failures there are.
func printResults(w io.Writer, results []result) (failures int) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\tattempts\tfailures\tmemory at most\tslowest answer\tslowest large\tfirst failure")
	for _, r := range results {
		if r.skipped != "" {
			fmt.Fprintf(table, "%s\tskipped\t\t\t\t\t%s\n", r.name, r.skipped)
			continue
		}
		peak := ""
		if r.peak > 0 {
			peak = fmt.Sprintf("%d MiB", r.peak)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\n", r.name, r.attempts, r.failures, peak, took(r.slowest), took(r.slowestLarge), oneLine(r.first))
		failures += r.failures
	}
	table.Flush()
	return failures
}

// took is how long something took, if it was looked at.
func took(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(time.Millisecond).String()
}
