package trace

import (
	"regexp"
	"strings"
)

// A Kind is what the values of a trace are.
type Kind int

// The kinds of values.
const (
	Unknown Kind = iota // to be found out from the file
	Counts              // what happened in a step: the values of two steps add up
	Gauges              // what was measured in a step: of two steps, the mean is taken
	Rates               // what happened in a second of a step: a gauge of which counts can be made
)

func (k Kind) String() string { return [...]string{"unknown", "counts", "gauges", "rates"}[k] }

// Words in names that tell what values are; those of gauges and rates go first, as in
// "requests per second" or "messages visible".
var (
	rateWords  = regexp.MustCompile(`(?i)(rps|qps|tps|per[_ ]?s(ec|econd)?\b|/s(ec|econd)?\b|_rate$|^rate)`)
	gaugeWords = regexp.MustCompile(`(?i)(cpu|util|percent|pct|%|average|avg|mean|latency|duration|response_?time|memory|temperature|\bload|backlog|depth|visible|size|(?-i:Age|\bage|_age)|tasks|replicas|users|connections|p\d\d)`)
	countWords = regexp.MustCompile(`(?i)(request|count|hit|invocation|message|total|sum|visit|order|arrival|call|event|transaction|quer|job|click|view|session)`)
)

// kindOf judges values by their name.
func kindOf(name string) Kind {
	switch {
	case rateWords.MatchString(name):
		return Rates
	case gaugeWords.MatchString(name):
		return Gauges
	case countWords.MatchString(name):
		return Counts
	}
	return Unknown
}

// kindOfUnit judges values by their unit.
func kindOfUnit(unit string) Kind {
	switch {
	case unit == "Count":
		return Counts
	case strings.HasSuffix(unit, "/Second"):
		return Rates
	case unit == "None" || unit == "":
		return Unknown
	}
	return Gauges
}
