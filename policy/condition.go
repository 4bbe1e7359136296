package policy

import (
	"fmt"
	"strings"
)

// condition is one key of one operator, with the values that the policy has for
// it. All conditions of a statement have to hold.
type condition struct {
	key      key
	tests    []test // of which a request's value has to pass one, or none where negated
	negated  bool
	ifExists bool
	set      set
	null     bool // the operator is Null; wantNull are its values
	wantNull []bool
}

// set is how an operator takes the several values of a request ("Creating a
// condition with multiple keys or values").
type set uint8

const (
	anyValue     set = iota // no set operator: one value has to match, or none where negated
	forAnyValue             // one value has to hold
	forAllValues            // each value has to hold
)

// test compares a value of the request with one of the policy.
type test interface {
	passes(value string, r *Request) bool
}

// holds evaluates the condition.
func (c *condition) holds(r *Request) bool {
	var single [1]string
	values := c.key.values(r, &single)
	switch {
	case c.null:
		return c.holdsNull(len(values) == 0)
	case len(values) == 0:
		return c.holdsMissing()
	}
	switch c.set {
	case forAllValues:
		for _, v := range values {
			if !isNull(values) && c.passes(v, r) == c.negated {
				return false
			}
		}
		return true
	case forAnyValue:
		for _, v := range values {
			if !isNull(values) && c.passes(v, r) != c.negated {
				return true
			}
		}
		return false
	}
	for _, v := range values {
		if c.passes(v, r) {
			return !c.negated
		}
	}
	return c.negated
}

// holdsMissing is what the operator makes of a key that the request does not
// have ("IAM JSON policy elements: Condition operators").
func (c *condition) holdsMissing() bool {
	switch {
	case c.ifExists || c.set == forAllValues:
		return true
	case c.set == forAnyValue:
		return false
	}
	return c.negated
}

// isNull tells an empty string as the only value, which set operators take for
// no value.
func isNull(values []string) bool {
	return len(values) == 1 && values[0] == ""
}

func (c *condition) holdsNull(missing bool) bool {
	for _, want := range c.wantNull {
		if want == missing {
			return true
		}
	}
	return false
}

// passes says whether the value passes one of the tests.
func (c *condition) passes(value string, r *Request) bool {
	for _, t := range c.tests {
		if t.passes(value, r) {
			return true
		}
	}
	return false
}

// compileCondition reads an operator with its set prefix and its suffix, and the
// values in the operator's own form. The keys that it returns are those of
// variables whose value the condition cannot do without: an Allow must not come
// of "not equal to" something that is not known.
func compileCondition(d draftCondition, variables bool) (condition, []key, *Malformed) {
	c := condition{key: compileKey(d.key)}
	name := strings.ToLower(d.operator) // IAM takes "bool" for Bool
	if rest, ok := strings.CutPrefix(name, "forallvalues:"); ok {
		name, c.set = rest, forAllValues
	} else if rest, ok := strings.CutPrefix(name, "foranyvalue:"); ok {
		name, c.set = rest, forAnyValue
	}
	if name == "null" {
		c.null = true
		return c, nil, c.readNull(d)
	}
	name, c.ifExists = strings.CutSuffix(name, "ifexists")
	o, ok := operatorNamed(name)
	if !ok {
		return c, nil, malformed(syntaxErrors, "Condition.%s: no condition operator", d.operator)
	}
	c.negated = o.negated
	var needs []key
	for _, v := range d.values {
		t, err := o.compile(v, variables)
		if err != nil {
			return c, nil, malformed(o.refusal, "Condition.%s.%s: %v", d.operator, d.key, err)
		}
		c.tests = append(c.tests, t)
		if u, ok := t.(interface{ unresolved() []key }); ok && o.negated {
			needs = append(needs, u.unresolved()...)
		}
	}
	return c, needs, nil
}

func (c *condition) readNull(d draftCondition) *Malformed {
	for _, v := range d.values {
		want, err := parseBool(v)
		if err != nil {
			return malformed(syntaxErrors, "Condition.%s.%s: %v", d.operator, d.key, err)
		}
		c.wantNull = append(c.wantNull, want)
	}
	return nil
}

func parseBool(s string) (bool, error) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, nil
	case strings.EqualFold(s, "false"):
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}
