package pattern

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// deepest is how far the values of a document may be nested, as PutEvents says.
const deepest = 1000

// A kind tells the JSON values apart.
type kind uint8

const (
	object kind = iota
	array
	text
	number
	literal // true, false and null
)

// A node is a JSON value, and where it stands in its document: errors tell places, and
// what is cut out of an event keeps the spelling that it had.
type node struct {
	kind       kind
	start, end int
	value      string // of a text decoded; of a number and a literal as it is written
	members    []member
	names      map[string]int // places of many members
	items      []node
	decimal    decimal
}

// A member is a name of an object and its value.
type member struct {
	name  string
	value node
}

// A syntaxError says what is wrong with a document, and where; nowhere below 0.
type syntaxError struct {
	at     int
	reason string
	twice  bool // the place is told twice
}

func (e *syntaxError) Error() string { return e.reason }

// parseDocument reads a whole JSON document. Members stand as they are written,
// those with a name that comes again, too.
func parseDocument(doc string) (node, error) {
	p := parser{doc: doc}
	if !utf8.ValidString(doc) {
		return node{}, p.fail("Invalid UTF-8")
	}
	n, err := p.parse(1)
	if err != nil {
		return node{}, err
	}
	if c, ok := p.next(); ok {
		return node{}, p.unexpected(c, "the end of the document")
	}
	return n, nil
}

// A parser stands at a place of a document. What objects and arrays that are not yet closed have so
// far is in one list each, so that they are made in the size that they get.
type parser struct {
	doc     string
	at      int
	members []member
	items   []node
}

func (p *parser) fail(reason string, args ...any) error {
	return &syntaxError{at: p.at, reason: fmt.Sprintf(reason, args...)}
}

func (p *parser) unexpected(c byte, expected string) error {
	r, _ := utf8.DecodeRuneInString(p.doc[p.at:])
	if c < utf8.RuneSelf {
		r = rune(c)
	}
	return p.fail("Unexpected character ('%c' (code %d)): was expecting %s", r, r, expected)
}

// next steps over white space and returns the character there, if there is one.
func (p *parser) next() (byte, bool) {
	for ; p.at < len(p.doc); p.at++ {
		switch c := p.doc[p.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c, true
		}
	}
	return 0, false
}

func (p *parser) parse(depth int) (node, error) {
	if depth > deepest {
		return node{}, p.fail("Document nesting depth exceeds the maximum allowed (%d)", deepest)
	}
	c, ok := p.next()
	switch {
	case !ok:
		return node{}, p.fail("Unexpected end-of-input")
	case c == '{':
		return p.parseObject(depth)
	case c == '[':
		return p.parseArray(depth)
	case c == '"':
		return p.parseText()
	case c == '-' || '0' <= c && c <= '9':
		return p.parseNumber()
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		return p.parseLiteral()
	}
	return node{}, p.unexpected(c, "a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
}

func (p *parser) parseObject(depth int) (node, error) {
	n, outer := node{kind: object, start: p.at}, len(p.members)
	p.at++
	for first := true; ; first = false {
		c, ok := p.next()
		switch {
		case !ok:
			return n, p.fail("Unexpected end-of-input: expected close marker for Object")
		case c == '}' && first:
			p.at++
			n.end = p.at
			return n, nil
		case c != '"':
			return n, p.unexpected(c, "double-quote to start field name")
		}
		name, err := p.parseText()
		if err != nil {
			return n, err
		}
		if c, ok = p.next(); !ok || c != ':' {
			return n, p.missing(c, ok, "a colon to separate field name and value")
		}
		p.at++
		value, err := p.parse(depth + 1)
		if err != nil {
			return n, err
		}
		p.members = append(p.members, member{name.value, value})
		if done, err := p.more('}', "comma to separate Object entries"); err != nil || done {
			n.end = p.at
			n.members = append([]member(nil), p.members[outer:]...)
			p.members = p.members[:outer]
			return n, err
		}
	}
}

func (p *parser) parseArray(depth int) (node, error) {
	n, outer := node{kind: array, start: p.at}, len(p.items)
	p.at++
	if c, ok := p.next(); ok && c == ']' {
		p.at++
		n.end = p.at
		return n, nil
	}
	for {
		item, err := p.parse(depth + 1)
		if err != nil {
			return n, err
		}
		p.items = append(p.items, item)
		if done, err := p.more(']', "comma to separate Array entries"); err != nil || done {
			n.end = p.at
			n.items = append([]node(nil), p.items[outer:]...)
			p.items = p.items[:outer]
			return n, err
		}
	}
}

// more steps over a comma, or over what closes an object or array, which is then done.
func (p *parser) more(closing byte, comma string) (done bool, err error) {
	c, ok := p.next()
	if !ok || c != closing && c != ',' {
		return false, p.missing(c, ok, comma)
	}
	p.at++
	return c == closing, nil
}

func (p *parser) missing(c byte, ok bool, expected string) error {
	if !ok {
		return p.fail("Unexpected end-of-input")
	}
	return p.unexpected(c, expected)
}

func (p *parser) parseText() (node, error) {
	n := node{kind: text, start: p.at}
	escaped := false
	for p.at++; p.at < len(p.doc); p.at++ {
		switch c := p.doc[p.at]; {
		case c == '\\':
			escaped = true
			p.at++
		case c < ' ':
			return n, p.fail("Illegal unquoted character (code %d): has to be escaped using backslash to be included in string value", c)
		case c == '"':
			p.at++
			n.end = p.at
			if !escaped {
				n.value = p.doc[n.start+1 : n.end-1]
			} else if err := json.Unmarshal([]byte(p.doc[n.start:n.end]), &n.value); err != nil {
				return n, p.fail("Unrecognized character escape")
			}
			return n, nil
		}
	}
	return n, p.fail("Unexpected end-of-input: was expecting closing quote for a string value")
}

func (p *parser) parseNumber() (node, error) {
	n := node{kind: number, start: p.at}
	digits := func() bool {
		from := p.at
		for p.at < len(p.doc) && '0' <= p.doc[p.at] && p.doc[p.at] <= '9' {
			p.at++
		}
		return p.at > from
	}
	skip := func(any string) bool {
		if p.at < len(p.doc) && strings.IndexByte(any, p.doc[p.at]) >= 0 {
			p.at++
			return true
		}
		return false
	}
	skip("-")
	ok := skip("0") || digits()
	if ok && skip(".") {
		ok = digits()
	}
	if ok && skip("eE") {
		skip("+-")
		ok = digits()
	}
	if !ok || p.at < len(p.doc) && strings.IndexByte(" \t\r\n,]}:", p.doc[p.at]) < 0 {
		return n, p.fail("Unexpected character in numeric value")
	}
	n.end = p.at
	n.value = p.doc[n.start:n.end]
	n.decimal = decimalOf(n.value)
	return n, nil
}

func (p *parser) parseLiteral() (node, error) {
	n := node{kind: literal, start: p.at}
	for p.at < len(p.doc) && strings.IndexByte(" \t\r\n,]}:\"", p.doc[p.at]) < 0 {
		p.at++
	}
	n.end = p.at
	switch n.value = p.doc[n.start:n.end]; n.value {
	case "true", "false", "null":
		return n, nil
	}
	return n, p.fail("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", n.value)
}
