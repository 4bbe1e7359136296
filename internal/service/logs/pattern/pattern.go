// Package pattern reads CloudWatch Logs filter patterns and holds log messages against
// them. There are three kinds:
//
//	ERROR -"not this"                   terms that a message has, or has not
//	{ $.code = 5* || $.level = "WARN" } what is in a message of JSON
//	[ip, ..., status = 4*, bytes]       the words of a message, one after the other
//
// It is pure: a Pattern is a value that does not change.
// Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters,
// subscription filters, filter log events, and Live Tail".
package pattern

import (
	"errors"
	"fmt"
	"strings"
)

// maxRegexes is how many regular expressions a pattern may have.
const maxRegexes = 2

// A Pattern is one that was read. The zero Pattern, as that of an empty text, matches
// every message.
type Pattern struct {
	matcher matcher
	regexes int
}

// A matcher is one of the kinds of patterns.
type matcher interface {
	match(message []byte) (Match, bool)
	// knows tells whether the values of a match can have one by this reference.
	knows(reference string) bool
}

// A Match is a message that matches, with the values that can be taken from it.
type Match struct {
	words  map[string]string // of a message of words: $status, or $4 where it has no name
	fields any               // of a message of JSON
}

// Parse reads a pattern.
func Parse(text string) (*Pattern, error) {
	p := &parser{text: text}
	p.space()
	pattern := &Pattern{}
	var err error
	switch {
	case p.end():
		return pattern, nil
	case p.take("{"):
		pattern.matcher, err = p.json()
	case p.take("["):
		pattern.matcher, err = p.words()
	default:
		pattern.matcher, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	if p.space(); !p.end() {
		return nil, fmt.Errorf("unexpected %q at the end", p.rest())
	}
	pattern.regexes = p.regexes
	return pattern, nil
}

// Regexes is how many regular expressions the pattern has.
func (p *Pattern) Regexes() int { return p.regexes }

// Match tells whether a message matches.
func (p *Pattern) Match(message []byte) bool {
	_, ok := p.Find(message)
	return ok
}

// Find holds a message against the pattern.
func (p *Pattern) Find(message []byte) (Match, bool) {
	if p.matcher == nil {
		return Match{}, true
	}
	return p.matcher.match(message)
}

// Knows tells whether a reference can be one to a value of a match: $.field of a JSON
// pattern, $name or $4 of a pattern of words.
func (p *Pattern) Knows(reference string) bool {
	return p.matcher != nil && p.matcher.knows(reference)
}

// Extracted are the words of a match, by their references. There are none of JSON.
func (m Match) Extracted() map[string]string { return m.words }

// Value is the value that a reference finds in a match.
func (m Match) Value(reference string) (string, bool) {
	if m.fields == nil {
		value, ok := m.words[reference]
		return value, ok
	}
	s, err := parseSelector(reference)
	if err != nil {
		return "", false
	}
	for v := range s.find(m.fields) {
		if text, ok := scalar(v); ok {
			return text, true
		}
	}
	return "", false
}

// A parser reads a pattern from left to right.
type parser struct {
	text      string
	at        int
	regexes   int
	wildcards int // selectors with a wildcard
}

func (p *parser) rest() string { return p.text[p.at:] }
func (p *parser) end() bool    { return p.at >= len(p.text) }

func (p *parser) space() {
	for !p.end() && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take skips a text, if it is next.
func (p *parser) take(text string) bool {
	if !strings.HasPrefix(p.rest(), text) {
		return false
	}
	p.at += len(text)
	return true
}

// word skips a keyword, if it is next and ends there.
func (p *parser) word(keyword string) bool {
	p.space()
	rest := p.rest()
	if !strings.HasPrefix(rest, keyword) || len(rest) > len(keyword) && isName(rest[len(keyword)]) {
		return false
	}
	p.at += len(keyword)
	return true
}

// run skips the characters of which something is true.
func (p *parser) run(of func(byte) bool) string {
	start := p.at
	for !p.end() && of(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

var errQuote = errors.New("a quotation mark is not closed")

// quoted reads a text in double quotation marks, of which the first was read.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for !p.end() {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\' && !p.end() && (p.text[p.at] == '"' || p.text[p.at] == '\\'):
			b.WriteByte(p.text[p.at])
			p.at++
		default:
			b.WriteByte(c)
		}
	}
	return "", errQuote
}
