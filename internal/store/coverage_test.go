package store

import (
	"slices"
	"testing"
)

func TestTheRestIsWhatNoRangeHas(t *testing.T) {
	for name, c := range map[string]struct{ read, rest []Range }{
		"nothing was read":  {nil, []Range{{}}},
		"all":               {[]Range{{}}, nil},
		"a beginning":       {[]Range{{To: "b"}}, []Range{{From: "b"}}},
		"an end":            {[]Range{{From: "b"}}, []Range{{To: "b"}}},
		"two with a gap":    {[]Range{{From: "c", To: "d"}, {From: "a", To: "b"}}, []Range{{To: "a"}, {From: "b", To: "c"}, {From: "d"}}},
		"one in another":    {[]Range{{From: "a", To: "z"}, {From: "b", To: "c"}}, []Range{{To: "a"}, {From: "z"}}},
		"read from the end": {[]Range{{From: "a", Reverse: true}}, []Range{{To: "a"}}},
	} {
		var covered coverage
		for _, r := range c.read {
			covered.note("kind", r)
		}
		if got := covered.rest("kind"); !slices.Equal(got, c.rest) {
			t.Errorf("%s: %v, want %v", name, got, c.rest)
		}
		if got := covered.rest("other"); !slices.Equal(got, []Range{{}}) {
			t.Errorf("%s: of another kind %v", name, got)
		}
	}
}
