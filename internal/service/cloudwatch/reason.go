package cloudwatch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"flyball/alarm"
)

// A reason is why an alarm is in its state.
type reason interface {
	text() (text, data string) // the StateReason and the StateReasonData
}

// reason is the StateReason and the StateReasonData of the alarm.
func (s *standing) reason() (text, data string) {
	if s.why == nil {
		return alarm.InitialReason, ""
	}
	return s.why.text()
}

// said is a reason in words: those of SetAlarmState, or of a composite alarm.
type said struct{ words, data string }

func (s *said) text() (text, data string) { return s.words, s.data }

// seen is the reason that an evaluation gives. The words are made when somebody
// asks: what they are made of takes a fifth of their room.
type seen struct {
	by      *metricRule
	verdict alarm.Verdict
	at, end alarm.Instant
	values  []float64 // of the evaluation range, newest last; NaN is missing
	counts  []float64 // sample counts of the values, or one count for all
}

func (s *seen) text() (text, data string) {
	e := s.evidence()
	return e.Reason(), e.ReasonData()
}

// evidence is what was seen, in full.
func (s *seen) evidence() alarm.Evidence {
	counts := s.counts
	if len(counts) == 1 {
		counts = slices.Repeat(counts, len(s.values))
	}
	return alarm.Evidence{
		Rule: s.by.rule, Verdict: s.verdict,
		Statistic: s.by.statistic, Unit: s.by.unit,
		At: s.at.Time(), End: s.end.Time(), Values: s.values, Counts: counts,
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

// A standingDocument is a standing in the store.
type standingDocument struct {
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
	Period  time.Duration `json:",omitempty"` // of documents whose rule has none
}

func (s *standing) document() standingDocument {
	d := standingDocument{State: s.State, Updated: s.updated.Time(), Transitioned: s.transitioned(), Suppression: s.suppression}
	switch why := s.why.(type) {
	case *said:
		d.Words, d.Data = why.words, why.data
	case *seen:
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

// standing is the standing of an alarm from the store.
func (d *standingDocument) standing(r *record) standing {
	s := standing{Watch: alarm.Watch{State: d.State}, updated: alarm.At(d.Updated), suppression: d.Suppression}
	switch {
	case d.Evidence != nil:
		s.why = d.Evidence.seen(r)
	case d.Words != "" || d.Data != "" || s.State != alarm.InsufficientData:
		s.why = &said{d.Words, d.Data}
	}
	if s.why != nil {
		s.Since = alarm.At(d.Transitioned)
	}
	return s
}

func (d *evidenceDocument) seen(r *record) *seen {
	by, e := &r.metric, d.Evidence
	e.Rule.Period = cmp.Or(e.Rule.Period, d.Period)
	if by.reading == nil || by.rule != e.Rule || by.statistic != e.Statistic || by.unit != e.Unit {
		// The alarm was changed since.
		by = &metricRule{rule: e.Rule, reading: &reading{statistic: e.Statistic, unit: e.Unit}}
	}
	s := &seen{by: by, verdict: e.Verdict, at: alarm.At(e.At), end: alarm.At(e.End)}
	for _, v := range d.Present {
		if v == nil {
			s.values = append(s.values, math.NaN())
		} else {
			s.values = append(s.values, *v)
		}
	}
	s.values = slices.Clip(s.values)
	if len(d.Counts) == len(s.values) {
		s.counts = sameCounts(d.Counts, s.values)
	}
	return s
}
