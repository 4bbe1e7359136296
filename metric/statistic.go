package metric

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A Statistic is what is read from the datapoints of a period. Statistics are
// comparable; two names of the same thing, such as IQM and TM(25%:75%), give
// equal ones. The zero Statistic is none: no set has a value for it.
//
// Meanings follow "CloudWatch statistics definitions" in the CloudWatch user
// guide.
type Statistic struct {
	kind           kind
	loUnit, hiUnit boundUnit
	lo, hi         float64
}

type kind uint8

const (
	none kind = iota
	sampleCount
	sum
	average
	minimum
	maximum
	percentile     // the value at hi
	trimmedMean    // the mean of what lies between lo and hi
	winsorizedMean // the mean with what lies outside moved to lo or hi
	trimmedCount
	trimmedSum
	percentileRank // how much of all lies between lo and hi
)

// A boundUnit says what the end of a statistic's range counts in.
type boundUnit uint8

const (
	open    boundUnit = iota // there is no end
	percent                  // of the datapoints, in order of value
	value                    // of the metric; excluded as lower end, included as upper
)

// The statistics that every set has.
var (
	SampleCount = Statistic{kind: sampleCount}
	Sum         = Statistic{kind: sum}
	Average     = Statistic{kind: average}
	Minimum     = Statistic{kind: minimum}
	Maximum     = Statistic{kind: maximum}
)

// IQM is the interquartile mean, the mean of the middle half.
var IQM = Statistic{kind: trimmedMean, loUnit: percent, lo: 25, hiUnit: percent, hi: 75}

// Percentile returns the statistic pN. P must be from 0 to 100.
func Percentile(p float64) Statistic {
	return Statistic{kind: percentile, hiUnit: percent, hi: p}
}

// words are the statistics that have a word for a name.
var words = map[string]Statistic{
	"SampleCount": SampleCount,
	"Sum":         Sum,
	"Average":     Average,
	"Minimum":     Minimum,
	"Maximum":     Maximum,
	"IQM":         IQM,
}

// letters are the statistics named by two letters and a range.
var letters = map[string]kind{
	"TM": trimmedMean,
	"WM": winsorizedMean,
	"TC": trimmedCount,
	"TS": trimmedSum,
	"PR": percentileRank,
}

// Basic reports whether it is one of SampleCount, Sum, Average, Minimum and
// Maximum, which AWS calls statistics. All others it calls extended statistics.
func (s Statistic) Basic() bool { return s.kind >= sampleCount && s.kind <= maximum }

const number = `\d{1,15}(?:\.\d{1,10})?`

var (
	shortForm = regexp.MustCompile(`^(p|tm|wm|tc|ts)(` + number + `)$`)
	rangeForm = regexp.MustCompile(`^(TM|WM|TC|TS|PR)\((` + number + `%?)?:(` + number + `%?)?\)$`)
)

// ParseStatistic reads a statistic by its CloudWatch name: "Average", "p99.9",
// "IQM", "tm90", "TM(10%:90%)", "TS(80%:)", "PR(:300)". Percentages go from 0 to
// 100; numbers have up to ten decimal places. Letter case matters.
func ParseStatistic(name string) (Statistic, error) {
	s, ok := parseStatistic(name)
	if !ok {
		return Statistic{}, fmt.Errorf("%q is not a statistic", name)
	}
	return s, nil
}

func parseStatistic(name string) (Statistic, bool) {
	if s, ok := words[name]; ok {
		return s, true
	}
	if m := shortForm.FindStringSubmatch(name); m != nil {
		s := Statistic{kind: percentile}
		if m[1] != "p" {
			s.kind = letters[strings.ToUpper(m[1])]
		}
		s.hi, s.hiUnit = parseBound(m[2] + "%")
		return s, s.valid()
	}
	if m := rangeForm.FindStringSubmatch(name); m != nil {
		s := Statistic{kind: letters[m[1]]}
		s.lo, s.loUnit = parseBound(m[2])
		s.hi, s.hiUnit = parseBound(m[3])
		return s, s.valid()
	}
	return Statistic{}, false
}

// parseBound reads "", "12.5" or "12.5%", already checked for form.
func parseBound(text string) (float64, boundUnit) {
	if text == "" {
		return 0, open
	}
	digits, isPercent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return math.NaN(), value // no range holds it
	}
	if isPercent {
		return v, percent
	}
	return v, value
}

// valid reports whether the bounds of a range make sense together.
func (s Statistic) valid() bool {
	if s.kind == percentile {
		return s.hi <= 100
	}
	if s.loUnit == open && s.hiUnit == open {
		return false
	}
	if s.loUnit != open && s.hiUnit != open && (s.loUnit != s.hiUnit || !(s.lo < s.hi)) {
		return false
	}
	if s.loUnit != percent && s.hiUnit != percent {
		return true
	}
	// Percentages: some part of the datapoints must be left, and a rank is one
	// already.
	return s.lo < 100 && s.hi <= 100 && (s.hiUnit == open || s.hi > 0) && s.kind != percentileRank
}

// String returns the CloudWatch name, which ParseStatistic reads back.
func (s Statistic) String() string {
	for name, word := range words {
		if s == word {
			return name
		}
	}
	if s.kind == percentile {
		return "p" + formatBound(s.hi, value)
	}
	for name, kind := range letters {
		if kind != s.kind {
			continue
		}
		if s.loUnit == open && s.hiUnit == percent {
			return strings.ToLower(name) + formatBound(s.hi, value)
		}
		return name + "(" + formatBound(s.lo, s.loUnit) + ":" + formatBound(s.hi, s.hiUnit) + ")"
	}
	return "none"
}

func formatBound(v float64, unit boundUnit) string {
	if unit == open {
		return ""
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if unit == percent {
		text += "%"
	}
	return text
}
