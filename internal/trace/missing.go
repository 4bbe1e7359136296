package trace

import (
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/internal/duration"
)

// Counts around a missing row that are smaller than few on average can be zero by chance, or
// at night; a service with more does not have none.
const (
	few    = 10
	around = 10 // rows on either side
)

// fill decides what steps without a row are.
func (s *Series) fill(o Options) {
	zeros, gaps, zero, before := 0, 0, false, 0.0
	filled := &column[float64]{}
	for i, v := range s.values.all() {
		if isAbsent(v) {
			if !isAbsent(before) {
				zero = o.Missing == Zero || o.Missing == Guess && s.Kind == Counts && s.level(i) < few
			}
			if before = v; zero {
				v = 0
				zeros++
			} else {
				v = math.NaN()
				gaps++
			}
			filled.append(v)
			continue
		}
		before = v
		filled.append(v)
	}
	if zeros+gaps == 0 {
		return
	}
	filled.err = s.values.err
	s.values = filled
	if zeros > 0 {
		s.note(fmt.Sprintf("Took %s for none: what is counted and has no row did not happen (--missing gap takes them for unknown).", missingOf(zeros)))
	}
	if gaps > 0 {
		s.note(fmt.Sprintf("Took %s for unknown (--missing zero takes them for none).", missingOf(gaps)))
	}
}

// Carried is the series with the value before in the place of gaps that are no longer than so many
// steps, and none in the place of others; what was done is in its last notes.
func (s Series) Carried(most int) Series {
	carried := &column[float64]{}
	value, known, short, long := math.NaN(), true, 0, 0 // known: what a gap is taken for
	gap := false
	for i, v := range s.values.all() {
		if !math.IsNaN(v) {
			value, gap = v, false
			carried.append(v)
			continue
		}
		if !gap {
			gap = true
			if known = !math.IsNaN(value) && s.gapAt(i) <= most; !known {
				value = 0
			}
		}
		if carried.append(value); known {
			short++
		} else {
			long++
		}
	}
	if s.Notes = slices.Clone(s.Notes); short > 0 {
		s.note(fmt.Sprintf("Took %s of %s that are unknown for like the one before.", stepsOf(short), duration.String(s.Step)))
	}
	if long > 0 {
		s.note(fmt.Sprintf("Took %s of %s that are unknown for without any.", stepsOf(long), duration.String(s.Step)))
	}
	return s.with(carried, s.Kind, s.Step)
}

// gapAt is how long a gap is that begins at a step.
func (s Series) gapAt(from int) int {
	to := from
	for to < s.Len() && math.IsNaN(s.values.at(to)) {
		to++
	}
	return to - from
}

// stepsOf counts steps.
func stepsOf(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// missingOf counts missing rows.
func missingOf(n int) string {
	if n == 1 {
		return "1 missing row"
	}
	return fmt.Sprintf("%d missing rows", n)
}

// level is the mean of the values on both sides of a hole that begins at a step. Other holes count as
// zero, so that of a night in which most minutes have no row nothing is taken for an outage.
func (s *Series) level(from int) float64 {
	to := from
	for to+1 < s.Len() && isAbsent(s.values.at(to+1)) {
		to++
	}
	sum, n := 0.0, 0
	for side := 1; side <= around; side++ {
		for _, at := range []int{from - side, to + side} {
			if at < 0 || at >= s.Len() {
				continue
			}
			if n++; !math.IsNaN(s.values.at(at)) {
				sum += s.values.at(at)
			}
		}
	}
	return sum / float64(n)
}

// Counted is the trace as counts: of rates they are made, gauges are refused.
func (t Trace) Counted() (Trace, error) {
	s, err := t.Series().Counted()
	if err != nil {
		return t, err
	}
	return s.Trace()
}

// Counted is the series as counts, as of a Trace.
func (s Series) Counted() (Series, error) {
	switch {
	case s.Kind == Gauges:
		return s, &Error{What: fmt.Sprintf("the values of %q look like a gauge, and are to be requests that are counted", s.Name), Remedy: "choose another column with --column, or say --values counts or --values rates"}
	case s.Kind != Rates:
		return s, nil
	case s.Step <= 0:
		return s, &Error{What: "the file does not tell how long a step is", Remedy: "say so with --step"}
	}
	counts := &column[float64]{}
	for _, v := range s.values.all() {
		counts.append(v * s.Step.Seconds())
	}
	return s.with(counts, Counts, s.Step), nil
}

// with is the series with other values in its place.
func (s Series) with(values *column[float64], kind Kind, step time.Duration) Series {
	values.err = s.values.err
	s.values, s.Kind, s.Step = values, kind, step
	return s
}

// At is the trace at other steps. Of a longer step, counts are added up and the mean of others
// is taken; a missing value is taken to be like the others of its step, of which half must be
// there; incomplete steps at either end are left out. Of a shorter step, counts are spread
// evenly.
func (t Trace) At(step time.Duration) (Trace, error) {
	if step == t.Step && step > 0 {
		return t, nil
	}
	s, err := t.Series().At(step)
	if err != nil {
		return t, err
	}
	return s.Trace()
}

// At is the series at other steps, as of a Trace.
func (s Series) At(step time.Duration) (Series, error) {
	switch {
	case step <= 0 || s.Step <= 0:
		return s, &Error{What: "the file does not tell how long a step is", Remedy: "say so with --step"}
	case step == s.Step:
		return s, nil
	case step > s.Step && step%s.Step == 0:
		return s.longer(step)
	case step < s.Step && s.Step%step == 0:
		return s.shorter(step)
	}
	return s, &Error{What: fmt.Sprintf("rows of %s do not make steps of %s", duration.String(s.Step), duration.String(step)), Remedy: "one must be a whole number of the other"}
}

func (s Series) longer(step time.Duration) (Series, error) {
	n, first, start := int(step/s.Step), 0, s.Start
	if !s.Start.IsZero() {
		// Rows may lie a little within their steps.
		if into := s.Start.Sub(s.Start.Truncate(step)); into >= s.Step {
			first = int((step - into + s.Step - 1) / s.Step)
		}
		start = s.Start.Add(time.Duration(first) * s.Step).Truncate(step)
	}
	longer := &column[float64]{}
	sum, known := 0.0, 0
	for i, v := range s.values.all() {
		if i < first {
			continue
		}
		if !math.IsNaN(v) {
			sum, known = sum+v, known+1
		}
		if (i-first+1)%n > 0 {
			continue
		}
		value := sum / float64(known)
		switch {
		case 2*known < n:
			value = math.NaN()
		case s.Kind == Counts:
			value *= float64(n)
		}
		longer.append(value)
		sum, known = 0, 0
	}
	if longer.len() == 0 {
		return s, &Error{What: fmt.Sprintf("no full step of %s in %d rows of %s", duration.String(step), s.Len(), duration.String(s.Step)), Remedy: "name a longer file"}
	}
	s.Start = start
	return s.with(longer, s.Kind, step), nil
}

func (s Series) shorter(step time.Duration) (Series, error) {
	n := int(s.Step / step)
	if n*s.Len() > maxCells {
		return s, &Error{What: fmt.Sprintf("%d steps of %s", n*s.Len(), step), Remedy: "take longer steps"}
	}
	shorter := &column[float64]{}
	for _, v := range s.values.all() {
		if s.Kind == Counts {
			v /= float64(n)
		}
		for range n {
			shorter.append(v)
		}
	}
	return s.with(shorter, s.Kind, step), nil
}
