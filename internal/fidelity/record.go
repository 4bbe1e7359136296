// Package fidelity holds package sim against runs of a service that were recorded: what was
// measured of it minute by minute, what its alarms went through, and what was done.
//
// A run is played again in two ways. Replay gives alarms the metrics that were measured, so that
// nothing but alarms, policies and cooldowns is under test: there every activity has to be found
// again. Predict has nothing but what arrived and a model of the service: what it misses is the
// model's, and the machine's.
package fidelity

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"flyball/scaling"
)

// A Record is a run of a service that target tracking scales by its CPU utilization.
type Record struct {
	// Policies are the target and its policies, as a file that package policydoc reads.
	Policies string           `json:"policies"`
	From     time.Time        `json:"from"` // a full minute
	Initial  scaling.Capacity `json:"initial"`
	// Lag is how long after a minute its alarms had looked, as a rule.
	Lag        time.Duration `json:"lag"`
	Minutes    []Minute      `json:"minutes"`
	Activities []Activity    `json:"activities"`
	Alarms     []Transition  `json:"alarms"`
}

// A Minute is what was measured in one. What was not is nil.
type Minute struct {
	CPU      *float64 `json:"cpu"`      // percent of what the measured tasks have
	Measured float64  `json:"measured"` // tasks
	Requests float64  `json:"requests"` // that were sent
}

// An Activity set the desired count.
type Activity struct {
	Start time.Time        `json:"start"`
	End   time.Time        `json:"end,omitzero"` // when so many ran; zero: they never did
	To    scaling.Capacity `json:"to"`
	Why   string           `json:"why,omitempty"` // the arithmetic
}

// A Transition is an alarm's way into a state.
type Transition struct {
	At    time.Time `json:"at"`
	High  bool      `json:"high"` // of the two alarms of target tracking
	State string    `json:"state"`
}

// Read reads a record that Write has written.
func Read(r io.Reader) (Record, error) {
	var record Record
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&record); err != nil {
		return record, fmt.Errorf("read the record of a run: %w", err)
	}
	if len(record.Minutes) == 0 || !record.From.Truncate(time.Minute).Equal(record.From) {
		return record, fmt.Errorf("the record of a run has %d minutes from %s on; it must have some, from a full minute on", len(record.Minutes), record.From.Format(time.RFC3339Nano))
	}
	return record, nil
}

// Write writes the record, a line a minute.
func (r Record) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// end is the end of the last minute.
func (r Record) end() time.Time { return r.From.Add(time.Duration(len(r.Minutes)) * time.Minute) }

// desired is the desired count at a time.
func desired(initial scaling.Capacity, all []Activity, at time.Time) scaling.Capacity {
	for _, a := range all {
		if a.Start.After(at) {
			break
		}
		initial = a.To
	}
	return initial
}

// Desired is the desired count at the end of each minute: of the last moment before the alarms of
// the next one look.
func (r Record) Desired() []scaling.Capacity { return r.each(r.Activities) }

func (r Record) each(all []Activity) []scaling.Capacity {
	counts := make([]scaling.Capacity, len(r.Minutes))
	for i := range counts {
		counts[i] = desired(r.Initial, all, r.From.Add(time.Duration(i+1)*time.Minute-1))
	}
	return counts
}
