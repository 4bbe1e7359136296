package console

import (
	"fmt"
	"time"

	"flyball/internal/hindsight"
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
		moment, err := hindsight.ParseMoment(at, now)
		if err == nil {
			err = hindsight.Question{At: moment}.Check(now)
		}
		if err != nil {
			return w, &missing{sentence(err)}
		}
		w.At = moment.UTC()
		if end := moment.Add(d / 2); end.Before(now) {
			w.To = end
		}
	}
	w.From = w.To.Add(-d)
	return w, nil
}
