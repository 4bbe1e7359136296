package trace

import (
	"fmt"
	"math"
	"time"
)

// Counts around a missing row that are smaller than few on average can be zero by chance, or
// at night; a service with more does not have none.
const (
	few    = 10
	around = 10 // rows on either side
)

// fill decides what steps without a row are.
func (t *Trace) fill(o Options) {
	if len(t.absent) == 0 {
		return
	}
	zeros, gaps := 0, 0
	for _, run := range t.runs() {
		zero := o.Missing == Zero
		if o.Missing == Guess && t.Kind == Counts {
			zero = t.level(run) < few
		}
		for i := run[0]; i <= run[1]; i++ {
			if zero {
				t.Values[i] = 0
				zeros++
				continue
			}
			gaps++
		}
	}
	t.absent = nil
	if zeros > 0 {
		t.note("Took %s for none: what is counted and has no row did not happen (--missing gap takes them for unknown).", missingOf(zeros))
	}
	if gaps > 0 {
		t.note("Took %s for unknown (--missing zero takes them for none).", missingOf(gaps))
	}
}

// missingOf counts missing rows.
func missingOf(n int) string {
	if n == 1 {
		return "1 missing row"
	}
	return fmt.Sprintf("%d missing rows", n)
}

// runs are the first and last steps of the holes.
func (t *Trace) runs() [][2]int64 {
	var runs [][2]int64
	for _, at := range t.absent {
		if n := len(runs); n > 0 && runs[n-1][1] == at-1 {
			runs[n-1][1] = at
			continue
		}
		runs = append(runs, [2]int64{at, at})
	}
	return runs
}

// level is the mean of the values on both sides of a hole. Other holes count as zero, so that
// of a night in which most minutes have no row nothing is taken for an outage.
func (t *Trace) level(run [2]int64) float64 {
	sum, n := 0.0, 0
	for side := int64(1); side <= around; side++ {
		for _, at := range []int64{run[0] - side, run[1] + side} {
			if at < 0 || at >= int64(len(t.Values)) {
				continue
			}
			if n++; !math.IsNaN(t.Values[at]) {
				sum += t.Values[at]
			}
		}
	}
	return sum / float64(n)
}

// Counted is the trace as counts: of rates they are made, gauges are refused.
func (t Trace) Counted() (Trace, error) {
	switch {
	case t.Kind == Gauges:
		return t, &Error{What: fmt.Sprintf("the values of %q look like a gauge, and are to be requests that are counted", t.Name), Remedy: "choose another column with --column, or say --values counts or --values rates"}
	case t.Kind != Rates:
		return t, nil
	case t.Step <= 0:
		return t, &Error{What: "the file does not tell how long a step is", Remedy: "say so with --step"}
	}
	values := make([]float64, len(t.Values))
	for i, v := range t.Values {
		values[i] = v * t.Step.Seconds()
	}
	t.Values, t.Kind = values, Counts
	return t, nil
}

// At is the trace at other steps. Of a longer step, counts are added up and the mean of others
// is taken; a missing value is taken to be like the others of its step, of which half must be
// there; incomplete steps at either end are left out. Of a shorter step, counts are spread
// evenly.
func (t Trace) At(step time.Duration) (Trace, error) {
	switch {
	case step <= 0 || t.Step <= 0:
		return t, &Error{What: "the file does not tell how long a step is", Remedy: "say so with --step"}
	case step == t.Step:
		return t, nil
	case step > t.Step && step%t.Step == 0:
		return t.longer(step)
	case step < t.Step && t.Step%step == 0:
		return t.shorter(step)
	}
	return t, &Error{What: fmt.Sprintf("rows of %s do not make steps of %s", t.Step, step), Remedy: "one must be a whole number of the other"}
}

func (t Trace) longer(step time.Duration) (Trace, error) {
	n, first := int(step/t.Step), 0
	out := t
	out.Step, out.Values = step, nil
	if !t.Start.IsZero() {
		// Rows may lie a little within their steps.
		if into := t.Start.Sub(t.Start.Truncate(step)); into >= t.Step {
			first = int((step - into + t.Step - 1) / t.Step)
		}
		out.Start = t.Time(first).Truncate(step)
	}
	for ; first+n <= len(t.Values); first += n {
		sum, known := 0.0, 0
		for _, v := range t.Values[first : first+n] {
			if !math.IsNaN(v) {
				sum, known = sum+v, known+1
			}
		}
		value := sum / float64(known)
		switch {
		case 2*known < n:
			value = math.NaN()
		case t.Kind == Counts:
			value *= float64(n)
		}
		out.Values = append(out.Values, value)
	}
	if len(out.Values) == 0 {
		return t, &Error{What: fmt.Sprintf("no full step of %s in %d rows of %s", step, len(t.Values), t.Step), Remedy: "name a longer file"}
	}
	return out, nil
}

func (t Trace) shorter(step time.Duration) (Trace, error) {
	n := int(t.Step / step)
	out := t
	out.Step, out.Values = step, make([]float64, 0, min(n*len(t.Values), maxCells))
	if n*len(t.Values) > maxCells {
		return t, &Error{What: fmt.Sprintf("%d steps of %s", n*len(t.Values), step), Remedy: "take longer steps"}
	}
	for _, v := range t.Values {
		if t.Kind == Counts {
			v /= float64(n)
		}
		for range n {
			out.Values = append(out.Values, v)
		}
	}
	return out, nil
}
