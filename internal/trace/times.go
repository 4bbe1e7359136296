package trace

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A DateOrder is the order of day and month in dates such as 03/04/2026.
type DateOrder int

// Orders of dates.
const (
	AnyOrder DateOrder = iota // to be found out
	MonthFirst
	DayFirst
)

// A reading is one way to take the times of a file. All rows are read in the same way.
type reading struct {
	layouts []string
	zone    *time.Location
	order   DateOrder
	unix    time.Duration // of numbers: what they count since 1970
}

// parse reads a time, first in the way that the last one was read.
func (r *reading) parse(cell string) (time.Time, bool) {
	if r.unix > 0 {
		return parseUnix(cell, r.unix)
	}
	cell, _, _ = strings.Cut(cell, " (") // the long name of a zone
	for i, layout := range r.layouts {
		if at, err := time.ParseInLocation(layout, cell, r.zone); err == nil {
			r.layouts[0], r.layouts[i] = r.layouts[i], r.layouts[0]
			return at, true
		}
	}
	return time.Time{}, false
}

// hasZone is whether the way that the last time was read in names the zone.
func (r *reading) hasZone() bool {
	return r.unix > 0 || strings.Contains(r.layouts[0], "Z07") || strings.Contains(r.layouts[0], "-0700") || strings.HasSuffix(r.layouts[0], "UTC")
}

// parseUnix reads seconds since 1970, with a fraction or without, or thousandths and so on.
func parseUnix(cell string, unit time.Duration) (time.Time, bool) {
	if strings.ContainsAny(cell, "eE") { // 1.7723232e+09 has as many digits as a float64 at most
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return time.Time{}, false
		}
		cell = strconv.FormatFloat(v, 'f', -1, 64)
	}
	whole, fraction, _ := strings.Cut(cell, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > int64(1<<62)/int64(unit) {
		return time.Time{}, false
	}
	at := time.Unix(0, 0).UTC().Add(time.Duration(n) * unit)
	if fraction == "" {
		return at, true
	}
	part, err := strconv.ParseFloat("0."+fraction, 64)
	return at.Add(time.Duration(part * float64(unit))), err == nil
}

// clocks are the ways to write the time of a day after its date.
var clocks = []string{"15:04:05", "15:04", "3:04:05 PM", "3:04 PM", "15"}

// yearFirst are the ways in which the order is plain.
func yearFirst() []string {
	layouts := []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST",
		"2006-01-02 15:04:05 UTC", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15",
		"02/Jan/2006:15:04:05 -0700", "02-Jan-2006 15:04:05", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "Jan 2, 2006 15:04:05", "Jan 2, 2006 3:04:05 PM", "Jan 2, 2006 15:04",
		"Mon Jan 2 2006 15:04:05 GMT-0700", time.RFC1123, time.RFC1123Z, time.ANSIC, time.UnixDate, "20060102T150405Z0700", "20060102150405", "20060102 15:04:05", "20060102 15:04",
	}
	for _, date := range []string{"2006-01-02", "2006/01/02", "2006.01.02"} {
		for _, clock := range clocks {
			layouts = append(layouts, date+" "+clock)
		}
		layouts = append(layouts, date)
	}
	return append(layouts, "2 Jan 2006", "Jan 2, 2006", "2006-01")
}

// dayAndMonth are the ways that begin with the day or the month.
func dayAndMonth(date string) []string {
	var layouts []string
	for _, separator := range []string{"/", "-", "."} {
		for _, year := range []string{"2006", "06"} {
			day := strings.ReplaceAll(date, "/", separator) + separator + year
			for _, clock := range clocks {
				layouts = append(layouts, day+" "+clock, day+", "+clock)
			}
			layouts = append(layouts, day)
		}
	}
	return layouts
}

// readings are the ways in which a time may be meant, of which all that could read every row
// so far are kept.
func readings(cell string, zone *time.Location, order DateOrder) []*reading {
	var found []*reading
	try := func(r *reading) {
		if _, ok := r.parse(cell); ok {
			found = append(found, r)
		}
	}
	if unit := unixUnit(cell); unit > 0 {
		return []*reading{{unix: unit}}
	}
	if try(&reading{layouts: yearFirst(), zone: zone}); len(found) > 0 {
		return found
	}
	if order != DayFirst {
		try(&reading{layouts: dayAndMonth("1/2"), zone: zone, order: MonthFirst})
	}
	if order != MonthFirst {
		try(&reading{layouts: dayAndMonth("2/1"), zone: zone, order: DayFirst})
	}
	return found
}

// unixUnit is what a number counts since 1970, judged by its size: times from 1990 to 2100.
func unixUnit(cell string) time.Duration {
	n, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return 0
	}
	const from, to = 631152000, 4102444800
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond} {
		scale := float64(time.Second / unit)
		if n >= from*scale && n <= to*scale {
			return unit
		}
	}
	return 0
}

// errTime refuses a cell that is no time.
func errTime(line, column int, cell string) error {
	return &Error{line, column, fmt.Sprintf("%q is not a time", cell), "write times such as 2006-01-02T15:04:05Z, or seconds since 1970"}
}
