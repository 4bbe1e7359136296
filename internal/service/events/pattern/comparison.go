package pattern

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A comparison is one element of a list in a pattern. It is asked about texts,
// numbers and literals only.
type comparison interface {
	matches(*node) bool
}

// present is {"exists": true}.
type present struct{}

func (present) matches(*node) bool { return true }

// An exactText is a text in a pattern, an exactLiteral true, false or null.
type (
	exactText    string
	exactLiteral string
)

func (c exactText) matches(n *node) bool    { return n.kind == text && n.value == string(c) }
func (c exactLiteral) matches(n *node) bool { return n.kind == literal && n.value == string(c) }

// An exactNumber is a number in a pattern: 300 is 300.0 and 3.0e2. Numbers that no
// double says exactly are compared as they are written.
type exactNumber struct {
	decimal
	written string
}

func (c exactNumber) matches(n *node) bool {
	if n.kind != number {
		return false
	}
	return c.exact && n.decimal.exact && c.value == n.decimal.value || c.written == n.value
}

// A numericRange is {"numeric": ["<", 10]} and the like. Its ends are infinite where none is given.
type numericRange struct {
	from, to         float64
	openFrom, openTo bool
}

func (c numericRange) matches(n *node) bool {
	if n.kind != number || !n.decimal.exact {
		return false
	}
	v := n.decimal.value
	return (v > c.from || v == c.from && !c.openFrom) && (v < c.to || v == c.to && !c.openTo)
}

// A differentNumber is {"numeric": ["!=", 10]}.
type differentNumber struct{ exactNumber }

func (c differentNumber) matches(n *node) bool { return n.kind == number && !c.exactNumber.matches(n) }

// An affix is a prefix or a suffix; folded says that upper and lower case are the same.
type affix struct {
	text           string // folded, if so
	suffix, folded bool
}

func (c affix) matches(n *node) bool {
	if n.kind != text {
		return false
	}
	value := n.value
	if c.folded {
		value = fold(value)
	}
	if c.suffix {
		return strings.HasSuffix(value, c.text)
	}
	return strings.HasPrefix(value, c.text)
}

// An equalFold is {"equals-ignore-case": "text"}.
type equalFold string

func (c equalFold) matches(n *node) bool {
	return n.kind == text && strings.EqualFold(n.value, string(c))
}

// A wildcard is what stands between the asterisks of {"wildcard": "a*b"}, in order.
type wildcard []string

// mostComplex bounds what a wildcard may ask of EventBridge. AWS tells no number: "*:*:*:*:*:event-bus/*"
// of "Content filtering in Amazon EventBridge event patterns", which is refused, has 10.
const mostComplex = 9

// complexity is how many of a wildcard's beginnings match one text, as event-ruler counts it. The
// text is the wildcard without its asterisks, so that "a*bb" has 3 of "abb": a*, a*b and a*bb.
func (c wildcard) complexity() (most int) {
	text := strings.Join(c, "")
	size := len(text) + len(c) // an asterisk, or the end, behind each part
	star := make([]bool, size)
	for i, end := 0, 0; i < len(c)-1; i++ {
		end += len(c[i])
		star[end+i] = true
	}
	byteAt := make([]byte, 0, size)
	for _, part := range c {
		byteAt = append(append(byteAt, part...), '*')
	}
	active := make([]bool, size) // whether the text so far is matched by the beginning of that length
	active[0] = true
	for at := 0; ; at++ {
		count := 0
		for i := 1; i < size; i++ {
			active[i] = active[i] || active[i-1] && star[i-1]
			if active[i] {
				count++
			}
		}
		most = max(most, count)
		if at == len(text) {
			return most
		}
		for i := size - 1; i > 0; i-- {
			active[i] = active[i] && star[i-1] || active[i-1] && !star[i-1] && byteAt[i-1] == text[at]
		}
		active[0] = false
	}
}

// matches looks for each part after the one before it, so that a value is gone through once.
func (c wildcard) matches(n *node) bool {
	if n.kind != text {
		return false
	}
	if len(c) == 1 {
		return n.value == c[0]
	}
	value, ok := strings.CutPrefix(n.value, c[0])
	if !ok {
		return false
	}
	last := len(c) - 1
	for _, part := range c[1:last] {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return strings.HasSuffix(value, c[last])
}

// A network is {"cidr": "10.0.0.0/8"}. A text in a pattern that is an address is one, too: of a single address.
type network struct{ netip.Prefix }

func (c network) matches(n *node) bool {
	if n.kind != text {
		return false
	}
	a, ok := address(n.value)
	return ok && c.Contains(a)
}

// address reads an IP address. What is written without a dot or a colon is none, and not looked at further.
func address(s string) (netip.Addr, bool) {
	if len(s) < 2 || len(s) > 45 || strings.IndexByte(".:0123456789abcdefABCDEF", s[0]) < 0 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// An anythingBut matches values of any kind that none of its comparisons matches.
type anythingBut []comparison

func (c anythingBut) matches(n *node) bool {
	for _, but := range c {
		if but.matches(n) {
			return false
		}
	}
	return true
}

// fold writes texts that differ in case only alike, as strings.EqualFold has it.
func fold(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] < utf8.RuneSelf
	}
	if plain {
		return strings.ToUpper(s)
	}
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}
