package cloudwatch

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"

	"flyball/alarm"
)

// A status is the state of an alarm and how it came about. It is persisted apart from
// the definition.
type status struct {
	alarm.Watch
	updated     alarm.Instant // when state or reason changed last
	why         reason        // nil is alarm.InitialReason
	suppression *suppression  // of a composite alarm's actions
}

// transitioned is when the state changed last: that of a new alarm when it was
// created.
func (s *status) transitioned() time.Time { return cmp.Or(s.Since, s.updated).Time() }

// A reason is why an alarm is in its state.
type reason interface {
	text() (text, data string) // the StateReason and the StateReasonData
}

// reason is the StateReason and the StateReasonData of the alarm.
func (s *status) reason() (text, data string) {
	if s.why == nil {
		return alarm.InitialReason, ""
	}
	return s.why.text()
}

// A statement is a reason in words: those of SetAlarmState, or of a composite alarm.
type statement struct{ words, data string }

func (s *statement) text() (text, data string) { return s.words, s.data }

// An observation is the reason that an evaluation gives. The words are made when
// somebody asks: what they are made of takes a fifth of their room.
type observation struct {
	by      *metricRule
	verdict alarm.Verdict
	at, end alarm.Instant
	values  []float64 // of the evaluation range, newest last; NaN is missing
	counts  []float64 // sample counts of the values, or one count for all
	band    alarm.Band
}

func (o *observation) text() (text, data string) {
	e := o.evidence()
	return e.Reason(), e.ReasonData()
}

// evidence is the observation in full.
func (o *observation) evidence() alarm.Evidence {
	counts := o.counts
	if len(counts) == 1 {
		counts = slices.Repeat(counts, len(o.values))
	}
	return alarm.Evidence{
		Rule: o.by.rule, Verdict: o.verdict,
		Statistic: o.by.statistic, Unit: o.by.unit,
		At: o.at.Time(), End: o.end.Time(), Values: o.values, Counts: counts,
		Lower: o.band.Lower, Upper: o.band.Upper,
	}
}

// sameCounts reduces the sample counts of values to one, if they are all the
// same.
func sameCounts(counts, values []float64) []float64 {
	var same []float64
	for i, n := range counts {
		switch {
		case math.IsNaN(values[i]):
		case same == nil:
			same = []float64{n}
		case n != same[0]:
			return counts
		}
	}
	return same
}

// A statusDocument is a status in the store.
type statusDocument struct {
	State                 alarm.State
	Updated, Transitioned time.Time
	Words, Data           string            `json:",omitempty"`
	Evidence              *evidenceDocument `json:",omitempty"`
	Suppression           *suppression      `json:",omitempty"`
}

// An evidenceDocument is evidence in the store: JSON has no NaN, so there null
// is a missing value.
type evidenceDocument struct {
	alarm.Evidence
	Present []*float64
}

func (s *status) document() statusDocument {
	d := statusDocument{State: s.State, Updated: s.updated.Time(), Transitioned: s.transitioned(), Suppression: s.suppression}
	switch why := s.why.(type) {
	case *statement:
		d.Words, d.Data = why.words, why.data
	case *observation:
		d.Evidence = &evidenceDocument{Evidence: why.evidence()}
		d.Evidence.Values = nil
		for i := range why.values {
			present := &why.values[i]
			if math.IsNaN(*present) {
				present = nil
			}
			d.Evidence.Present = append(d.Evidence.Present, present)
		}
	}
	return d
}

// status is the status of an alarm from the store.
func (d *statusDocument) status(e *entry) status {
	s := status{Watch: alarm.Watch{State: d.State}, updated: alarm.At(d.Updated), suppression: d.Suppression}
	switch {
	case d.Evidence != nil:
		s.why = d.Evidence.observation(e)
	case d.Words != "" || d.Data != "" || s.State != alarm.InsufficientData:
		s.why = &statement{d.Words, d.Data}
	}
	if s.why != nil {
		s.Since = alarm.At(d.Transitioned)
	}
	return s
}

func (d *evidenceDocument) observation(of *entry) *observation {
	by, e := &of.metric, d.Evidence
	if by.options == nil || by.rule != e.Rule || by.statistic != e.Statistic || by.unit != e.Unit {
		// The alarm was changed since.
		by = &metricRule{rule: e.Rule, options: &options{statistic: e.Statistic, unit: e.Unit}}
	}
	o := &observation{by: by, verdict: e.Verdict, at: alarm.At(e.At), end: alarm.At(e.End)}
	for _, v := range d.Present {
		if v == nil {
			o.values = append(o.values, math.NaN())
		} else {
			o.values = append(o.values, *v)
		}
	}
	o.values = slices.Clip(o.values)
	if o.band = (alarm.Band{Lower: d.Lower, Upper: d.Upper}); e.Rule.Comparison.OfBand() && (len(d.Lower) != len(o.values) || len(d.Upper) != len(o.values)) {
		o.band = alarm.Band{Lower: make([]float64, len(o.values)), Upper: make([]float64, len(o.values))}
	}
	if len(d.Counts) == len(o.values) {
		o.counts = sameCounts(d.Counts, o.values)
	}
	return o
}

// migrateStatus reads documents of version 0, whose evidence had the period beside
// the rule.
func migrateStatus(_ int, doc []byte) ([]byte, error) {
	var d struct {
		statusDocument
		Evidence *struct {
			evidenceDocument
			Period time.Duration
		}
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, err
	}
	if e := d.Evidence; e != nil {
		e.Rule.Period = e.Period
		d.statusDocument.Evidence = &e.evidenceDocument
	}
	return json.Marshal(d.statusDocument)
}
