package policy

// actions is an Action or NotAction element. Case does not matter in it.
type actions struct {
	not      bool
	patterns []pattern
}

// resources is a Resource or NotResource element. One that is not given, as in a
// trust policy, is the resource that has the policy.
type resources struct {
	given, not bool
	patterns   []arnPattern
}

// compile makes a document of a draft that has been checked.
func compile(d *draft) *Document {
	doc := &Document{version: d.version, id: d.id, statements: make([]statement, len(d.statements))}
	for i := range d.statements {
		doc.statements[i].compile(&d.statements[i], d.version == Version2012)
	}
	return doc
}

func (s *statement) compile(d *draftStatement, variables bool) {
	s.sid, s.effect, s.principals = d.sid, d.effect, d.principals
	s.actions.not = d.actions.not
	for _, a := range d.actions.values {
		s.actions.patterns = append(s.actions.patterns, compilePattern(a, syntax{wildcards: true}))
	}
	s.resources.given, s.resources.not = d.resources.given, d.resources.not
	for _, r := range d.resources.values {
		p := compileARN(r, variables, arnParts-1)
		if len(p) == 1 { // no ARN, and none begins with nothing
			p = arnPattern{compilePattern("", syntax{})}
		}
		s.resources.patterns = append(s.resources.patterns, p)
		if s.resources.not {
			s.need(p.unresolved())
		}
	}
	for _, c := range d.conditions {
		compiled, needs, _ := compileCondition(c, variables)
		s.conditions = append(s.conditions, compiled)
		s.need(needs)
	}
}

// need notes variables in NotResource and in negated conditions. Without their
// values such an Allow would allow everything, so it does not apply then. A Deny
// does.
func (s *statement) need(keys []key) {
	if s.effect == Allow {
		s.needs = append(s.needs, keys...)
	}
}

func (a *actions) match(action string) bool {
	for _, p := range a.patterns {
		if p.match(action, true, nil) {
			return !a.not
		}
	}
	return a.not
}

func (rs *resources) match(a *arn, r *Request) bool {
	if !rs.given {
		return true
	}
	for _, p := range rs.patterns {
		if p.match(a, r) {
			return !rs.not
		}
	}
	return rs.not
}
