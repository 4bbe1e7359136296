package pattern

// A field is a path that terms of rules in a filter have.
type field struct{ path string }

// Fields are those of a filter, as the tree that their paths make.
type fields struct {
	field *field // the one whose path ends here, while it has users
	users int
	next  map[string]*fields
}

// use returns the field of a path for one more user.
func (f *fields) use(t *term) *field {
	at := f
	for _, step := range t.steps {
		next := at.next[step]
		if next == nil {
			if at.next == nil {
				at.next = map[string]*fields{}
			}
			next = &fields{}
			at.next[step] = next
		}
		at = next
	}
	if at.field == nil {
		at.field = &field{t.path}
	}
	at.users++
	return at.field
}

// release ends a use of a path's field.
func (f *fields) release(steps []string) {
	if len(steps) == 0 {
		if f.users--; f.users == 0 {
			f.field = nil
		}
		return
	}
	next := f.next[steps[0]]
	next.release(steps[1:])
	if next.users == 0 && len(next.next) == 0 {
		delete(f.next, steps[0])
	}
}

// collect adds to the values of fields those that an event's value has, and its elements' and members'.
func (f *fields) collect(v *node, to map[*field][]*node) {
	for i := range v.items {
		f.collect(&v.items[i], to)
	}
	if f.field != nil && v.kind != object && v.kind != array {
		to[f.field] = append(to[f.field], v)
	}
	if len(f.next) < len(v.members) {
		for step, next := range f.next {
			if m := v.member(step); m != nil {
				next.collect(m, to)
			}
		}
		return
	}
	for i := range v.members {
		if next := f.next[v.members[i].name]; next != nil {
			next.collect(&v.members[i].value, to)
		}
	}
}
