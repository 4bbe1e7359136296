package pattern

import "slices"

// matches says whether an event is one that the pattern wants.
func (p *Pattern) matches(e *Event) bool {
	return slices.ContainsFunc(p.branches, func(b branch) bool { return p.holds(b, e) })
}

func (p *Pattern) holds(b branch, e *Event) bool {
	return walk{p.terms}.inValue(&e.root, b, 0, false)
}

// A walk goes through a branch and an event at once. What is said of arrays makes it short: the terms
// that lead into an array all have to hold in one of its elements, so it is enough to try each.
//
// A walk's functions are given the terms of a branch that have their first steps, up to depth, in
// common with the value. If found is set, the first of them has to be found, and not to be absent.
type walk struct{ terms []term }

// inValue says whether all terms hold within a value to which their paths lead, and beyond which they go on.
func (w walk) inValue(v *node, b branch, depth int, found bool) bool {
	if v.kind != array {
		return w.inMembers(v, b, depth, found)
	}
	return w.inArray(v, b, depth, found) || len(v.members) > 0 && w.inMembers(v, b, depth, found)
}

// inMembers divides the terms by their next step, which leads to members.
func (w walk) inMembers(v *node, b branch, depth int, found bool) bool {
	for len(b) > 0 {
		first := &w.terms[b[0]]
		step := first.steps[depth]
		next := v.member(step)
		if len(first.steps) == depth+1 {
			if !first.holds(next, found) {
				return false
			}
			b, found = b[1:], false
			continue
		}
		n := 1
		for n < len(b) && len(w.terms[b[n]].steps) > depth+1 && w.terms[b[n]].steps[depth] == step {
			n++
		}
		if next == nil && !w.absent(b[:n], found) || next != nil && !w.inValue(next, b[:n], depth+1, found) {
			return false
		}
		b, found = b[n:], false
	}
	return true
}

// absent says whether terms may all be of what is not there.
func (w walk) absent(b branch, found bool) bool {
	return !found && !slices.ContainsFunc(b, func(t uint16) bool { return !w.terms[t].absent })
}

// inArray looks for an element. The terms before the first one that is found in it must not exist
// anywhere in the array, since no element is chosen before that.
func (w walk) inArray(v *node, b branch, depth int, found bool) bool {
	for len(b) > 0 {
		for i := range v.items {
			if e := &v.items[i]; (e.kind == object || e.kind == array) && w.inValue(e, b, depth, true) {
				return true
			}
		}
		first := &w.terms[b[0]]
		if found || !first.absent || v.leads(first.steps[depth:]) {
			return false
		}
		b = b[1:]
	}
	return true
}

// holds says whether the values of a field are what they have to be.
func (t *term) holds(v *node, found bool) bool {
	if v == nil {
		return t.absent && !found
	}
	if t.absent && !found && !v.leads(nil) {
		return true
	}
	return v.some(t.matches)
}

func (t *term) matches(v *node) bool {
	return slices.ContainsFunc(t.any, func(c comparison) bool { return c.matches(v) })
}

// some asks of the texts, numbers and literals that a value is or that its arrays have.
func (n *node) some(is func(*node) bool) bool {
	switch n.kind {
	case object:
		return false
	case array:
		for i := range n.items {
			if n.items[i].some(is) {
				return true
			}
		}
		return false
	}
	return is(n)
}

// leads says whether steps lead to any text, number or literal.
func (n *node) leads(steps []string) bool {
	if len(steps) == 0 {
		return n.some(func(*node) bool { return true })
	}
	if next := n.member(steps[0]); next != nil && next.leads(steps[1:]) {
		return true
	}
	for i := range n.items {
		if n.items[i].leads(steps) {
			return true
		}
	}
	return false
}
