package generator

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxParts bounds a description.
const maxParts = 100

// An Error says where a description cannot be read, and what to write there.
type Error struct {
	Column int // in characters, from 1
	What   string
	Remedy string
}

func (e *Error) Error() string { return fmt.Sprintf("column %d: %s; %s", e.Column, e.What, e.Remedy) }

// Parse reads a description. Its errors are of type *Error.
func Parse(text string) (Generator, error) {
	p := parser{text: text}
	g, err := p.generator()
	if err != nil {
		return Generator{}, err
	}
	return g, nil
}

// A parser reads a description from its beginning.
type parser struct {
	text string
	at   int
}

// fail is an error at a place.
func (p *parser) fail(at int, remedy, what string, args ...any) error {
	return &Error{utf8.RuneCountInString(p.text[:at]) + 1, fmt.Sprintf(what, args...), remedy}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take takes a character if it comes next.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word takes what stands until a space or a character that divides.
func (p *parser) word() (at int, word string) {
	p.space()
	at = p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,()=", p.text[p.at]) < 0 {
		p.at++
	}
	return at, p.text[at:p.at]
}

func (p *parser) generator() (g Generator, err error) {
	for {
		one, err := p.part()
		if err != nil {
			return g, err
		}
		if g.parts = append(g.parts, one); len(g.parts) > maxParts {
			return g, p.fail(p.at, "leave some out", "there are more than %d parts", maxParts)
		}
		if p.take('+') {
			continue
		}
		if p.space(); p.at < len(p.text) {
			return g, p.fail(p.at, "parts are added with +", "%q is no part of a description", p.rest())
		}
		return g, nil
	}
}

// rest is the beginning of what is left.
func (p *parser) rest() string {
	runes := []rune(p.text[p.at:])
	return string(runes[:min(len(runes), 12)])
}

// part reads NAME(NAME=VALUE, ...).
func (p *parser) part() (named, error) {
	at, name := p.word()
	kind, known := kinds[name]
	if !known {
		if name == "" && p.at < len(p.text) {
			name = p.rest()
		}
		return named{}, p.fail(at, "write "+names(), "%q is no kind of traffic", name)
	}
	a := arguments{parser: p, kind: name, form: kind, at: at, values: map[string]value{}}
	if err := a.read(); err != nil {
		return named{}, err
	}
	made := named{name, kind.make(&a)}
	return made, a.err
}

// A value is what a parameter is given.
type value struct {
	at   int
	text string
}

// arguments are those of a part, as they are asked for. The first that is wrong is kept.
type arguments struct {
	*parser
	kind   string
	form   kind
	at     int
	values map[string]value
	err    error
}

// read reads what stands in parentheses. A part of one parameter needs not name it.
func (a *arguments) read() error {
	k := a.form
	if !a.take('(') {
		return a.fail(a.parser.at, "write "+k.example, "%s has no parentheses", a.kind)
	}
	for !a.take(')') {
		at, name := a.word()
		given := value{at, name}
		if a.take('=') {
			given.at, given.text = a.word()
		} else if len(k.parameters) == 1 {
			name = k.parameters[0]
		} else if name != "" {
			return a.fail(at, "write "+k.example, "%q has no value", name)
		}
		switch {
		case !slices.Contains(k.parameters, name):
			if name == "" {
				return a.fail(at, "write "+k.example, "a parameter of %s, or a closing parenthesis, is missing", a.kind)
			}
			return a.fail(at, "it has "+strings.Join(k.parameters, ", "), "%s has no %q", a.kind, name)
		case a.values[name].text != "":
			return a.fail(at, "give it once", "%s is there twice", name)
		case given.text == "":
			return a.fail(given.at, "write "+k.example, "%s has no value", name)
		}
		a.values[name] = given
		if a.take(',') {
			continue
		}
		if !a.take(')') {
			return a.fail(a.parser.at, "write "+k.example, "a comma or a closing parenthesis is missing")
		}
		break
	}
	return nil
}

