package console

import (
	"fmt"
	"time"
)

// A window is the time that a page shows.
type window struct {
	From, To time.Time
	At       time.Time // the moment that is asked about; zero: none
	Length   string    // as in the address
}

// lengths are the windows that a page offers.
var lengths = []struct {
	Name string
	time.Duration
}{
	{"15m", 15 * time.Minute}, {"1h", time.Hour}, {"3h", 3 * time.Hour}, {"12h", 12 * time.Hour}, {"1d", 24 * time.Hour}, {"1w", 7 * 24 * time.Hour},
}

// lengthNames are the windows in their order.
func lengthNames() (names []string) {
	for _, l := range lengths {
		names = append(names, l.Name)
	}
	return names
}

// usualLength is the window of an address that names none.
const usualLength = "1h"

// windowOf is the time that an address asks for: the newest, or that around a moment.
func windowOf(length, at string, now time.Time) (window, error) {
	now = now.UTC()
	w := window{To: now, Length: usualLength}
	var d time.Duration
	for _, l := range lengths {
		if l.Name == length || length == "" && l.Name == usualLength {
			w.Length, d = l.Name, l.Duration
		}
	}
	if d == 0 {
		return w, &missing{fmt.Sprintf("There is no view of %q; there are 15m, 1h, 3h, 12h, 1d and 1w.", length)}
	}
	if at != "" {
		moment, err := momentOf(at, now)
		if err != nil {
			return w, err
		}
		if moment.After(now) {
			return w, &missing{fmt.Sprintf("%s is still to come: it is %s here.", moment.UTC().Format(time.RFC3339), now.Format(time.RFC3339))}
		}
		w.At = moment
		if end := moment.Add(d / 2); end.Before(now) {
			w.To = end
		}
	}
	w.From = w.To.Add(-d)
	return w, nil
}

// momentOf reads a moment: a time of day is the last one that was.
func momentOf(text string, now time.Time) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, text, time.UTC); err == nil {
			return t.UTC(), nil
		}
	}
	for _, form := range []string{"15:04:05", "15:04"} {
		t, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		today := now.Truncate(24 * time.Hour).Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second)
		if today.After(now) {
			today = today.Add(-24 * time.Hour)
		}
		return today, nil
	}
	return time.Time{}, &missing{fmt.Sprintf("%q is no moment; write 14:05, or 2026-03-01T14:05, in UTC.", text)}
}
