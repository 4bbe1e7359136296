package pattern

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// An InputPath names a part of an event: $.detail.state, $.resources[0], $.detail.items[*].name.
type InputPath struct{ steps []pathStep }

// A pathStep goes to a member, to an element, or, with any set, to all of them.
type pathStep struct {
	name  string
	index int
	array bool
	any   bool
}

var errPath = errors.New("is not a path that EventBridge supports: names after dots, with letters, digits, dashes, underscores and slashes, array indices and wildcards")

// ParsePath reads an input path.
func ParsePath(path string) (InputPath, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return InputPath{}, errPath
	}
	var p InputPath
	for rest != "" {
		var step pathStep
		if step, rest, ok = cutStep(rest); !ok {
			return InputPath{}, errPath
		}
		p.steps = append(p.steps, step)
	}
	return p, nil
}

func cutStep(path string) (step pathStep, rest string, ok bool) {
	if inner, isIndex := strings.CutPrefix(path, "["); isIndex {
		inner, rest, ok = strings.Cut(inner, "]")
		if !ok {
			return step, rest, false
		}
		if quoted := len(inner) > 2 && inner[0] == '\'' && inner[len(inner)-1] == '\''; quoted {
			return pathStep{name: inner[1 : len(inner)-1]}, rest, true
		}
		if inner == "*" {
			return pathStep{array: true, any: true}, rest, true
		}
		index, err := strconv.Atoi(inner)
		return pathStep{array: true, index: index}, rest, err == nil && index >= 0
	}
	name, ok := strings.CutPrefix(path, ".")
	if !ok {
		return step, path, false
	}
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	name, rest = name[:end], name[end:]
	if name == "*" {
		return pathStep{any: true}, rest, true
	}
	return pathStep{name: name}, rest, name != "" && strings.IndexFunc(name, notInName) < 0
}

func notInName(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && r != '-' && r != '_' && r != '/' && r != '$' && r < 0x80
}

// Find returns the JSON to which the path leads, spelled as in the event, or nil where it leads
// nowhere. A path with wildcards leads to an array of what it finds.
func (p InputPath) Find(e *Event) []byte {
	found := []*node{&e.root}
	many := false
	for _, step := range p.steps {
		var next []*node
		for _, n := range found {
			next = step.from(n, next)
		}
		found, many = next, many || step.any
	}
	switch {
	case many:
		parts := make([][]byte, len(found))
		for i, n := range found {
			parts[i] = e.json(n)
		}
		return append(append([]byte{'['}, bytes.Join(parts, []byte{','})...), ']')
	case len(found) == 0 || found[0].end == 0:
		return nil
	}
	return e.json(found[0])
}

// from appends what the step leads to from a value.
func (s pathStep) from(n *node, to []*node) []*node {
	switch {
	case s.any:
		for i := range n.items {
			to = append(to, &n.items[i])
		}
		if !s.array {
			for i := range n.members {
				to = append(to, &n.members[i].value)
			}
		}
	case s.array && s.index < len(n.items):
		to = append(to, &n.items[s.index])
	case !s.array:
		if m := n.member(s.name); m != nil {
			to = append(to, m)
		}
	}
	return to
}

// json is a value as the event spells it.
func (e *Event) json(n *node) []byte { return []byte(e.document[n.start:n.end]) }
