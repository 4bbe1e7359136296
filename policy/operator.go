package policy

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// operator is how a condition compares, without Not and IfExists.
type operator struct {
	negated bool
	refusal string // AWS's words for a value that is not in the operator's form
	compile func(value string, variables bool) (test, error)
}

// operatorNamed knows every operator but Null, by its name in lower case ("IAM JSON
// policy elements: Condition operators").
func operatorNamed(name string) (operator, bool) {
	if o, ok := stringOperator(name); ok {
		return o, true
	}
	if c, ok := strings.CutPrefix(name, "numeric"); ok {
		negated, compile := comparison(c, newNumber)
		return operator{negated, legacyParsing, compile}, compile != nil
	}
	if c, ok := strings.CutPrefix(name, "date"); ok {
		negated, compile := comparison(c, newDate)
		return operator{negated, legacyParsing, compile}, compile != nil
	}
	switch name {
	case "bool":
		return operator{false, syntaxErrors, newBoolean}, true
	case "binaryequals":
		return operator{false, syntaxErrors, newBinary}, true
	case "ipaddress", "notipaddress":
		return operator{name != "ipaddress", legacyParsing, newNetwork}, true
	case "arnequals", "arnlike", "arnnotequals", "arnnotlike":
		return operator{strings.Contains(name, "not"), syntaxErrors, newARNTest}, true
	}
	return operator{}, false
}

func stringOperator(name string) (operator, bool) {
	var s syntax
	rest, ok := strings.CutPrefix(name, "string")
	if !ok {
		return operator{}, false
	}
	rest, negated := strings.CutPrefix(rest, "not")
	switch rest {
	case "equals":
	case "equalsignorecase":
		s.fold = true
	case "like":
		s.wildcards = true
	default:
		return operator{}, false
	}
	return operator{negated, syntaxErrors, func(value string, variables bool) (test, error) {
		s := s
		s.variables = variables
		return textTest{compilePattern(value, s), s.fold}, nil
	}}, true
}

// textTest compares strings.
type textTest struct {
	pattern pattern
	fold    bool
}

func (t textTest) passes(value string, r *Request) bool { return t.pattern.match(value, t.fold, r) }

func (t textTest) unresolved() []key { return t.pattern.unresolved() }

// arnTest compares ARNs part by part, with wildcards; ArnEquals does as ArnLike.
type arnTest struct{ arnPattern }

func newARNTest(value string, variables bool) (test, error) {
	return arnTest{compileARN(value, variables, 0)}, nil
}

func (t arnTest) passes(value string, r *Request) bool {
	a := splitARN(value)
	return t.match(&a, r)
}

// comparison reads what follows Numeric and Date. NotEquals is Equals, negated.
func comparison(name string, newTest func(accept [3]bool, value string) (test, error)) (negated bool, compile func(string, bool) (test, error)) {
	var accept [3]bool // a value less than, equal to, greater than that of the policy
	switch name {
	case "equals":
		accept = [3]bool{false, true, false}
	case "notequals":
		negated, accept = true, [3]bool{false, true, false}
	case "lessthan":
		accept = [3]bool{true, false, false}
	case "lessthanequals":
		accept = [3]bool{true, true, false}
	case "greaterthan":
		accept = [3]bool{false, false, true}
	case "greaterthanequals":
		accept = [3]bool{false, true, true}
	default:
		return false, nil
	}
	return negated, func(value string, _ bool) (test, error) { return newTest(accept, value) }
}

type numberTest struct {
	accept [3]bool
	value  float64
}

func newNumber(accept [3]bool, value string) (test, error) {
	n, err := parseNumber(value)
	return numberTest{accept, n}, err
}

func (t numberTest) passes(value string, _ *Request) bool {
	n, err := parseNumber(value)
	return err == nil && t.accept[cmp.Compare(n, t.value)+1]
}

// parseNumber reads an integer or a decimal, and not the other forms that Go
// knows.
func parseNumber(s string) (float64, error) {
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return strconv.ParseFloat(s, 64)
}

type dateTest struct {
	accept [3]bool
	value  time.Time
}

func newDate(accept [3]bool, value string) (test, error) {
	d, err := parseDate(value)
	return dateTest{accept, d}, err
}

func (t dateTest) passes(value string, _ *Request) bool {
	d, err := parseDate(value)
	return err == nil && t.accept[d.Compare(t.value)+1]
}

// dateForm is a date with an optional time, of which IAM takes what ISO 8601 does and more:
// years of any size, numbers without a zero before them, a time that ends early or a T alone.
var dateForm = regexp.MustCompile(`^([+-]?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:T(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}(?::\d{2})?)?)?$`)

// parseDate reads seconds since 1970, or a date; without a zone it is UTC.
func parseDate(s string) (time.Time, error) {
	if !strings.ContainsAny(s, "-Tt") {
		n, err := strconv.ParseInt(s, 10, 64)
		return time.Unix(n, 0), err
	}
	upper := strings.ToUpper(s)
	if t, err := time.Parse("20060102T150405Z07", upper); err == nil {
		return t, nil
	}
	m := dateForm.FindStringSubmatch(upper)
	if m == nil {
		return time.Time{}, fmt.Errorf("%q is not a date, or finer than nanoseconds", s)
	}
	number := func(text string, otherwise int) int {
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
		return otherwise
	}
	month, day := number(m[2], 1), number(m[3], 1)
	hour, minute, second := number(m[4], 0), number(m[5], 0), number(m[6], 0)
	t := time.Date(number(m[1], 0), time.Month(month), day, hour, minute, second, number((m[7] + "000000000")[:9], 0), zoneOf(m[8]))
	if t.Month() != time.Month(month) || t.Day() != day || t.Hour() != hour || t.Minute() != minute || t.Second() != second {
		return time.Time{}, fmt.Errorf("%q is not a date", s) // such as a thirteenth month
	}
	return t, nil
}

// zoneOf is a zone such as +23 or -05:30, or UTC.
func zoneOf(s string) *time.Location {
	if len(s) < len("+23") {
		return time.UTC
	}
	hours, minutes, _ := strings.Cut(s[1:], ":")
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	offset := (h*60 + m) * 60
	if s[0] == '-' {
		offset = -offset
	}
	return time.FixedZone("", offset)
}

type booleanTest bool

func newBoolean(value string, _ bool) (test, error) {
	b, err := parseBool(value)
	return booleanTest(b), err
}

func (t booleanTest) passes(value string, _ *Request) bool {
	b, err := parseBool(value)
	return err == nil && b == bool(t)
}

// binaryTest compares bytes, which the policy has in base64.
type binaryTest string

func newBinary(value string, _ bool) (test, error) {
	b, err := base64.StdEncoding.DecodeString(value)
	return binaryTest(b), err
}

func (t binaryTest) passes(value string, _ *Request) bool { return value == string(t) }

type networkTest netip.Prefix

// newNetwork reads an address or a range in CIDR notation.
func newNetwork(value string, _ bool) (test, error) {
	if a, err := netip.ParseAddr(value); err == nil {
		return networkTest(netip.PrefixFrom(a, a.BitLen())), nil
	}
	p, err := netip.ParsePrefix(value)
	return networkTest(p), err
}

func (t networkTest) passes(value string, _ *Request) bool {
	a, err := netip.ParseAddr(value)
	return err == nil && netip.Prefix(t).Contains(a.Unmap().WithZone(""))
}
