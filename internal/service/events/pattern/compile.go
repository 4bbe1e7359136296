package pattern

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// A compiler makes terms and branches of a pattern's document. Its words for what is wrong are
// those of event-ruler, which EventBridge hands on.
type compiler struct {
	plain    bool // $or is a field like others
	terms    []term
	branches []branch
}

// compile reads a pattern. One that makes no sense with $or as an operator is read with a
// field of that name, which events could have before there was the operator.
func compile(root node) (*Pattern, error) {
	if root.kind != object {
		return nil, fault(root, "Filter is not an object")
	}
	c := compiler{}
	err := c.object(root, nil, false)
	if err == nil {
		return c.pattern(), nil
	}
	if c = (compiler{plain: true}); err != errTooComplex && c.object(root, nil, false) == nil {
		return c.pattern(), nil
	}
	return nil, err
}

// errTooComplex refuses patterns with more branches than are kept.
var errTooComplex = faultNowhere("Rule is too complex - try using fewer combinations of $or, of which %d are allowed", most)

func (c *compiler) pattern() *Pattern {
	p := &Pattern{terms: c.terms}
	for _, b := range c.branches {
		p.branches = append(p.branches, p.byPath(b))
	}
	return p
}

// fault is an error at a value: behind what opens it, or behind it where nothing does.
func fault(n node, reason string, args ...any) error {
	at := n.end
	switch n.kind {
	case object, array, text:
		at = n.start + 1
	}
	return &syntaxError{at: at, reason: fmt.Sprintf(reason, args...)}
}

// faultBehind is an error that is seen at the end of a value.
func faultBehind(n node, reason string, args ...any) error {
	return &syntaxError{at: n.end, reason: fmt.Sprintf(reason, args...)}
}

// inList is an error at a value of a list that anything-but has. AWS tells its place twice.
func inList(err error) error {
	if wrong, ok := err.(*syntaxError); ok {
		wrong.twice = true
	}
	return err
}

// faultNowhere is an error that AWS tells without a place.
func faultNowhere(reason string, args ...any) error {
	return &syntaxError{at: -1, reason: fmt.Sprintf(reason, args...)}
}

func (c *compiler) object(n node, path []string, inOr bool) error {
	if len(n.members) == 0 {
		return faultBehind(n, "Empty objects are not allowed")
	}
	for _, m := range n.members {
		if err := c.member(m, path, inOr); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) member(m member, path []string, inOr bool) error {
	if m.name == "$or" && !c.plain {
		return c.or(m.value, path)
	}
	if inOr && reserved(m.name) {
		return fault(m.value, "%s is Ruler reserved fieldName which cannot be used inside $or.", m.name)
	}
	path = append(slices.Clip(path), m.name)
	switch m.value.kind {
	case object:
		return c.object(m.value, path, inOr)
	case array:
		return c.list(m.value, path)
	}
	return fault(m.value, `"%s" must be an object or an array`, m.name)
}

// or goes on with each branch so far once for each of its objects.
func (c *compiler) or(n node, path []string) error {
	if n.kind != array {
		return fault(n, "It must be an Array followed with $or.")
	}
	before, after := c.branches, []branch(nil)
	if len(before) == 0 {
		before = []branch{nil}
	}
	for _, item := range n.items {
		if item.kind != object {
			return fault(item, "Only JSON object is allowed in array of $or relationship.")
		}
		c.branches = nil
		for _, b := range before {
			c.branches = append(c.branches, slices.Clone(b))
		}
		if err := c.object(item, path, true); err != nil {
			return err
		}
		if after = append(after, c.branches...); len(after) > most {
			return errTooComplex
		}
	}
	c.branches = after
	if len(n.items) < 2 {
		return faultBehind(n, "There must have at least 2 Objects in $or relationship.")
	}
	return nil
}

// reserved says whether $or takes a name for an operator, now or in times to come.
func reserved(name string) bool {
	switch name {
	case "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
		"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case",
		"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range",
		"ip-address-in-range", "ip-address-not-in-range":
		return true
	}
	return false
}

// list adds what a field has to be to each branch.
func (c *compiler) list(n node, path []string) error {
	joined := strings.Join(path, ".")
	t := term{path: joined, steps: strings.Split(joined, ".")}
	for _, item := range n.items {
		if err := t.add(item); err != nil {
			return err
		}
	}
	if len(n.items) == 0 {
		return faultBehind(n, "Empty arrays are not allowed")
	}
	if len(c.terms) > math.MaxUint16 {
		return errTooComplex
	}
	place := uint16(len(c.terms))
	c.terms = append(c.terms, t)
	if len(c.branches) == 0 {
		c.branches = []branch{nil}
	}
	for i := range c.branches {
		c.branches[i] = append(c.branches[i], place)
	}
	return nil
}

// add adds an element of a field's list.
func (t *term) add(n node) error {
	switch n.kind {
	case object:
		return t.addOperator(n)
	case array:
		return fault(n, "Match value must be String, number, true, false, or null")
	}
	t.any = append(t.any, exactly(n))
	return nil
}

// exactly compares with a value: texts that are addresses as such, in whatever way they are written.
func exactly(n node) comparison {
	switch n.kind {
	case number:
		return exactNumber{n.decimal, n.value}
	case literal:
		return exactLiteral(n.value)
	}
	if a, ok := address(n.value); ok {
		return network{netip.PrefixFrom(a, a.BitLen())}
	}
	return exactText(n.value)
}

// addOperator adds an object such as {"prefix": "a"}.
func (t *term) addOperator(n node) error {
	if len(n.members) == 0 {
		return faultBehind(n, "Match expression name not found")
	}
	m := n.members[0]
	if m.name == "exists" {
		if m.value.kind != literal || m.value.value == "null" {
			return fault(m.value, "exists match pattern must be either true or false.")
		}
		t.absent = t.absent || m.value.value == "false"
		if m.value.value == "true" {
			t.any = append(t.any, present{})
		}
		return alone(n, "Only one key allowed in match expression")
	}
	compared, err := operator(m)
	if err != nil {
		return err
	}
	t.any = append(t.any, compared)
	if m.name == "numeric" || m.name == "anything-but" {
		return alone(n, "Too many elements in numeric expression")
	}
	return alone(n, "Only one key allowed in match expression")
}

// alone refuses objects with more than one member.
func alone(n node, reason string) error {
	if len(n.members) > 1 {
		return fault(n.members[1].value, "%s", reason)
	}
	return nil
}
