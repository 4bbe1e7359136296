package alarm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of an alarm rule, from the reference of PutCompositeAlarm.
const (
	MaxChildren = 100 // alarms that a rule may name
	maxElements = 500 // alarms, constants and parentheses
)

// An Expression is the rule of a composite alarm, such as
//
//	ALARM("cpu") AND NOT (OK(deploy) OR INSUFFICIENT_DATA(deploy))
//	AT_LEAST(2, ALARM, (web, api, db)) OR AT_LEAST(50%, NOT OK, (zone-a, zone-b))
//
// NOT binds tighter than AND, and AND tighter than OR.
type Expression struct {
	root   node
	alarms []string
}

// A node is true or false, given the states of alarms.
type node interface {
	holds(state func(alarm string) State) bool
}

type (
	constant bool
	in       struct {
		alarm string
		state State
	}
	not     struct{ of node }
	and     struct{ left, right node }
	or      struct{ left, right node }
	atLeast struct {
		count int
		of    []node
	}
)

func (n constant) holds(func(string) State) bool  { return bool(n) }
func (n in) holds(state func(string) State) bool  { return state(n.alarm) == n.state }
func (n not) holds(state func(string) State) bool { return !n.of.holds(state) }
func (n and) holds(state func(string) State) bool { return n.left.holds(state) && n.right.holds(state) }
func (n or) holds(state func(string) State) bool  { return n.left.holds(state) || n.right.holds(state) }

func (n atLeast) holds(state func(string) State) bool {
	missing := n.count
	for _, one := range n.of {
		if one.holds(state) {
			missing--
		}
	}
	return missing <= 0
}

// Alarms are the names or ARNs that the expression mentions, in the order of
// their first appearance.
func (x *Expression) Alarms() []string { return x.alarms }

// Evaluate is the composite alarm's state: Alarm if the expression holds, or OK.
func (x *Expression) Evaluate(state func(alarm string) State) State {
	if x.root.holds(state) {
		return Alarm
	}
	return OK
}

// ParseExpression reads an alarm rule.
func ParseExpression(rule string) (*Expression, error) {
	p := parser{rest: rule}
	p.next()
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, fmt.Errorf("unexpected %q", p.token)
	}
	if len(p.alarms) > MaxChildren {
		return nil, fmt.Errorf("more than %d alarms", MaxChildren)
	}
	return &Expression{root: root, alarms: p.alarms}, nil
}

// A parser reads an expression by recursive descent. Its depth is bounded by
// the number of elements.
type parser struct {
	rest     string // what follows the token
	token    string // "(", ")", "," or a word; "" at the end
	alarms   []string
	elements int
}

const space = " \t\r\n"

// next moves on to the next token.
func (p *parser) next() {
	p.rest = strings.TrimLeft(p.rest, space)
	end := strings.IndexAny(p.rest, space+`(),"`)
	switch {
	case end < 0:
		end = len(p.rest)
	case end == 0:
		end = 1
	}
	p.token, p.rest = p.rest[:end], p.rest[end:]
}

func (p *parser) or() (node, error) {
	left, err := p.and()
	for err == nil && p.token == "OR" {
		p.next()
		var right node
		right, err = p.and()
		left = or{left, right}
	}
	return left, err
}

func (p *parser) and() (node, error) {
	left, err := p.not()
	for err == nil && p.token == "AND" {
		p.next()
		var right node
		right, err = p.not()
		left = and{left, right}
	}
	return left, err
}

func (p *parser) not() (node, error) {
	negate := false
	for p.token == "NOT" {
		negate = !negate
		p.next()
	}
	n, err := p.element()
	if err == nil && negate {
		n = not{n}
	}
	return n, err
}

// count counts an element.
func (p *parser) count() error {
	if p.elements++; p.elements > maxElements {
		return fmt.Errorf("more than %d elements", maxElements)
	}
	return nil
}

