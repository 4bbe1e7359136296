// Package lead takes back how far the clock of a data folder is ahead of the wall clock, after
// a life with a faster clock or a wrong wall clock: it says what becomes of each time that is
// stored.
//
// What has happened in the lead has happened just now, in the same order; what was to come
// comes after as long as it would have. What people have written stays as it is.
package lead

import "time"

// A Lead is given up: it was By, and the time is Now.
type Lead struct {
	Now time.Time
	By  time.Duration
}

// within is the span before now in which all that is that has happened in the lead.
const within = time.Millisecond

// Time is what becomes of a time.
func (l Lead) Time(t time.Time) time.Time {
	ahead := t.Sub(l.Now)
	switch {
	case ahead <= 0:
		return t
	case ahead <= l.By:
		part := float64(ahead) / float64(l.By)
		return l.Now.Add(-within + time.Duration(part*float64(within))).In(t.Location())
	default:
		return t.Add(-l.By)
	}
}

// millis is what becomes of a time in milliseconds since 1970.
func (l Lead) millis(ms int64) int64 { return l.Time(time.UnixMilli(ms)).UnixMilli() }
