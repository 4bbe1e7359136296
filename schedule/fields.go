package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A field is what one field of a cron expression may hold.
type field struct {
	min, max int
	names    []string // of the values from min on
	name     string   // in the error for a name that is none
	limits   string   // the error for a value outside min and max
	endless  bool     // the values do not come round again: years
}

var (
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}

	sixty      = field{max: 59, limits: "Minute and Second values must be between 0 and 59"}
	hour       = field{max: 23, limits: "Hour values must be between 0 and 23"}
	dayOfMonth = field{min: 1, max: 31, limits: "Day of month values must be between 1 and 31"}
	monthField = field{min: 1, max: 12, names: monthNames, name: "Month", limits: "Month values must be between 1 and 12"}
	dayOfWeek  = field{min: 1, max: 7, names: weekdayNames, name: "Day-of-Week", limits: "Day-of-Week values must be between 1 and 7"}
	year       = field{min: firstYear, max: lastYear, limits: "Year values must be between 1970 and 2199", endless: true}
)

// parseCron reads the six fields of a cron expression, or seven with seconds.
func parseCron(text string, zone *time.Location) (rule, error) {
	p := &parser{text: strings.ToUpper(text)}
	fields := p.fields()
	if len(fields) < 6 || len(fields) > 7 {
		return nil, p.errorAt(len(text), "An expression has six fields, or seven with seconds, and this one has %d", len(fields))
	}
	c := &cron{seconds: 1, zone: zone}
	if len(fields) == 7 {
		c.seconds, c.fine = p.set(sixty, fields[0]), true
		fields = fields[1:]
	}
	c.minutes = p.set(sixty, fields[0])
	c.hours = p.set(hour, fields[1])
	c.days = p.days(fields[2], fields[4])
	c.months = p.set(monthField, fields[3])
	p.values(year, fields[5], func(y int) { c.years[(y-firstYear)/64] |= 1 << ((y - firstYear) % 64) })
	if p.err != nil {
		return nil, p.err
	}
	return c, nil
}

// A parser keeps the first error. What it returns after one means nothing.
type parser struct {
	text string
	err  error
}

// A token is a piece of the expression, and where it is.
type token struct {
	text string
	at   int
}

func (p *parser) errorAt(position int, format string, args ...any) error {
	return Error(fmt.Sprintf("Invalid CRON expression: error at position %d, details: %s", position, fmt.Sprintf(format, args...)))
}

func (p *parser) fail(at token, format string, args ...any) {
	if p.err == nil {
		p.err = p.errorAt(at.at, format, args...)
	}
}

// fields are the pieces between white space.
func (p *parser) fields() []token {
	var fields []token
	at := 0
	for text := range strings.FieldsSeq(p.text) {
		at += strings.Index(p.text[at:], text)
		fields = append(fields, token{text, at})
		at += len(text)
	}
	return fields
}

// cut splits a token at a separator.
func (t token) cut(separator string) (before, after token, found bool) {
	b, a, found := strings.Cut(t.text, separator)
	return token{b, t.at}, token{a, t.at + len(b) + len(separator)}, found
}

// set reads a field of values up to 63.
func (p *parser) set(f field, t token) uint64 {
	var set uint64
	p.values(f, t, func(v int) { set |= 1 << v })
	return set
}

// values reads a list of values, ranges and steps, and hands out each value.
func (p *parser) values(f field, list token, add func(int)) {
	for more := true; more && p.err == nil; {
		var item token
		item, list, more = list.cut(",")
		p.item(f, item, add)
	}
}

// item reads one of a list: 5, 5-10, 5/10, 5-30/10, */10 or *. A range whose end
// is before its start wraps.
func (p *parser) item(f field, item token, add func(int)) {
	span, increment, stepped := item.cut("/")
	step := 1
	if stepped {
		step = p.step(f, increment)
	}
	start, end := f.min, f.max
	if all := span.text == "*" || stepped && span.text == ""; !all {
		low, high, ranged := span.cut("-")
		start = p.value(f, low)
		switch {
		case ranged:
			end = p.value(f, high)
		case !stepped:
			end = start
		}
	}
	if p.err != nil {
		return
	}
	size := f.max - f.min + 1
	if end < start {
		if f.endless {
			p.fail(span, "Start year must be less than stop year")
			return
		}
		end += size
	}
	for v := start; v <= end; v += step {
		add(f.min + (v-f.min)%size)
	}
}

