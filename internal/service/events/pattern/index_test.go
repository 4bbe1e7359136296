package pattern

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Of each kind of rules an event is tried on a few, however many there are, and of all kinds in turn, too.
func TestAnEventIsTriedOnFewOfManyRules(t *testing.T) {
	e := mustEvent(t, taskEvent)
	tried := func(name string, n int, pattern func(int) string) int {
		var x Index[int]
		for i := range n {
			x.Set(i, mustParse(t, family(pattern(i), i)))
		}
		f := x.find(e)
		if len(f.found) > 1 {
			t.Errorf("%s: %d of %d rules match", name, len(f.found), n)
		}
		return f.tried
	}
	for _, f := range families {
		few := tried(f.name, 100, func(int) string { return f.pattern })
		many := tried(f.name, 1000, func(int) string { return f.pattern })
		if max(few, many) > 2*handful {
			t.Errorf("%s: %d are tried of 100, %d of 1,000", f.name, few, many)
		}
	}
	if n := tried("all kinds", 10_000, func(i int) string { return families[i%len(families)].pattern }); n > 4*handful {
		t.Errorf("%d are tried of 10,000", n)
	}
}

func TestRulesThatEveryEventMatchesAreAllFound(t *testing.T) {
	var x Index[int]
	for i := range 100 {
		x.Set(i, mustParse(t, `{"source":[{"exists":true}],"detail":{"none":[{"exists":false}],"version":[{"anything-but":8}]}}`))
	}
	if got := x.Match(mustEvent(t, taskEvent)); len(got) != 100 || !slices.IsSorted(got) {
		t.Errorf("found %v", got)
	}
}

// A pattern of 4,096 characters, the most that AWS takes, costs what its branches are.
func TestAHostilePatternIsBounded(t *testing.T) {
	var values []string
	for i := range 40 {
		values = append(values, fmt.Sprint(i))
	}
	list := "[" + strings.Join(values, ",") + "]"
	var members []string
	for i := range 8 {
		members = append(members, fmt.Sprintf(`"o%d":{"$or":[{"a":%s},{"b":%s}]}`, i, list, list))
	}
	document := "{" + strings.Join(members, ",") + "}"
	if len(document) > 4096 {
		t.Fatal(len(document))
	}
	var x Index[int]
	for i := range 10 {
		x.Set(i, mustParse(t, document))
	}
	for _, r := range x.rules {
		places := 0
		for _, e := range r.entries {
			places += len(e.in)
		}
		if most := len(r.entries) + mostPlaces; len(r.entries) != 256 || places > most {
			t.Fatalf("%d branches are in %d places, of %d", len(r.entries), places, most)
		}
	}
}