// wrong keeps the first error.
func (a *arguments) wrong(at int, remedy, what string, args ...any) {
	if a.err == nil {
		a.err = a.fail(at, remedy, what, args...)
	}
}

// needs is the text of a parameter that has to be there.
func (a *arguments) needs(name string) value {
	v, given := a.values[name]
	if !given {
		a.wrong(a.at, "write "+a.form.example, "%s has no %s", a.kind, name)
	}
	return v
}

// amount is a rate or a factor.
func (a *arguments) amount(name string) amount {
	v := a.needs(name)
	if a.err != nil {
		return amount{}
	}
	text, factor := strings.CutSuffix(v.text, "x")
	per := 1.0
	if !factor {
		number, unit, divided := strings.Cut(text, "/")
		seconds, is := perUnit[unit]
		if !divided || !is {
			a.wrong(v.at, "write a rate such as 20/s, 300/m or 5000/h, or a factor such as 2x", "%q is neither a rate nor a factor", v.text)
			return amount{}
		}
		text, per = number, seconds
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= mostRate) {
		a.wrong(v.at, "write a rate such as 300/m, or a factor such as 2x, of 0 to 1e12", "%q is no number that can be", v.text)
		return amount{}
	}
	return amount{n / per, factor}
}

// perUnit are the units of rates, in seconds.
var perUnit = map[string]float64{"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

// mostRate bounds numbers, so that what they make is one.
const mostRate = 1e12

// pair is two amounts of one kind.
func (a *arguments) pair(first, second string) (one, two amount) {
	one, two = a.amount(first), a.amount(second)
	if a.err == nil && one.factor != two.factor {
		a.wrong(a.values[second].at, "write both with / or both with x", "%s is a rate and the other of %s and %s is a factor", map[bool]string{true: second, false: first}[one.factor], first, second)
	}
	return one, two
}

// span is a time such as 9d14h or 90s; a parameter that is left out has the one given here.
func (a *arguments) span(name string, otherwise time.Duration) time.Duration {
	v, given := a.values[name]
	if !given || a.err != nil {
		return otherwise
	}
	d, ok := ParseSpan(v.text)
	if !ok {
		a.wrong(v.at, "write a time such as 90s, 14h or 9d14h, up to ten years", "%q is no time that can be", v.text)
	}
	return d
}

// positive is a span that has to be there.
func (a *arguments) positive(name string) time.Duration {
	v := a.needs(name)
	d := a.span(name, 0)
	if d <= 0 {
		a.wrong(v.at, "write one such as 1h", "%s is %q, and has to be some time", name, v.text)
	}
	return d
}

// longestSpan bounds times.
const longestSpan = 3660 * day

// ParseSpan reads a time such as 9d14h: a duration that may have weeks and days before what Go knows,
// of ten years at most.
func ParseSpan(text string) (d time.Duration, ok bool) {
	if text == "0" {
		return 0, true
	}
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", week}, {"d", day}} {
		number, rest, found := strings.Cut(text, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n >= 0 && n <= float64(longestSpan/unit.length)) {
			return 0, false
		}
		d, text = d+time.Duration(n*float64(unit.length)), rest
	}
	if text != "" {
		rest, err := time.ParseDuration(text)
		if err != nil || rest < 0 {
			return 0, false
		}
		d += rest
	}
	return d, d <= longestSpan && d >= 0
}

// clock is a time of day.
func (a *arguments) clock(name string, otherwise time.Duration) time.Duration {
	v, given := a.values[name]
	if !given {
		return otherwise
	}
	t, err := time.Parse("15:04", v.text)
	if err != nil {
		a.wrong(v.at, "write one such as 14:00", "%q is no time of day", v.text)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// share is a number such as 0.1 or 10%.
func (a *arguments) share(name string) float64 {
	v := a.needs(name)
	if a.err != nil {
		return 0
	}
	text, percent := strings.CutSuffix(v.text, "%")
	n, err := strconv.ParseFloat(text, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 10) || math.IsNaN(n) {
		a.wrong(v.at, "write one such as 10% or 0.1", "%q is no share", v.text)
	}
	return n
}
