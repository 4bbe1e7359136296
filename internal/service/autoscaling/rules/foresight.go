package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/forecast"
	"flyball/governor"
	"flyball/internal/service/autoscaling/fault"
)

// Tags that change what predictive policies forecast from, and for. They are Flyball's own:
// without them, and apart from how far back is read, the behaviour is that of AWS.
const (
	TagHistoryDays  = "flyball:history-days"  // that are read
	TagTimeZone     = "flyball:time-zone"     // of the service's days
	TagHolidays     = "flyball:holidays"      // dates, with spaces between them
	TagForecastStep = "flyball:forecast-step" // seconds for which there is a capacity each
)

// maxHistoryDays is as far back as forecasts read, with the tag and without.
const maxHistoryDays = governor.HistoryHours / 24

// forecastSteps are those that TagForecastStep takes. What is kept of metrics for longer than
// two weeks has datapoints of 5 minutes.
var forecastSteps = []int{300, 600, 900, 1200, 1800, 3600}

// checkForesight refuses tags of Flyball's that are none, and values of those above that mean
// nothing.
func checkForesight(key, value string) error {
	n, err := strconv.Atoi(value)
	switch key {
	case TagHistoryDays:
		if err != nil || n < 1 || n > maxHistoryDays {
			return fault.Invalid("Tag %s must be a number of days from 1 to %d, not %q", key, maxHistoryDays, value)
		}
	case TagForecastStep:
		if err != nil || !slices.Contains(forecastSteps, n) {
			return fault.Invalid("Tag %s must be a number of seconds, one of %v, not %q", key, forecastSteps, value)
		}
	case TagTimeZone:
		if _, err := zoneOf(value); err != nil {
			return fault.Invalid("Tag %s must be the name of a time zone, such as Europe/Berlin, not %q", key, value)
		}
	case TagHolidays:
		for _, word := range strings.Fields(value) {
			if _, err := forecast.ParseHoliday(word); err != nil {
				return fault.Invalid("Tag %s must be dates with spaces between them, such as 2026-12-25 or, each year, 12-25; %q is none", key, word)
			}
		}
	default:
		known := []string{TagMetricPeriod, TagOutDatapoints, TagInDatapoints, TagHistoryDays, TagTimeZone, TagHolidays, TagForecastStep}
		return fault.Invalid("Tag %s is not known; those of Flyball are %s", key, strings.Join(known, ", "))
	}
	return nil
}

// zoneOf is the time zone of a name; the server's own has none.
func zoneOf(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, strconv.ErrSyntax
	}
	return time.LoadLocation(name)
}

// A Foresight is how a target's predictive policies forecast.
type Foresight struct {
	Hours    int // of history
	Calendar governor.Calendar
	Step     time.Duration // for which there is a capacity each; 0: an hour
}

// SameForesight says whether predictive policies forecast alike with either tags.
func SameForesight(a, b map[string]string) bool {
	for _, key := range []string{TagHistoryDays, TagTimeZone, TagHolidays, TagForecastStep} {
		if a[key] != b[key] {
			return false
		}
	}
	return true
}

// ForesightOf reads the tags of a target, which CheckTags has passed.
func ForesightOf(tags map[string]string) Foresight {
	f := Foresight{Hours: governor.HistoryHours}
	if days, _ := strconv.Atoi(tags[TagHistoryDays]); days > 0 {
		f.Hours = 24 * days
	}
	if zone, err := zoneOf(tags[TagTimeZone]); err == nil {
		f.Calendar.Zone = zone
	}
	for _, word := range strings.Fields(tags[TagHolidays]) {
		if date, err := forecast.ParseHoliday(word); err == nil {
			f.Calendar.Holidays = append(f.Calendar.Holidays, date)
		}
	}
	if seconds, _ := strconv.Atoi(tags[TagForecastStep]); seconds > 0 && seconds < 3600 {
		f.Step = time.Duration(seconds) * time.Second
	}
	return f
}
