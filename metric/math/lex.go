package math

import (
	"strings"
	"unicode/utf8"
)

// A token is a word, a number, a string or an operator.
type token struct {
	kind   tokenKind
	text   string // of a string without its quotes, and with its backslashes
	offset int
}

type tokenKind uint8

const (
	end tokenKind = iota
	word
	number
	quoted
	operator // also parentheses, brackets and the comma
)

// describe is the token as messages name it.
func (t token) describe() string {
	switch t.kind {
	case end:
		return "the end of the expression"
	case quoted:
		return "the string '" + t.text + "'"
	}
	return "'" + t.text + "'"
}

// operators are all of them, those first that others begin.
var operators = []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ","}

const space = " \t\r\n"

// lex cuts the token off the source that starts at or after offset.
func lex(source string, offset int) (token, *Error) {
	rest := strings.TrimLeft(source[offset:], space)
	offset = len(source) - len(rest)
	if rest == "" {
		return token{kind: end, offset: offset}, nil
	}
	switch c := rest[0]; {
	case isLetter(c):
		n := span(rest, func(c byte) bool { return isLetter(c) || isDigit(c) })
		return token{word, rest[:n], offset}, nil
	case isDigit(c) || c == '.':
		return token{number, rest[:numberLen(rest)], offset}, nil
	case c == '\'' || c == '"':
		n := quotedLen(rest)
		if n == 0 {
			return token{}, errorAt(source, offset, "Syntax error: the string that starts here has no end")
		}
		return token{quoted, rest[1 : n-1], offset}, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return token{operator, op, offset}, nil
		}
	}
	return token{}, errorAt(source, offset, "Syntax error: unexpected %s", hint(rest))
}

// hint is a character that begins no token, and what may be meant instead.
func hint(rest string) string {
	c, _ := utf8.DecodeRuneInString(rest)
	switch c {
	case '=':
		return "'=' (to compare, write '==')"
	case '!':
		return "'!' (there is no NOT; compare with 0)"
	case '“', '”', '‘', '’':
		return "'" + string(c) + "' (quote with ' or \")"
	}
	return "'" + string(c) + "'"
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// span is how many bytes at the start of s are in the class.
func span(s string, class func(byte) bool) int {
	for i := range len(s) {
		if !class(s[i]) {
			return i
		}
	}
	return len(s)
}

// numberLen is the length of the number, such as 5, .5 or 1.5e-3, at the start of
// s.
func numberLen(s string) int {
	n := span(s, isDigit)
	if n < len(s) && s[n] == '.' {
		n++
		n += span(s[n:], isDigit)
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		digits := n + 1
		if digits < len(s) && (s[digits] == '+' || s[digits] == '-') {
			digits++
		}
		if d := span(s[digits:], isDigit); d > 0 {
			n = digits + d
		}
	}
	return n
}

// quotedLen is the length of the string at the start of s with its quotes, or 0 if
// it has no end. A backslash keeps a quote from being one.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return 0
}
