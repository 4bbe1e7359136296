package pattern

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An Event is an event as patterns look at it. It is not changed once it is parsed.
type Event struct {
	document string
	root     node
}

// ParseEvent reads an event, which is a JSON object. Objects and arrays are nested up to 1,000
// times, and integers are within 64 bits. Of members with the same name the last counts, and one
// whose name has dots is found by patterns like nested ones, as in event-ruler.
func ParseEvent(document []byte) (*Event, error) {
	e := &Event{document: string(document)}
	var err error
	if e.root, err = parseDocument(e.document); err != nil {
		return nil, fmt.Errorf("event is not valid JSON: %w", err)
	}
	if e.root.kind != object {
		return nil, errors.New("event is not a JSON object")
	}
	return e, e.root.settle()
}

// settle checks integers, makes members unique, and nests those whose names have dots.
func (n *node) settle() error {
	if n.kind == number && !strings.ContainsAny(n.value, ".eE") {
		if _, err := strconv.ParseInt(n.value, 10, 64); err != nil {
			return fmt.Errorf("integer %s is not within 64 bits", n.value)
		}
	}
	for i := range n.items {
		if err := n.items[i].settle(); err != nil {
			return err
		}
	}
	if n.kind != object {
		return nil
	}
	return n.settleMembers()
}

func (n *node) settleMembers() error {
	written := n.members
	n.members = written[:0]
	var dotted []member
	for _, m := range written {
		if err := m.value.settle(); err != nil {
			return err
		}
		if strings.Contains(m.name, ".") {
			dotted = append(dotted, m)
			continue
		}
		*n.place(m.name) = m.value
	}
	for _, m := range dotted {
		at := n
		for step := range strings.SplitSeq(m.name, ".") {
			at = at.place(step)
		}
		members, names := at.members, at.names
		*at = m.value
		if at.members == nil {
			at.members, at.names = members, names
		}
	}
	return nil
}

// many is from how many members on an object has an index of their names.
const many = 16

// place is where the member of a name is, which is made if there is none: an object without members.
// Where a name has dots, texts and arrays may have members, too.
func (n *node) place(name string) *node {
	if found := n.member(name); found != nil {
		return found
	}
	n.members = append(n.members, member{name: name})
	last := len(n.members) - 1
	if len(n.members) == many {
		n.names = make(map[string]int, 2*many)
		for i, m := range n.members {
			n.names[m.name] = i
		}
	} else if n.names != nil {
		n.names[name] = last
	}
	return &n.members[last].value
}

// member is the member of a name, or nil.
func (n *node) member(name string) *node {
	if n.names != nil {
		if i, ok := n.names[name]; ok {
			return &n.members[i].value
		}
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}
