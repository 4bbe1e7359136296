package kpa

import "time"

// A highest is the highest of the numbers in a window of time.
type highest struct {
	window time.Duration
	since  []entry // each lower than the one before it
}

type entry struct {
	at   time.Time
	pods int
}

// of takes in a number, and returns the highest.
func (h *highest) of(now time.Time, pods int) int {
	if h.window == 0 {
		return pods
	}
	for len(h.since) > 0 && h.since[0].at.Add(h.window).Before(now) {
		h.since = h.since[1:]
	}
	for n := len(h.since); n > 0 && h.since[n-1].pods <= pods; n-- {
		h.since = h.since[:n-1]
	}
	h.since = append(h.since, entry{now, pods})
	return h.since[0].pods
}
