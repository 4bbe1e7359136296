// Package threshold reads conditions on what was measured, as --fail-if takes them,
// and says whether they are met, and by what.
//
//	names := threshold.Names{
//		{"p95", threshold.Duration, "95th percentile of latency"},
//		{"errors", threshold.Share, "share of the requests that failed"},
//	}
//	condition, err := threshold.Parse("p95 > 300ms or errors > 1%", names)
//	met, why := condition.Met(map[string]float64{"p95": 0.512, "errors": 0.2}) // true, ["p95 is 512ms (> 300ms)"]
//
// A condition is a comparison, or several joined by "and" and "or", of which "and" binds
// more tightly; parentheses say otherwise. A comparison is a name, one of > >= < <= == !=,
// and a value.
package threshold

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"flyball/internal/duration"
)

// A Name is something that is measured.
type Name struct {
	Name  string // letters, digits, dots, hyphens and underscores; begins with a letter
	Unit  Unit
	About string // what it is, for the help
}

// Names are all that a condition can be about.
type Names []Name

// A Unit says how the values of a name are written, and what they are as numbers.
type Unit int

// The units.
const (
	Number   Unit = iota // 120
	Duration             // 300ms, 1.5s, 2m; seconds as a number
	Share                // 1%; as a number 1
	Percent              // 99.9 or 99.9%, of names that are always in percent; as a number 99.9
)

// Help lists the names, a line each.
func (n Names) Help() string {
	width := 0
	for _, name := range n {
		width = max(width, len(name.Name))
	}
	var b strings.Builder
	for _, name := range n {
		fmt.Fprintf(&b, "  %-*s  %s (%s)\n", width, name.Name, name.About, name.Unit.example())
	}
	return b.String()
}

// find returns the name that is spelled so.
func (n Names) find(spelled string) (Name, error) {
	all := make([]string, len(n))
	for i, name := range n {
		if name.Name == spelled {
			return name, nil
		}
		all[i] = name.Name
	}
	return Name{}, fmt.Errorf("%q is none of the names that can be compared: %s", spelled, strings.Join(all, ", "))
}

func (u Unit) example() string {
	return [...]string{Number: "such as 120", Duration: "such as 300ms", Share: "such as 1%", Percent: "such as 99.9"}[u]
}

// parse reads a value.
func (u Unit) parse(text string) (float64, error) {
	switch u {
	case Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration such as 300ms or 1.5s", text)
		}
		return d.Seconds(), nil
	case Share:
		number, percent := strings.CutSuffix(text, "%")
		if !percent {
			return 0, fmt.Errorf("%q is not a share such as 1%% or 0.5%%", text)
		}
		return number64(number)
	case Percent:
		return number64(strings.TrimSuffix(text, "%"))
	}
	return number64(text)
}

func number64(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number such as 120 or 0.5", text)
	}
	return v, nil
}

// format writes a value as it is read.
func (u Unit) format(v float64) string {
	number := strconv.FormatFloat(v, 'g', 6, 64)
	switch u {
	case Duration:
		return duration.String(time.Duration(v * float64(time.Second)).Round(time.Microsecond))
	case Share, Percent:
		return number + "%"
	}
	return number
}

// A Condition is what a text says of measured values.
type Condition struct {
	text string
	root node
}

// String is the text that the condition was read from.
func (c Condition) String() string { return c.text }

// Met is whether measured values meet the condition, and which of its comparisons do, in
// words. A comparison with a value that is not known, which is one that is missing or no
// number, is met: a check that cannot be made has not passed.
func (c Condition) Met(values map[string]float64) (bool, []string) {
	if c.root == nil {
		return false, nil
	}
	return c.root.met(values)
}

// A node is a part of a condition.
type node interface {
	met(values map[string]float64) (bool, []string)
}

// A joined node is met when all of its parts are, or any.
type joined struct {
	all   bool
	parts []node
}

func (j joined) met(values map[string]float64) (bool, []string) {
	var why []string
	count := 0
	for _, part := range j.parts {
		if met, reasons := part.met(values); met {
			count++
			why = append(why, reasons...)
		}
	}
	if count == 0 || j.all && count < len(j.parts) {
		return false, nil
	}
	return true, why
}

// A comparison holds a measured value against one that was given.
type comparison struct {
	name     Name
	operator string
	value    float64
	written  string
}

func (c comparison) met(values map[string]float64) (bool, []string) {
	measured, known := values[c.name.Name]
	if !known || math.IsNaN(measured) {
		return true, []string{fmt.Sprintf("%s is not known (%s %s)", c.name.Name, c.operator, c.written)}
	}
	if !compare(measured, c.operator, c.value) {
		return false, nil
	}
	return true, []string{fmt.Sprintf("%s is %s (%s %s)", c.name.Name, c.name.Unit.format(measured), c.operator, c.written)}
}

func compare(a float64, operator string, b float64) bool {
	switch operator {
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case "==":
		return a == b
	}
	return a != b
}
