package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/policydoc"
)

// momentBefore reads a time of the past. "" is now.
func momentBefore(now time.Time, text string) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	at, err := moment(text, now)
	if err == nil && at.After(now) {
		err = fmt.Errorf("%s is still to come: it is %s there", text, now.UTC().Format(time.RFC3339))
	}
	return at, err
}

// checkMoment refuses what is no time at all, before anybody is asked what time it is.
func checkMoment(text string) error {
	_, err := moment(text, time.Unix(0, 0))
	return err
}

// moment reads a time, a time of the day of which the last is meant, or how long before now it is.
func moment(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if at, err := fullTime(text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		clock, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		midnight := now.UTC().Truncate(24 * time.Hour)
		at := midnight.Add(clock.Sub(clock.Truncate(24 * time.Hour)))
		if at.After(now) {
			at = at.Add(-24 * time.Hour)
		}
		return at, nil
	}
	return now, fmt.Errorf("%q is no time: write one such as 2026-11-26T14:05:00Z or 14:05, or how long ago it was, such as 10m", text)
}

// fullTime reads a time with its date, in UTC where no zone is given.
func fullTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write one such as 2026-11-26T14:05:00Z", text)
}

// completeSettings completes the values of a target that can be set.
func completeSettings(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	all := []string{"min=", "max=", "policy."}
	if of, is := strings.CutPrefix(begun, "policy."); is {
		all = nil
		if dot := strings.LastIndex(of, "."); dot > 0 {
			for _, field := range policydoc.SettingFields() {
				all = append(all, "policy."+of[:dot]+"."+field+"=")
			}
		}
	}
	return all, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
