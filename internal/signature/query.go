package signature

import (
	"net/url"
	"slices"
	"strings"
)

// A query is the parameters of a URL as they were meant, in the order in which they
// were sent.
type query []parameter

type parameter struct{ name, value string }

// parameters reads a URL's query as internal/wire does, so that what is verified is
// what is understood: a plus sign is a space, and a semicolon separates nothing.
func parameters(raw string) query {
	var q query
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		q = append(q, parameter{meant(name), meant(value)})
	}
	return q
}

// meant is what was escaped. What cannot have been escaped stands for itself.
func meant(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// get is the first value of a parameter.
func (q query) get(name string) string {
	for _, p := range q {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// appendCanonical appends the parameters without the signature itself. They are
// sorted as they are encoded: a/b comes before a-b, since % comes before the hyphen.
func (q query) appendCanonical(b []byte) []byte {
	encoded := make(query, 0, len(q))
	for _, p := range q {
		if p.name != "X-Amz-Signature" {
			encoded = append(encoded, parameter{encode(p.name), encode(p.value)})
		}
	}
	slices.SortFunc(encoded, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range encoded {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

func encode(s string) string { return string(appendEncoded(nil, s, false)) }

// appendEncoded appends a string with all but unreserved characters escaped, and
// slashes unless they are to be kept.
func appendEncoded(b []byte, s string, keepSlash bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if unreserved(c) || keepSlash && c == '/' {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return b
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
