package tsdb

import (
	"testing"
	"time"

	"flyball/metric"
)

// The datapoints of times to come are gone, from blocks and from the journal, and those before
// are there.
func TestCutRemovesWhatIsLater(t *testing.T) {
	for _, folded := range []bool{true, false} {
		w := newWorld(t)
		const fast = 3 * time.Hour
		w.setTime(start.Add(fast))
		for at := time.Duration(0); at <= fast; at += 10 * time.Minute {
			w.append(start.Add(at), at.Minutes())
			w.appendFine(start.Add(at+time.Second), 1)
		}
		w.do(w.Flush())
		if folded {
			w.housekeeping()
		}
		now := start.Add(25 * time.Minute)
		if err := Cut(w.st, now); err != nil {
			t.Fatal(err)
		}
		w.open(now)
		if got, want := w.query(start, start.Add(2*fast), time.Minute, metric.SampleCount), "0s [2];10m0s [2];20m0s [2];"; got != want {
			t.Errorf("folded %v: by minutes %q, want %q", folded, got, want)
		}
		if got, want := w.query(start, start.Add(2*fast), time.Second, metric.Sum), "1s [1];10m1s [1];20m1s [1];"; got != want {
			t.Errorf("folded %v: by seconds %q, want %q", folded, got, want)
		}
		if last := w.Series(cpu).Last(); last.After(now.Add(30 * time.Minute)) {
			t.Errorf("folded %v: it is listed as if it had a datapoint at %v", folded, last)
		}
	}
}
