package balancer

import (
	"strconv"
	"strings"
)

// A matcher is the codes that a healthy target answers with, such as 200,300-302.
type matcher [][2]int

func newMatcher(codes string) matcher {
	var m matcher
	for part := range strings.SplitSeq(codes, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 == nil && err2 == nil {
			m = append(m, [2]int{from, to})
		}
	}
	return m
}

func (m matcher) match(code int) bool {
	for _, r := range m {
		if r[0] <= code && code <= r[1] {
			return true
		}
	}
	return false
}
