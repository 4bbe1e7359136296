package pattern

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
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
	return append(parts, string(part)), nil
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
		return nil, fault(bounds[0], "Unrecognized numeric range operator: %s", first)
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
		return nil, fault(operator, "Bad numeric range operator: %s", operator.value)
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
			return nil, fault(item, "Inside anything but list, start|null|boolean is not supported.")
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
		if v.kind == text && v.value == "" && (m.name == "prefix" || m.name == "suffix") {
			return nil, fault(v, "Null prefix/suffix not allowed")
		}
		excluded, err := textOperator(m.name, v, wrong)
		if err != nil {
			return nil, err
		}
		c = append(c, excluded)
	}
	return c, alone(n, "Too many elements in numeric expression")
}
