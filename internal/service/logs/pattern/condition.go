package pattern

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A condition is what a comparison asks of a value.
type condition struct {
	operator string // =, !=, <, >, <=, >=
	text     string
	number   float64
	numeric  bool // the value is compared as a number
	regex    *regex
	prefix,  // * at the end
	suffix bool // * at the beginning
}

// operators in the order in which they are looked for.
var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

// condition reads an operator and a value.
func (p *parser) condition() (c condition, err error) {
	p.space()
	for _, op := range operators {
		if p.take(op) {
			c.operator = op
			break
		}
	}
	if c.operator == "" {
		return c, fmt.Errorf("no operator at %q", p.rest())
	}
	p.space()
	quoted := false
	switch {
	case p.take(`"`):
		quoted = true
		c.text, err = p.quoted()
	case p.take("%"):
		c.regex, err = p.regex()
	default:
		c.text = p.run(isBare)
		if c.text == "" {
			err = fmt.Errorf("no value at %q", p.rest())
		}
	}
	if err != nil {
		return c, err
	}
	return c.finish(quoted)
}

// isBare tells the characters of values without quotation marks.
func isBare(c byte) bool {
	return isName(c) || strings.IndexByte(".*+-:/@$#?", c) >= 0 || c >= 128
}

func (c condition) finish(quoted bool) (condition, error) {
	if !quoted && c.regex == nil {
		c.number, c.numeric = parseNumber(c.text)
	}
	if c.operator != "=" && c.operator != "!=" && !c.numeric {
		return c, errors.New("only numbers are less or greater")
	}
	if c.text == "*" {
		c.text, c.prefix = "", true
		return c, nil
	}
	if c.numeric || c.regex != nil {
		return c, nil
	}
	c.text, c.prefix = strings.CutSuffix(c.text, "*")
	c.text, c.suffix = strings.CutPrefix(c.text, "*")
	return c, nil
}

// parseNumber reads a number as patterns have them: no hexadecimal, no infinity.
func parseNumber(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// holds tells whether a value is as the condition asks.
func (c condition) holds(value string) bool {
	if !c.numeric {
		return c.equals(value) == (c.operator == "=")
	}
	v, ok := parseNumber(value)
	switch c.operator {
	case "=":
		return ok && v == c.number
	case "!=":
		return !ok || v != c.number
	case "<":
		return ok && v < c.number
	case ">":
		return ok && v > c.number
	case "<=":
		return ok && v <= c.number
	}
	return ok && v >= c.number
}

func (c condition) equals(value string) bool {
	switch {
	case c.regex != nil:
		return c.regex.MatchString(value)
	case c.prefix && c.suffix:
		return strings.Contains(value, c.text)
	case c.prefix:
		return strings.HasPrefix(value, c.text)
	case c.suffix:
		return strings.HasSuffix(value, c.text)
	}
	return value == c.text
}
