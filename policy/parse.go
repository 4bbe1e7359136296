package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Parse reads a document that is to stand where the type says. The error is a
// *Malformed.
func Parse(text string, t Type) (*Document, error) {
	return parse(text, t, false)
}

// ParseManaged reads the document of a managed policy, which can be attached to
// an identity and be its permissions boundary. Unlike others it has to be in the
// language of 2012.
func ParseManaged(text string) (*Document, error) {
	return parse(text, IdentityBased, true)
}

// ParseKept reads the policy of a resource that its service has taken, which is more
// than Parse does: queues have policies whose resources are no ARNs. These match
// nothing.
func ParseKept(text string) (*Document, error) {
	d, err := read(text, ResourceBased)
	if err != nil {
		return nil, err
	}
	if m := d.checkKept(); m != nil {
		return nil, m
	}
	return compile(d), nil
}

func parse(text string, t Type, managed bool) (*Document, error) {
	d, err := read(text, t)
	if err != nil {
		return nil, err
	}
	if m := d.check(t, managed); m != nil {
		return nil, m
	}
	return compile(d), nil
}

// read reads a document whose elements have the right form.
func read(text string, t Type) (*draft, error) {
	root, err := readJSON(text)
	if err != nil {
		if t == RoleTrust {
			return nil, malformed(invalidJSON, "%v", err)
		}
		return nil, malformed(syntaxErrors, "%v", err)
	}
	d, err := readDraft(root)
	if err != nil {
		return nil, malformed(syntaxErrors, "%v", err)
	}
	return d, nil
}

// draft is a document whose elements are of the right form. What they say is
// not looked at yet.
type draft struct {
	version, id string
	statements  []draftStatement
}

type draftStatement struct {
	at         string // where it is, for reasons
	sid        string
	effect     Effect
	otherCase  bool // of the effect, which IAM says later than other faults of form
	principals principals
	actions    choice
	resources  choice
	conditions []draftCondition
}

// choice is an element that has a Not form, of which a statement has one.
type choice struct {
	given, not bool
	values     []string
}

type draftCondition struct {
	operator, key string
	values        []string
}

func readDraft(root any) (*draft, error) {
	top, ok := root.(object)
	if !ok {
		return nil, fmt.Errorf("a policy is a JSON object")
	}
	d := &draft{version: Version2008}
	for _, m := range top {
		var err error
		switch m.name {
		case "Version":
			d.version, err = text(m)
			if err == nil && d.version != Version2008 && d.version != Version2012 {
				err = fmt.Errorf("Version: neither %s nor %s", Version2008, Version2012)
			}
		case "Id":
			d.id, err = text(m)
		case "Statement":
			d.statements, err = readStatements(m.value)
		default:
			err = fmt.Errorf("%s: no element of a policy", m.name)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(d.statements) == 0 {
		return nil, fmt.Errorf("there is no Statement")
	}
	return d, nil
}

func readStatements(value any) ([]draftStatement, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	statements := make([]draftStatement, len(list))
	for i, value := range list {
		s := &statements[i]
		s.at = fmt.Sprintf("Statement[%d]", i)
		elements, ok := value.(object)
		if !ok {
			return nil, fmt.Errorf("%s: not an object", s.at)
		}
		for _, m := range elements {
			if err := s.read(m); err != nil {
				return nil, fmt.Errorf("%s.%w", s.at, err)
			}
		}
		if s.effect == 0 {
			return nil, fmt.Errorf("%s.Effect: there is none", s.at)
		}
	}
	return statements, nil
}

func (s *draftStatement) read(m member) (err error) {
	switch m.name {
	case "Sid":
		s.sid, err = text(m)
	case "Effect":
		err = s.readEffect(m)
	case "Principal", "NotPrincipal":
		if s.principals.given {
			return fmt.Errorf("%s: beside its opposite", m.name)
		}
		s.principals, err = readPrincipals(m)
	case "Action", "NotAction":
		err = s.actions.read(m)
	case "Resource", "NotResource":
		err = s.resources.read(m)
	case "Condition":
		s.conditions, err = readConditions(m)
	default:
		err = fmt.Errorf("%s: no element of a statement", m.name)
	}
	return err
}

func (s *draftStatement) readEffect(m member) error {
	name, err := text(m)
	switch {
	case err != nil:
		return err
	case strings.EqualFold(name, "Allow"):
		s.effect = Allow
	case strings.EqualFold(name, "Deny"):
		s.effect = Deny
	default:
		return fmt.Errorf("%s: neither Allow nor Deny", m.name)
	}
	s.otherCase = name != "Allow" && name != "Deny"
	return nil
}

func (c *choice) read(m member) (err error) {
	if c.given {
		return fmt.Errorf("%s: beside its opposite", m.name)
	}
	c.given, c.not = true, m.name[:3] == "Not"
	c.values, err = scalars(m)
	return err
}

// readConditions reads {"operator": {"key": values}}. Values may be strings,
// numbers and booleans.
func readConditions(m member) ([]draftCondition, error) {
	operators, ok := m.value.(object)
	if !ok {
		return nil, fmt.Errorf("%s: not an object", m.name)
	}
	var conditions []draftCondition
	for _, o := range operators {
		keys, ok := o.value.(object)
		if !ok {
			return nil, fmt.Errorf("%s.%s: not an object", m.name, o.name)
		}
		for _, k := range keys {
			values, err := scalars(k)
			if err != nil {
				return nil, fmt.Errorf("%s.%s.%w", m.name, o.name, err)
			}
			conditions = append(conditions, draftCondition{o.name, k.name, values})
		}
	}
	return conditions, nil
}

// text is the value of an element that is a string.
func text(m member) (string, error) {
	s, ok := m.value.(string)
	if !ok {
		return "", fmt.Errorf("%s: not a string", m.name)
	}
	return s, nil
}

// scalars are the values of an element that is a value or a list of values, as
// texts.
func scalars(m member) ([]string, error) {
	list, ok := m.value.([]any)
	if !ok {
		list = []any{m.value}
	}
	values := make([]string, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case string:
			values[i] = v
		case json.Number:
			values[i] = v.String()
		case bool:
			values[i] = fmt.Sprint(v)
		default:
			return nil, fmt.Errorf("%s: neither a value nor a list of values", m.name)
		}
	}
	return values, nil
}