func (p *parser) step(f field, t token) int {
	n, ok := number(t.text)
	if !ok || n == 0 {
		p.fail(t, "'/' must be followed by an integer.")
		return 0
	}
	if size := f.max - f.min + 1; n > f.max && !f.endless {
		p.fail(t, "Increment > %d : %d", size, n)
	}
	return n
}

// value reads a number or a name.
func (p *parser) value(f field, t token) int {
	if n, ok := number(t.text); ok {
		if n < f.min || n > f.max {
			p.fail(t, "%s", f.limits)
		}
		return n
	}
	if i := slices.Index(f.names, t.text); i >= 0 {
		return f.min + i
	}
	switch {
	case t.text == "":
		p.fail(t, "Unexpected end of expression.")
	case strings.Contains(t.text, "?"):
		p.fail(t, "'?' can only be specified for Day-of-Month or Day-of-Week.")
	case strings.Trim(t.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && f.names != nil:
		p.fail(t, "Invalid %s value: '%s'", f.name, t.text)
	default:
		p.fail(t, "Illegal characters for this position: '%s'", t.text)
	}
	return f.min
}

// number reads up to four digits.
func number(text string) (int, bool) {
	if len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// days reads the two day fields. One of them is ?.
func (p *parser) days(ofMonth, ofWeek token) days {
	switch {
	case ofMonth.text == "?" && ofWeek.text == "?":
		p.fail(ofWeek, "'?' can only be specified for Day-of-Month -OR- Day-of-Week.")
		return nil
	case ofMonth.text == "?":
		return p.daysOfWeek(ofWeek)
	case ofWeek.text == "?":
		return p.daysOfMonth(ofMonth)
	}
	p.fail(ofMonth, "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented.")
	return nil
}

func (p *parser) daysOfMonth(t token) days {
	listed := strings.Contains(t.text, ",")
	switch {
	case strings.Contains(t.text, "L"):
		if listed {
			p.fail(t, "Support for specifying 'L' and 'LW' with other days of the month is not implemented")
		}
		return p.lastDay(t)
	case strings.Contains(t.text, "W"):
		if listed {
			p.fail(t, "Support for specifying 'W' with other days of the month is not implemented")
		}
		return workdayNear(p.value(dayOfMonth, token{strings.TrimSuffix(t.text, "W"), t.at}))
	}
	return daysOfMonth(p.set(dayOfMonth, t))
}

// lastDay reads L, LW, L-3 and L-3W.
func (p *parser) lastDay(t token) days {
	var l lastDay
	var rest string
	rest, l.workday = strings.CutSuffix(t.text, "W")
	before, offset := strings.CutPrefix(rest, "L-")
	if !offset {
		if rest != "L" {
			p.fail(t, "'L' option is not valid here. (pos=%d)", strings.Index(t.text, "L"))
		}
		return l
	}
	var ok bool
	if l.before, ok = number(before); !ok {
		p.fail(t, "'L-' must be followed by an integer.")
	} else if l.before > 30 {
		p.fail(t, "Offset from last day must be <= 30")
	}
	return l
}

func (p *parser) daysOfWeek(t token) days {
	if t.text == "L" {
		return daysOfWeek(1 << time.Saturday)
	}
	listed := strings.Contains(t.text, ",")
	if day, n, ok := t.cut("#"); ok {
		if listed {
			p.fail(t, `Support for specifying multiple "nth" days is not implemented.`)
		}
		nth := nthOf{day: p.weekday(day)}
		if nth.n, ok = number(n.text); !ok || nth.n < 1 || nth.n > 5 {
			p.fail(n, "A numeric value between 1 and 5 must follow the '#' option")
		}
		return nth
	}
	if strings.Contains(t.text, "L") {
		if listed {
			p.fail(t, "Support for specifying 'L' with other days of the week is not implemented")
		}
		return lastOf(p.weekday(token{strings.TrimSuffix(t.text, "L"), t.at}))
	}
	var set daysOfWeek
	p.values(dayOfWeek, t, func(v int) { set |= 1 << (v - 1) })
	return set
}

// weekday reads one day of the week, which counts from 1.
func (p *parser) weekday(t token) time.Weekday {
	return time.Weekday(p.value(dayOfWeek, t) - 1)
}
