package cloudwatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/metric"
)

// Lengths of names, from the API reference.
const (
	maxName           = 255 // characters of namespaces, metrics and dimensions
	maxDimensionValue = 1024
)

// A parameters checks a request to PutMetricData or GetMetricStatistics, the
// oldest operations. They tell all that is wrong at once, a line each:
//
//	The parameter Namespace is required.
//	The parameter MetricData.member.1.Dimensions.member.3.Value is required.
//
// What is missing comes first, and alone; then what is invalid.
type parameters struct {
	missing, invalid []string
	combination      error // the first conflict between parameters
}

// maxLines bounds the lines of an answer.
const maxLines = 50

func (p *parameters) miss(name string) {
	p.missing = addLine(p.missing, "The parameter %s is required.", name)
}

func (p *parameters) refuse(format string, args ...any) {
	p.invalid = addLine(p.invalid, format, args...)
}

func (p *parameters) conflict(format string, args ...any) {
	if p.combination == nil {
		p.combination = invalidCombination(format, args...)
	}
}

func (p *parameters) exclude(one, other string) {
	p.conflict("The parameters %s and %s are mutually exclusive and you have specified both.", one, other)
}

func addLine(lines []string, format string, args ...any) []string {
	if len(lines) == maxLines {
		return lines
	}
	return append(lines, fmt.Sprintf(format, args...))
}

// err is what the client is told, or nil.
func (p *parameters) err() error {
	switch {
	case len(p.missing) > 0:
		message := strings.Join(p.missing, "\n")
		return &types.MissingRequiredParameterException{Message: &message}
	case len(p.invalid) > 0:
		return invalidValue("%s", strings.Join(p.invalid, "\n"))
	}
	return p.combination
}

// A place names a parameter, when it must be named.
type place func() string

func top(name string) place { return func() string { return name } }

// name checks a required name of printable ASCII with a character that is not
// space.
func (p *parameters) name(at place, value *string, longest int) {
	s := aws.ToString(value)
	if strings.TrimLeft(s, " ") == "" {
		p.miss(at())
		return
	}
	if !isASCII(s) {
		p.refuse("The value for parameter %s contains non-ASCII characters.", at())
	}
	if utf8.RuneCountInString(s) > longest {
		p.refuse("The parameter %s must be shorter than %d characters.", at(), longest+1)
	}
}

// isASCII tells whether a name has nothing but printable ASCII.
func isASCII(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c > '~' })
}

// namespace checks a namespace, where :x is none.
func (p *parameters) namespace(value *string) {
	p.name(top("Namespace"), value, maxName)
	if strings.HasPrefix(aws.ToString(value), ":") {
		p.refuse("The value %s for parameter Namespace is invalid.", *value)
	}
}

// dimensions checks dimensions; at is the place of their list.
func (p *parameters) dimensions(at place, in []types.Dimension) {
	if !p.size(at, len(in), metric.MaxDimensions) {
		return
	}
	for i := range in {
		d := &in[i]
		name := func() string { return fmt.Sprintf("%s.member.%d.Name", at(), i+1) }
		p.name(name, d.Name, maxName)
		if strings.HasPrefix(aws.ToString(d.Name), ":") {
			p.refuse("The value %s for parameter %s is invalid.", *d.Name, name())
		}
		p.name(func() string { return fmt.Sprintf("%s.member.%d.Value", at(), i+1) }, d.Value, maxDimensionValue)
	}
}

// size checks how many members a list has, and tells whether they can be looked
// at.
func (p *parameters) size(at place, n, most int) bool {
	if n > most {
		p.refuse("The collection %s must not have a size greater than %d.", at(), most)
	}
	return n <= most
}

// Sizes of what tells of whom a metric is, from the API reference.
const (
	leastKeyAttributes = 2
	mostKeyAttributes  = 4
	mostAttributes     = 10
	maxAttribute       = 2048
)

// entity checks of whom metrics are, which is not part of them.
func (p *parameters) entity(at string, e *types.Entity) {
	if e == nil {
		return
	}
	if n := len(e.KeyAttributes); e.KeyAttributes != nil && n < leastKeyAttributes {
		p.refuse("The collection %s.KeyAttributes must not have a size less than %d.", at, leastKeyAttributes)
	}
	p.attributes(at+".KeyAttributes", e.KeyAttributes, mostKeyAttributes)
	p.attributes(at+".Attributes", e.Attributes, mostAttributes)
}

func (p *parameters) attributes(at string, of map[string]string, most int) {
	if !p.size(top(at), len(of), most) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		switch n := utf8.RuneCountInString(of[name]); {
		case n == 0:
			p.miss(at + "." + name)
		case n > maxAttribute:
			p.refuse("The parameter %s.%s must be shorter than %d characters.", at, name, maxAttribute+1)
		}
	}
}

// oneOf checks a value against those of its type.
func oneOf[E ~string](p *parameters, at place, value E, values []E) {
	if !slices.Contains(values, value) {
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = string(v)
		}
		p.refuse("The parameter %s must be a value in the set [ %s ].", at(), strings.Join(texts, ", "))
	}
}

// unit checks a unit; "" is none given.
func (p *parameters) unit(at place, unit types.StandardUnit) {
	if unit != "" {
		oneOf(p, at, unit, unit.Values())
	}
}
