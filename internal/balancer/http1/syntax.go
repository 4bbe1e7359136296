package http1

import "strings"

// A class is a set of bytes.
type class [256]bool

func newClass(in func(c byte) bool) *class {
	var set class
	for c := range set {
		set[c] = in(byte(c))
	}
	return &set
}

func (set *class) all(s string) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// The classes of RFC 9110, section 5, and RFC 3986, section 3.2.2. They hold constants
// only.
var (
	tokens = newClass(func(c byte) bool {
		switch c {
		case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
			return true
		}
		return isDigit(c) || isLetter(c)
	})
	values  = newClass(func(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' })
	targets = newClass(func(c byte) bool { return c > ' ' && c != 0x7f && c != '#' })
	hosts   = newClass(func(c byte) bool {
		switch c {
		case '-', '.', '_', '~', '%', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '[', ']':
			return true
		}
		return isDigit(c) || isLetter(c)
	})
)

func isToken(s string) bool { return s != "" && tokens.all(s) }
func isValue(s string) bool { return values.all(s) }
func isHost(s string) bool  { return hosts.all(s) }

// isTarget takes the origin form, the absolute form of http, and the asterisk.
func isTarget(s string) bool {
	return s != "" && targets.all(s) && (s[0] == '/' || s == "*" || absolute(s))
}

func absolute(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return ok && (scheme == "http" || scheme == "https") && rest != "" && isHost(rest)
}

// parseLength takes digits only, fewer than would overflow.
func parseLength(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}
