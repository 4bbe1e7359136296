package pattern

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// operator reads the comparison that an operator makes of its value.
func operator(m member) (comparison, error) {
	switch m.name {
	case "exactly", "equals-ignore-case":
		return textOperator(m.name, m.value, m.name+" match pattern must be a string")
	case "prefix", "suffix":
		if m.value.kind == object {
			return foldedAffix(m)
		}
		return textOperator(m.name, m.value, m.name+" match pattern must be a string")
	case "wildcard":
		return textOperator(m.name, m.value, "wildcard match pattern must be a string")
	case "cidr":
		return cidr(m.value)
	case "numeric":
		return numeric(m.value)
	case "anything-but":
		return but(m.value)
	}
	return nil, fault(m.value, "Unrecognized match type %s", m.name)
}

// foldedAffix reads {"prefix": {"equals-ignore-case": "a"}}.
func foldedAffix(m member) (comparison, error) {
	title := strings.ToUpper(m.name[:1]) + m.name[1:]
	if len(m.value.members) == 0 {
		return nil, faultBehind(m.value, "%s expression name not found", title)
	}
	inner := m.value.members[0]
	if inner.name != "equals-ignore-case" {
		return nil, fault(inner.value, "Unsupported %s pattern: %s", m.name, inner.name)
	}
	if inner.value.kind != text {
		return nil, fault(inner.value, "equals-ignore-case match pattern must be a string")
	}
	folded := affix{text: fold(inner.value.value), suffix: m.name == "suffix", folded: true}
	return folded, alone(m.value, "Only one key allowed in match expression")
}

// textOperator makes the comparison of an operator on a text.
func textOperator(name string, n node, otherwise string) (comparison, error) {
	if n.kind != text {
		return nil, fault(n, "%s", otherwise)
	}
	switch name {
	case "exactly":
		return exactText(n.value), nil
	case "equals-ignore-case":
		return equalFold(n.value), nil
	case "wildcard":
		return wildcardOf(n)
	}
	return affix{text: n.value, suffix: name == "suffix"}, nil
}

// wildcardOf splits a text at its asterisks; \* and \\ are an asterisk and a backslash.
// AWS counts positions with the quote before the text.
func wildcardOf(n node) (comparison, error) {
	parts, part := wildcard(nil), []byte(nil)
	for i := 0; i < len(n.value); i++ {
		c := n.value[i]
		next := byte(0)
		if i+1 < len(n.value) {
			next = n.value[i+1]
		}
		switch {
		case c == '*' && next == '*':
			return nil, faultBehind(n, "Consecutive wildcard characters at pos %d", i+1)
		case c == '*':
			parts, part = append(parts, string(part)), nil
		case c == '\\' && next != '*' && next != '\\':
			return nil, faultBehind(n, "Invalid escape character at pos %d", i+1)
		case c == '\\':
			part = append(part, next)
			i++
		default:
			part = append(part, c)
		}
	}
	parts = append(parts, string(part))
	if parts.complexity() > mostComplex {
		return nil, faultNowhere("Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character")
	}
	return parts, nil
}

// cidr reads a network. What is wrong with it AWS tells without the place.
func cidr(n node) (comparison, error) {
	if n.kind != text {
		return nil, fault(n, "prefix match pattern must be a string")
	}
	parts := strings.Split(n.value, "/")
	if len(parts) != 2 {
		return nil, faultNowhere("Malformed CIDR, one '/' required")
	}
	bits, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, faultNowhere("Malformed CIDR, mask bits must be an integer")
	}
	a, ok := address(parts[0])
	switch {
	case bits < 0:
		return nil, faultNowhere("Malformed CIDR, mask bits must not be negative")
	case !ok:
		return nil, faultNowhere("Nonstandard IP address: %s", parts[0])
	case a.Is4() && bits > 31:
		return nil, faultNowhere("IPv4 mask bits must be < 32")
	case bits > 127:
		return nil, faultNowhere("IPv6 mask bits must be < 128")
	}
	return network{netip.PrefixFrom(a, bits).Masked()}, nil
}

