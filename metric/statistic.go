package metric

import (
	"fmt"
	"strconv"
	"strings"
)

// A Statistic is what is read from the datapoints of a period. Statistics are
// comparable. The zero Statistic is none: no set has a value for it.
//
// Meanings follow "CloudWatch statistics definitions" in the CloudWatch user
// guide.
type Statistic struct {
	kind   kind
	lo, hi bound
}

type kind uint8

const (
	none kind = iota
	sampleCount
	sum
	average
	minimum
	maximum
	percentile
	trimmedMean
	winsorizedMean
	trimmedCount
	trimmedSum
	percentileRank
)

// A bound is one end of the range that a statistic looks at: nothing, a
// percentage of the datapoints, or a value of the metric.
type bound struct {
	unit  boundUnit
	value float64
}

type boundUnit uint8

const (
	open boundUnit = iota
	percent
	absolute
)

// The five statistics that every set has.
var (
	SampleCount = Statistic{kind: sampleCount}
	Sum         = Statistic{kind: sum}
	Average     = Statistic{kind: average}
	Minimum     = Statistic{kind: minimum}
	Maximum     = Statistic{kind: maximum}
)

// Percentile returns the statistic pN. P must be from 0 to 100.
func Percentile(p float64) Statistic {
	return Statistic{kind: percentile, hi: bound{percent, p}}
}

var words = map[string]Statistic{
	"SampleCount": SampleCount,
	"Sum":         Sum,
	"Average":     Average,
	"Minimum":     Minimum,
	"Maximum":     Maximum,
}

// Basic reports whether it is one of SampleCount, Sum, Average, Minimum and
// Maximum: those that AWS calls Statistic. All others are extended statistics.
func (s Statistic) Basic() bool { return s.kind >= sampleCount && s.kind <= maximum }

// ParseStatistic reads a statistic by its CloudWatch name: "Average", "p99.9",
// "IQM", "tm90", "TM(10%:90%)", "PR(:300)".
func ParseStatistic(s string) (Statistic, error) {
	if stat, ok := words[s]; ok {
		return stat, nil
	}
	if digits, ok := strings.CutPrefix(s, "p"); ok {
		p, err := strconv.ParseFloat(digits, 64)
		if err == nil && p >= 0 && p <= 100 {
			return Percentile(p), nil
		}
	}
	return Statistic{}, fmt.Errorf("metric: %q is not a statistic", s)
}
