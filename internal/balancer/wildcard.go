package balancer

import "strings"

// A wildcard is a pattern in which * stands for any run of bytes and ? for one.
type wildcard struct {
	pattern    string
	head, tail string // before the first and after the last of them
	literal    bool   // there is none
	single     bool   // there is one *, and nothing else
}

func newWildcard(pattern string) wildcard {
	first, last := strings.IndexAny(pattern, "*?"), strings.LastIndexAny(pattern, "*?")
	if first < 0 {
		return wildcard{pattern: pattern, literal: true}
	}
	return wildcard{
		pattern: pattern, head: pattern[:first], tail: pattern[last+1:],
		single: first == last && pattern[first] == '*',
	}
}

// match compares all of s. Most patterns are decided by their ends.
func (w *wildcard) match(s string) bool {
	if w.literal {
		return w.pattern == s
	}
	if len(s) < len(w.head)+len(w.tail) || !strings.HasPrefix(s, w.head) || !strings.HasSuffix(s, w.tail) {
		return false
	}
	return w.single || matchPattern(w.pattern, s)
}

// matchPattern goes back to the last * only, so that its time is at most the product of
// both lengths.
func matchPattern(p, s string) bool {
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
	for i := range ws {
		if ws[i].match(s) {
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
	ws := make([]wildcard, len(patterns))
	for i, p := range patterns {
		ws[i] = newWildcard(strings.ToLower(p))
	}
	return ws
}
