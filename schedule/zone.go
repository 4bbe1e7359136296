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

// offset is how many seconds a zone is ahead of UTC at a Unix time.
func offset(unix int64, zone *time.Location) int64 {
	_, seconds := time.Unix(unix, 0).In(zone).Zone()
	return int64(seconds)
}

// wallClock is what a clock in a zone shows, to the second, written as if it
// were UTC.
func wallClock(t time.Time, zone *time.Location) time.Time {
	return time.Unix(t.Unix()+offset(t.Unix(), zone), 0).UTC()
}

// furthest is more seconds than any zone has been from UTC since 1970.
const furthest = 16 * 60 * 60

// instant is when a clock in a zone first shows a wall-clock time, or false if
// it skips it. It asks the zone for offsets only: Time.ZoneBounds is wrong on
// the last day of leap years (Go 1.26).
func instant(wall time.Time, zone *time.Location) (time.Time, bool) {
	if zone == time.UTC {
		return wall, true
	}
	// No clock changes twice in these 32 hours.
	shown := wall.Unix()
	before, after := offset(shown-furthest, zone), offset(shown+furthest, zone)
	for _, ahead := range [...]int64{max(before, after), min(before, after)} { // the further ahead, the earlier
		if offset(shown-ahead, zone) == ahead {
			return time.Unix(shown-ahead, 0), true
		}
	}
	return time.Time{}, false
}
