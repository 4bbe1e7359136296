package trace

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// A collector takes rows in one of the ways in which their times can be read. Where day and
// month can be meant in two orders, both are followed until a row decides.
type collector struct {
	o     Options
	name  string
	ways  []*reading
	found []*timeline // for each way
	local int         // rows whose time names no zone
}

// add takes a row; column is the place of its time.
func (c *collector) add(line, column int, stamp string, value float64) error {
	if c.ways == nil {
		c.ways = readings(stamp, c.o.Zone, c.o.Order)
		for range c.ways {
			c.found = append(c.found, &timeline{})
		}
	}
	local, kept := false, 0
	for i, way := range c.ways {
		at, ok := way.parse(stamp)
		if !ok {
			continue
		}
		if at.Year() < 1678 || at.Year() > 2261 {
			return &Error{line, column, fmt.Sprintf("%q lies too far from today", stamp), "leave the row out"}
		}
		if !way.hasZone() {
			local = true
			before := int64(math.MinInt64)
			if c.found[i].len() > 0 {
				before = c.found[i].last().at
			}
			at = unfolded(at, before)
		}
		c.found[i].add(point{at.UnixNano(), value, line})
		c.ways[kept], c.found[kept] = way, c.found[i]
		kept++
	}
	if kept == 0 {
		return errTime(line, column, stamp)
	}
	if c.ways, c.found = c.ways[:kept], c.found[:kept]; c.found[0].len() > maxRows {
		return errTooLong(line)
	}
	if local {
		c.local++
	}
	return nil
}

// unfolded is a local time that may be there twice, when clocks go back: the first of both that
// is after the row before.
func unfolded(at time.Time, before int64) time.Time {
	for _, meant := range []time.Time{at.Add(-time.Hour), at, at.Add(time.Hour)} {
		if meant.Hour() == at.Hour() && meant.UnixNano() > before {
			return meant
		}
	}
	return at
}

// points are the rows, in the one way that is left or in the one that is more regular.
func (c *collector) points() (points, error) {
	p := points{name: c.name, kind: kindOf(c.name), times: true}
	if len(c.found) == 0 {
		return p, errEmpty
	}
	best := 0
	if len(c.found) == 2 {
		a, b := unevenness(c.found[0]), unevenness(c.found[1])
		if a == b {
			return p, &Error{Line: c.found[0].first().line, What: "the dates can be meant with the month or with the day first", Remedy: "say which with --date-order mdy or --date-order dmy"}
		}
		if b < a {
			best = 1
		}
		p.notes = append(p.notes, fmt.Sprintf("Took dates with the %s first: the rows are more regular so.", map[DateOrder]string{MonthFirst: "month", DayFirst: "day"}[c.ways[best].order]))
	}
	p.rows, p.local = c.found[best], c.local > 0
	if c.local > 0 && c.o.Zone == time.UTC {
		p.notes = append(p.notes, "Took times without a zone for UTC; --zone names another.")
	}
	return p, nil
}

// unevenness is how many rows do not follow the one before at the usual distance.
func unevenness(rows *timeline) int {
	return rows.len() - mode(rows.sorted().distances()).times
}

// errEmpty refuses a file without values.
var errEmpty = &Error{What: "no values", Remedy: "a file has a row for each step: a time and a value, or the value alone"}

// orGap is a value, or a gap where there is none.
func orGap(v float64, ok bool) float64 {
	if !ok {
		return math.NaN()
	}
	return v
}

// byTime orders points, and those of one time by their place in the file.
func byTime(a, b point) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.line, b.line)) }
