package pattern

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A leaf is a text, number or literal of an event, and of which elements of which arrays it is part.
type leaf struct {
	value    *node
	elements map[*node]int
}

// leaves are those of an event by their paths.
func leaves(n *node, path string, elements map[*node]int, to map[string][]leaf) {
	for i := range n.members {
		m := &n.members[i]
		leaves(&m.value, strings.TrimPrefix(path+"."+m.name, "."), elements, to)
	}
	for i := range n.items {
		item, within := &n.items[i], elements
		if item.kind == object || item.kind == array {
			within = map[*node]int{n: i}
			for a, index := range elements {
				within[a] = index
			}
		}
		leaves(item, path, within, to)
	}
	if n.kind != object && n.kind != array {
		to[path] = append(to[path], leaf{n, elements})
	}
}

// together says of which elements two leaves are, if they are not of different ones of an array.
func together(a, b map[*node]int) (map[*node]int, bool) {
	both := map[*node]int{}
	for array, i := range a {
		both[array] = i
	}
	for array, i := range b {
		if j, ok := both[array]; ok && i != j {
			return nil, false
		}
		both[array] = i
	}
	return both, true
}

// naively says whether the terms of a branch hold, by trying every value for each of them in turn.
func naively(p *Pattern, b branch, values map[string][]leaf, elements map[*node]int) bool {
	if len(b) == 0 {
		return true
	}
	t := p.terms[b[0]]
	exists := false
	for _, l := range values[t.path] {
		within, ok := together(elements, l.elements)
		exists = exists || ok
		if ok && slices.ContainsFunc(t.any, func(c comparison) bool { return c.matches(l.value) }) && naively(p, b[1:], values, within) {
			return true
		}
	}
	return t.absent && !exists && naively(p, b[1:], values, elements)
}

// draw writes patterns and events in few names and values, so that they meet.
type draw struct{ *rapid.T }

func (d draw) of(choices ...string) string { return rapid.SampledFrom(choices).Draw(d.T, "") }
func (d draw) number(most int) int         { return rapid.IntRange(0, most).Draw(d.T, "") }

func (d draw) list(most int, item func() string) string {
	items := make([]string, 1+d.number(most-1))
	for i := range items {
		items[i] = item()
	}
	return "[" + strings.Join(items, ",") + "]"
}

func (d draw) scalar() string {
	return d.of(`"x"`, `"xy"`, `"Xy"`, `"yxy"`, `"zxyz"`, `""`, `"10.0.0.1"`, `"10.0.0.7"`, `"::1"`, `"0:0::1"`, `"É"`, `"é"`,
		`1`, `1.0`, `10`, `1e1`, `-3`, `2.5`, `9007199254740993`, `true`, `null`, `"1"`)
}

func (d draw) text() string { return d.of(`"x"`, `"xy"`, `"y"`, `"XY"`, `"z"`, `"é"`) }

func (d draw) wildcard() string {
	return d.of(`"*"`, `"x*"`, `"*y"`, `"x*y"`, `"*x*"`, `"*xy*z"`, `"*yx*"`, `"xy"`)
}

func (d draw) object(depth int, value func(int) string) string {
	var members []string
	used := map[string]bool{}
	for range 1 + d.number(2) {
		name := d.of("a", "b", "c", "a-b")
		if !used[name] {
			used[name] = true
			members = append(members, fmt.Sprintf("%q:%s", name, value(depth-1)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (d draw) event(depth int) string {
	switch n := d.number(9); {
	case depth == 0 || n < 3:
		return d.scalar()
	case n < 6:
		return d.list(3, func() string { return d.event(depth - 1) })
	}
	return d.object(depth, d.event)
}

func (d draw) operator() string {
	switch d.number(12) {
	case 0:
		return `{"exists":true}`
	case 1, 2:
		return `{"exists":false}`
	case 3:
		return fmt.Sprintf(`{%q:%s}`, d.of("prefix", "suffix", "equals-ignore-case"), d.text())
	case 4:
		return fmt.Sprintf(`{%q:{"equals-ignore-case":%s}}`, d.of("prefix", "suffix"), d.text())
	case 5:
		return fmt.Sprintf(`{"wildcard":%s}`, d.wildcard())
	case 6:
		return fmt.Sprintf(`{"anything-but":%s}`, d.of(d.text(), d.list(2, d.text), "1", "[1,2.5]"))
	case 7:
		return fmt.Sprintf(`{"anything-but":{%q:%s}}`, d.of("prefix", "suffix", "equals-ignore-case", "wildcard"), d.list(2, d.text))
	case 8:
		return fmt.Sprintf(`{"numeric":[%q,%s]}`, d.of("=", "!=", "<", "<=", ">", ">="), d.of("1", "2.5", "-3", "0"))
	case 9:
		return d.of(`{"numeric":[">",0,"<",3]}`, `{"numeric":[">=",-3,"<=",1]}`, `{"numeric":[">",2.4,"<=",1e1]}`)
	case 10:
		return fmt.Sprintf(`{"cidr":%q}`, d.of("10.0.0.0/24", "10.0.0.4/30", "::/64"))
	}
	return d.scalar()
}

func (d draw) pattern(depth int) string {
	if d.number(7) == 0 {
		return fmt.Sprintf(`{"$or":[%s,%s]}`, d.pattern(depth), d.pattern(depth))
	}
	return d.object(depth, func(depth int) string {
		if depth == 0 || d.number(1) == 0 {
			return d.list(3, d.operator)
		}
		return d.pattern(depth)
	})
}

// overlaps says whether a path of a pattern leads through another, which only duplicate names can make.
func overlaps(p *Pattern) bool {
	for _, a := range p.terms {
		for _, b := range p.terms {
			if strings.HasPrefix(b.path, a.path+".") {
				return true
			}
		}
	}
	return false
}

func TestIndexAgreesWithTryingEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t}
		var x Index[int]
		patterns := map[int]*Pattern{}
		for range 1 + d.number(60) {
			key := d.number(50)
			if d.number(4) == 0 {
				x.Delete(key)
				delete(patterns, key)
				continue
			}
			document := d.pattern(3)
			p, err := Parse(document)
			if err != nil {
				t.Fatalf("%s: %v", document, err)
			}
			if !overlaps(p) {
				x.Set(key, p)
				patterns[key] = p
			}
		}
		for range 5 {
			document := d.object(4, d.event)
			e, err := ParseEvent([]byte(document))
			if err != nil {
				t.Fatal(err)
			}
			values := map[string][]leaf{}
			leaves(&e.root, "", nil, values)
			var want []int
			for key, p := range patterns {
				naive := slices.ContainsFunc(p.branches, func(b branch) bool { return naively(p, b, values, nil) })
				if naive != p.matches(e) {
					t.Fatalf("event %s, pattern %d of terms %v: %t, and trying everything %t", document, key, p.terms, !naive, naive)
				}
				if naive {
					want = append(want, key)
				}
			}
			got := x.Match(e)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("event %s: the index finds %v, of %v", document, got, want)
			}
		}
		for key := range patterns {
			x.Delete(key)
		}
		if r := &x.filter.root; r.size != 0 || len(r.rest) != 0 || len(r.splits) != 0 || len(x.filter.fields.next) != 0 {
			t.Fatalf("an empty index keeps %+v", x.filter)
		}
	})
}
