package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A token is a word, a quoted name, a value or a sign.
type token struct {
	kind       tokenKind
	text       string // of a name or a value, without quotes and backslashes
	start, end int    // bytes of the source
}

type tokenKind uint8

const (
	end    tokenKind = iota
	word             // letters, digits and _
	quoted           // a name in double quotes
	value            // in single quotes
	sign
)

// describe is the token as messages name it.
func (t token) describe() string {
	switch t.kind {
	case end:
		return "the end of the query"
	case quoted:
		return `the name "` + t.text + `"`
	case value:
		return "the value '" + t.text + "'"
	}
	return "'" + t.text + "'"
}

const space = " \t\r\n"

// signs are those that a query can have, and those that hint at what was meant.
var signs = []string{"!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ",", ";", ".", "/", "-", "*"}

// lex cuts the token off the source that starts at or after a byte.
func lex(source string, from int) (token, *Error) {
	rest := strings.TrimLeft(source[from:], space)
	start := len(source) - len(rest)
	if rest == "" {
		return token{kind: end, start: start, end: start}, nil
	}
	if n := wordLen(rest); n > 0 {
		return token{word, rest[:n], start, start + n}, nil
	}
	if rest[0] == '"' || rest[0] == '\'' {
		return lexQuoted(rest, start)
	}
	for _, s := range signs {
		if strings.HasPrefix(rest, s) {
			return token{sign, s, start, start + len(s)}, nil
		}
	}
	c, _ := utf8.DecodeRuneInString(rest)
	return token{}, &Error{Offset: start, Message: fmt.Sprintf("Syntax error: unexpected '%c'", c)}
}

// lexQuoted cuts off a name or a value. "You must escape each quotation mark with a
// backslash"; a backslash itself is kept from being one in the same way.
func lexQuoted(rest string, start int) (token, *Error) {
	kind := value
	if rest[0] == '"' {
		kind = quoted
	}
	var text strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == rest[0]:
			return token{kind, text.String(), start, start + i + 1}, nil
		case c == '\\' && i+1 < len(rest) && strings.IndexByte(`"'\`, rest[i+1]) >= 0:
			i++
			text.WriteByte(rest[i])
		default:
			text.WriteByte(c)
		}
	}
	return token{}, &Error{Offset: start, Message: "Syntax error: the quotes that start here have no end"}
}

// wordLen is how many bytes of a word s starts with.
func wordLen(s string) int {
	for i := range len(s) {
		if c := s[i]; !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return i
		}
	}
	return len(s)
}
