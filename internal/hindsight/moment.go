package hindsight

import (
	"fmt"
	"time"
)

// ParseTime reads a time with its date, in UTC where no zone is given.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write one such as 2026-11-26T14:05:00Z", text)
}

// ParseMoment reads a time as people write it: one with its date, a time of the day (UTC), of
// which the last is meant, or how long before now it is.
func ParseMoment(text string, now time.Time) (time.Time, error) {
	now = now.UTC()
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if at, err := ParseTime(text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		clock, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		at := now.Truncate(24 * time.Hour).Add(clock.Sub(clock.Truncate(24 * time.Hour)))
		if at.After(now) {
			at = at.Add(-24 * time.Hour)
		}
		return at, nil
	}
	return now, fmt.Errorf("%q is no time: write one such as 2026-11-26T14:05:00Z or 14:05, or how long ago it was, such as 10m", text)
}
