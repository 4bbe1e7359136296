package policy

// Policies are the documents that concern a request. Those that are not there do
// not limit.
type Policies struct {
	Identity []*Document // of the user and its groups, or of the role
	Boundary *Document   // of the user or the role
	Session  []*Document // given when the role was assumed; one of them has to allow
	Resource *Document   // of the resource
	Trust    *Document   // of the role that is the resource, in the place of Resource
}

// Evaluate judges the request.
//
// A Deny that applies wins, wherever it stands. Else, for a caller that is a user
// or a role session:
//
//   - In its own account, a resource-based policy that names it by its ARN, or
//     names everyone, allows alone. One that names the role of a session allows
//     with the boundary and the session policies, where there are any. One that
//     names the account leaves the decision to the policies of the caller.
//   - Else an identity-based policy, the boundary and one of the session policies
//     all have to allow.
//   - For a resource of another account these have to allow, and its
//     resource-based policy has to name the caller, its role or its account.
//   - A trust policy is a resource-based policy without whose word nothing is
//     allowed in one account either.
//
// The root user of an account needs no policies in it. A service, or an anonymous
// caller, has only what a resource-based or a trust policy gives it.
//
// The pages are "Policy evaluation for requests within a single account",
// "Cross-account policy evaluation logic" and "AWS JSON policy elements:
// Principal".
func Evaluate(r *Request, p Policies) Decision {
	e := evaluation{request: r, resource: splitARN(r.Resource), bounded: p.Boundary != nil}

	o := opinions{bounded: e.bounded, limited: len(p.Session) > 0, resourceType: ResourceBased}
	for _, d := range p.Identity {
		e.read(IdentityBased, d, &o.identity)
	}
	e.read(PermissionsBoundary, p.Boundary, &o.boundary)
	for _, d := range p.Session {
		e.read(Session, d, &o.session)
	}
	e.read(ResourceBased, p.Resource, &o.resource)
	if p.Trust != nil {
		o.resourceType = RoleTrust
		e.read(RoleTrust, p.Trust, &o.resource)
	}

	if e.denial.Outcome == ExplicitDeny {
		return e.denial
	}
	return o.decide(r.Principal.Kind, r.owner(&e.resource) == r.Principal.Account)
}

// evaluation is one look through the documents of a request.
type evaluation struct {
	request  *Request
	resource arn
	bounded  bool     // the caller has a permissions boundary
	denial   Decision // the first Deny that applies
}

// opinion is what the policies of one type allow.
type opinion struct {
	decision Decision
	naming   naming // how the statement that allows names the caller; unnamed: none allows
}

// read looks for the first Deny that applies, and for the Allow that names the
// caller most closely. It leaves out the statements that can change neither.
func (e *evaluation) read(t Type, d *Document, o *opinion) {
	if d == nil || e.denial.Outcome == ExplicitDeny {
		return
	}
	for i := range d.statements {
		s := &d.statements[i]
		if s.effect == Allow && o.naming == itself {
			continue
		}
		n := e.applies(t, s)
		switch {
		case n == unnamed:
		case s.effect == Deny:
			e.denial = Decision{ExplicitDeny, t, d, i}
			return
		case n > o.naming:
			*o = opinion{Decision{Allowed, t, d, i}, n}
		}
	}
}

// applies says how the statement names the caller, and unnamed where any element
// of it does not match the request.
func (e *evaluation) applies(t Type, s *statement) naming {
	r := e.request
	if !s.actions.match(r.Action) || !s.resources.match(&e.resource, r) {
		return unnamed
	}
	n := itself
	if t.namesPrincipals() {
		n = e.naming(s)
	}
	if n == unnamed {
		return unnamed
	}
	var single [1]string
	for _, k := range s.needs {
		if len(k.values(r, &single)) != 1 {
			return unnamed
		}
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return unnamed
		}
	}
	return n
}

// naming is that of the statement's element, but a Deny with NotPrincipal spares
// nobody who has a permissions boundary ("Permissions boundaries for IAM
// entities").
func (e *evaluation) naming(s *statement) naming {
	if e.bounded && s.effect == Deny && s.principals.not {
		return itself
	}
	return s.principals.naming(s.effect, &e.request.Principal)
}

// opinions are those of all types, where none denies.
type opinions struct {
	identity, boundary, session opinion
	resource                    opinion // of the resource's policy, or of the role's trust policy
	resourceType                Type    // which of the two

	bounded, limited bool // there is a boundary; there are session policies
}

func (o *opinions) decide(kind PrincipalKind, sameAccount bool) Decision {
	// Whether nothing is allowed without the word of the resource's policy.
	asked := !sameAccount || o.resourceType == RoleTrust
	switch kind {
	case Anonymous, Service:
		if o.resource.naming == itself {
			return o.resource.decision
		}
		return Decision{Type: o.resourceType}
	case Root:
		if asked && o.resource.naming == unnamed {
			return Decision{Type: o.resourceType}
		}
		decision := o.resource.decision
		decision.Outcome = Allowed
		return decision
	}
	if sameAccount && o.resource.naming == itself {
		return o.resource.decision
	}
	decision := o.limit(sameAccount)
	if decision.Allowed() && asked && o.resource.naming == unnamed {
		return Decision{Type: o.resourceType}
	}
	return decision
}

// limit is what a user or a session is allowed with the boundary and the session
// policies: by its own policies, or by a policy that names the session's role.
func (o *opinions) limit(sameAccount bool) Decision {
	decision := o.identity.decision
	if sameAccount && o.resource.naming == byRole {
		decision = o.resource.decision
	}
	switch {
	case !decision.Allowed():
		return Decision{Type: IdentityBased}
	case o.bounded && o.boundary.naming == unnamed:
		return Decision{Type: PermissionsBoundary}
	case o.limited && o.session.naming == unnamed:
		return Decision{Type: Session}
	}
	return decision
}