func (p *parser) element() (node, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	token := p.token
	switch token {
	case "":
		return nil, errors.New("unexpected end")
	case "TRUE", "true", "FALSE", "false":
		p.next()
		return constant(strings.EqualFold(token, "TRUE")), nil
	case "(":
		p.next()
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		return n, p.take(")")
	case "AT_LEAST":
		p.next()
		return p.atLeast()
	}
	state, err := ParseState(token)
	if err != nil {
		return nil, fmt.Errorf("unexpected %q", token)
	}
	if p.next(); p.token != "(" {
		return nil, errors.New(`expected "(" after a state`)
	}
	name, err := p.name(`()"`)
	if err != nil {
		return nil, err
	}
	return in{name, state}, p.take(")")
}

// atLeast reads what follows AT_LEAST: (M, state, (alarms)), where M is a number
// or a percentage of the alarms.
func (p *parser) atLeast() (node, error) {
	if err := p.take("("); err != nil {
		return nil, err
	}
	threshold := p.token
	p.next()
	if err := p.take(","); err != nil {
		return nil, err
	}
	negate := p.token == "NOT"
	if negate {
		p.next()
	}
	state, err := ParseState(p.token)
	if err != nil {
		return nil, fmt.Errorf("unexpected %q", p.token)
	}
	p.next()
	if err := p.take(","); err != nil {
		return nil, err
	}
	of, err := p.list(state, negate)
	if err != nil {
		return nil, err
	}
	count, err := atLeastOf(threshold, len(of))
	if err != nil {
		return nil, err
	}
	return atLeast{count, of}, p.take(")")
}

// list reads alarms in parentheses, each of which is to be in a state, or not.
func (p *parser) list(state State, negate bool) (of []node, err error) {
	if p.token != "(" {
		return nil, errors.New(`expected "("`)
	}
	for p.token != ")" {
		if err := p.count(); err != nil {
			return nil, err
		}
		name, err := p.name(`(),"`)
		if err != nil {
			return nil, err
		}
		var n node = in{name, state}
		if negate {
			n = not{n}
		}
		if of = append(of, n); p.token != "," && p.token != ")" {
			return nil, errors.New(`expected "," or ")"`)
		}
	}
	return of, p.take(")")
}

// atLeastOf is how many of n alarms a threshold asks for: a number of them, or a
// percentage, rounded up.
func atLeastOf(threshold string, n int) (int, error) {
	percentage, ok := strings.CutSuffix(threshold, "%")
	v, err := strconv.Atoi(percentage)
	switch {
	case err != nil:
	case ok && v >= 1 && v <= 100:
		return (v*n + 99) / 100, nil
	case !ok && v >= 1 && v <= n:
		return v, nil
	}
	return 0, fmt.Errorf("%q is neither a number up to that of the alarms, %d, nor a percentage", threshold, n)
}

// name reads the name or ARN that follows the token, bare up to one of the
// characters that stop it, or in quotes.
func (p *parser) name(stop string) (name string, err error) {
	p.rest = strings.TrimLeft(p.rest, space)
	if strings.HasPrefix(p.rest, `"`) {
		if name, err = p.quoted(); err != nil {
			return "", err
		}
	} else {
		end := strings.IndexAny(p.rest, stop)
		if end < 0 {
			end = len(p.rest)
		}
		name, p.rest = strings.TrimRight(p.rest[:end], space), p.rest[end:]
	}
	if name == "" {
		return "", errors.New("expected the name of an alarm")
	}
	if !slices.Contains(p.alarms, name) {
		p.alarms = append(p.alarms, name)
	}
	p.next()
	return name, nil
}

// quoted reads a name in quotes; a backslash takes the next character as it is.
func (p *parser) quoted() (string, error) {
	var name strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return name.String(), nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			name.WriteByte(p.rest[i])
		default:
			name.WriteByte(c)
		}
	}
	return "", errors.New("a quote is not closed")
}

// take moves past a token that must be next.
func (p *parser) take(token string) error {
	if p.token != token {
		return fmt.Errorf("expected %q", token)
	}
	p.next()
	return nil
}

// Cyclic tells whether an alarm depends on itself, given the alarms that each
// one's rule names.
func Cyclic(alarm string, children func(alarm string) []string) bool {
	seen := map[string]bool{}
	var reaches func(from string) bool
	reaches = func(from string) bool {
		for _, child := range children(from) {
			if child == alarm {
				return true
			}
			if !seen[child] {
				seen[child] = true
				if reaches(child) {
					return true
				}
			}
		}
		return false
	}
	return reaches(alarm)
}
