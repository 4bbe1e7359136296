package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Zone finds a time zone by its IANA name, such as Pacific/Tahiti or Etc/GMT+9,
// in the host's time zone database or the one in the binary. It is slow and
// allocates: keep what it returns.
func Zone(name string) (*time.Location, error) {
	// LoadLocation takes these for the host's own zone, and a database on disk
	// may hold its zones twice more, in clocks that count leap seconds or not.
	own := name == "" || name == "Local" || name == "localtime" || name == "posixrules"
	if own || strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix/") {
		return nil, fmt.Errorf("unknown time zone %s", name)
	}
	return time.LoadLocation(name)
}

// wallClock is what a clock in a zone shows, to the second, written as if it
// were UTC.
func wallClock(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return time.Unix(t.Unix()+int64(offset), 0).UTC()
}

// furthest is more seconds than any zone has been from UTC since 1970.
const furthest = 16 * 60 * 60

// instant is when a clock in a zone first shows a wall-clock time, or false if
// it skips it.
func instant(wall time.Time, zone *time.Location) (time.Time, bool) {
	if zone == time.UTC {
		return wall, true
	}
	shown := wall.Unix()
	at := time.Unix(shown-furthest, 0).In(zone)
	for {
		_, offset := at.Zone()
		start, end := at.ZoneBounds() // in between the offset does not change
		t := time.Unix(shown-int64(offset), 0)
		if !t.Before(start) && (end.IsZero() || t.Before(end)) {
			return t, true
		}
		if end.IsZero() || end.Unix() > shown+furthest {
			return time.Time{}, false
		}
		at = end
	}
}
