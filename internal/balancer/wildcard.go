package balancer

import "strings"

// A wildcard is a pattern in which * stands for any run of bytes and ? for one.
type wildcard struct {
	pattern string
	literal bool
}

func newWildcard(pattern string) wildcard {
	return wildcard{pattern, !strings.ContainsAny(pattern, "*?")}
}

// match compares all of s. It goes back to the last * only, so that its time is at
// most the product of both lengths.
func (w wildcard) match(s string) bool {
	if w.literal {
		return w.pattern == s
	}
	p := w.pattern
	star, from := -1, 0 // the last * and where what it stands for ends
	i, j := 0, 0
	for i < len(s) {
		switch {
		case j < len(p) && p[j] == '*':
			star, from = j, i
			j++
		case j < len(p) && (p[j] == '?' || p[j] == s[i]):
			i++
			j++
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == '*' {
		j++
	}
	return j == len(p)
}

func matchAny(ws []wildcard, s string) bool {
	for _, w := range ws {
		if w.match(s) {
			return true
		}
	}
	return false
}

func newWildcards(patterns []string) []wildcard {
	ws := make([]wildcard, len(patterns))
	for i, p := range patterns {
		ws[i] = newWildcard(p)
	}
	return ws
}

// lowered returns patterns for what is compared whatever its case.
func lowered(patterns []string) []wildcard {
	ws := newWildcards(patterns)
	for i := range ws {
		ws[i].pattern = strings.ToLower(ws[i].pattern)
	}
	return ws
}