// numeric reads one or two bounds.
func numeric(n node) (comparison, error) {
	if n.kind != array {
		return nil, fault(n, "Value of numeric must be an array.")
	}
	bounds := n.items
	if len(bounds) == 0 {
		return nil, faultBehind(n, "Invalid member in numeric match: ]")
	}
	if bounds[0].kind != text {
		return nil, fault(bounds[0], "Invalid member in numeric match: %s", bounds[0].value)
	}
	first := bounds[0].value
	switch first {
	case "=", "!=", "<", "<=", ">", ">=":
	default:
		if len(bounds) > 1 {
			return nil, fault(bounds[1], "Unrecognized numeric range operator: %s", first)
		}
		return nil, faultBehind(n, "Unrecognized numeric range operator: %s", first)
	}
	value, err := bound(n, 1, "equals")
	if err != nil {
		return nil, err
	}
	r := numericRange{from: math.Inf(-1), to: math.Inf(1)}
	switch first {
	case "=":
		r.from, r.to = value.value, value.value
	case "!=":
		return differentNumber{exactNumber{value, bounds[1].value}}, excess(n, 2, "Too many elements in numeric expression")
	case "<", "<=":
		r.to, r.openTo = value.value, first == "<"
	case ">", ">=":
		r.from, r.openFrom = value.value, first == ">"
		if len(bounds) > 2 {
			return r.upTo(n)
		}
	}
	return r, excess(n, 2, "Too many elements in numeric expression")
}

// upTo reads the second bound of a range.
func (c numericRange) upTo(n node) (comparison, error) {
	operator := n.items[2]
	if operator.kind != text {
		return nil, fault(operator, "Bad value in numeric range: %s", operator.value)
	}
	if operator.value != "<" && operator.value != "<=" {
		return nil, faultBehind(operator, "Bad numeric range operator: %s", operator.value)
	}
	value, err := bound(n, 3, operator.value)
	if err != nil {
		return nil, err
	}
	c.to, c.openTo = value.value, operator.value == "<"
	if err := excess(n, 4, "Too many terms in numeric range expression"); err != nil {
		return nil, err
	}
	if c.from >= c.to {
		return nil, faultBehind(n, "Bottom must be less than top")
	}
	return c, nil
}

// bound is the number at a place of a numeric list.
func bound(n node, place int, name string) (decimal, error) {
	if name == "equals" && n.items[place-1].value != "=" {
		name = n.items[place-1].value
	}
	if len(n.items) <= place {
		return decimal{}, faultBehind(n, "Value of %s must be numeric", name)
	}
	at := n.items[place]
	if at.kind != number {
		return decimal{}, fault(at, "Value of %s must be numeric", name)
	}
	if !at.decimal.exact {
		return decimal{}, faultBehind(n, "Cannot compare number : %s", at.value)
	}
	return at.decimal, nil
}

func excess(n node, allowed int, reason string) error {
	if len(n.items) > allowed {
		return fault(n.items[allowed], "%s", reason)
	}
	return nil
}

// but reads what anything-but excludes: texts, numbers, or an operator on texts.
func but(n node) (comparison, error) {
	switch n.kind {
	case object:
		return butOperator(n)
	case array:
		return butList(n)
	case literal:
		return nil, fault(n, "Value of anything-but must be an array or single string/number value.")
	}
	return butValues([]node{n})
}

func butList(n node) (comparison, error) {
	kinds := map[kind]bool{}
	for _, item := range n.items {
		if item.kind != text && item.kind != number {
			return nil, inList(fault(item, "Inside anything but list, start|null|boolean is not supported."))
		}
		kinds[item.kind] = true
	}
	if len(kinds) != 1 {
		return nil, faultBehind(n, "Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return butValues(n.items)
}

func butValues(values []node) (comparison, error) {
	var c anythingBut
	for _, v := range values {
		if v.kind == text {
			c = append(c, exactText(v.value))
			continue
		}
		if !v.decimal.exact {
			return nil, fault(v, "Cannot compare number : %s", v.value)
		}
		c = append(c, exactNumber{v.decimal, v.value})
	}
	return c, nil
}

// butText reads a text that anything-but has for an operator.
func butText(name string, n node, otherwise string) (comparison, error) {
	if n.kind == text && n.value == "" && (name == "prefix" || name == "suffix") {
		return nil, faultBehind(n, "Null prefix/suffix not allowed")
	}
	return textOperator(name, n, otherwise)
}

func butOperator(n node) (comparison, error) {
	if len(n.members) == 0 {
		return nil, faultBehind(n, "Anything-But expression name not found")
	}
	m := n.members[0]
	wrong := ""
	switch m.name {
	case "equals-ignore-case":
		wrong = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
	case "wildcard":
		wrong = "wildcard match pattern must be a string"
	case "prefix", "suffix":
		wrong = "prefix/suffix match pattern must be a string"
	default:
		return nil, fault(m.value, "Unsupported anything-but pattern: %s", m.name)
	}
	values := []node{m.value}
	switch m.value.kind {
	case array:
		values = m.value.items
	case object, literal:
		return nil, fault(m.value, "Value of anything-but must be an array or single string/number value.")
	}
	var c anythingBut
	for _, v := range values {
		excluded, err := butText(m.name, v, wrong)
		if err != nil && m.value.kind == array {
			err = inList(err)
		}
		if err != nil {
			return nil, err
		}
		c = append(c, excluded)
	}
	return c, alone(n, "Too many elements in numeric expression")
}
