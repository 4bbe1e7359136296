package pattern

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// maxWildcards is how many selectors of a pattern may have a wildcard, each one.
const maxWildcards = 3

// A selector finds values in a message of JSON: $.user.emails[0], $.items[*].id,
// $.['cluster.name'].
type selector []step

// A step is one of a selector's: to a field, to an element, or to all of them.
type step struct {
	name  string
	index int // of an element; -1 for a field
	all   bool
}

// find goes through the values that the selector leads to.
func (s selector) find(v any) iter.Seq[any] {
	return func(yield func(any) bool) { s.walk(v, yield) }
}

func (s selector) walk(v any, yield func(any) bool) bool {
	if len(s) == 0 {
		return yield(v)
	}
	first, rest := s[0], s[1:]
	switch v := v.(type) {
	case map[string]any:
		if first.all {
			for _, value := range v {
				if !rest.walk(value, yield) {
					return false
				}
			}
		} else if value, ok := v[first.name]; ok && first.index < 0 {
			return rest.walk(value, yield)
		}
	case []any:
		if first.all {
			for _, value := range v {
				if !rest.walk(value, yield) {
					return false
				}
			}
		} else if first.index >= 0 && first.index < len(v) {
			return rest.walk(v[first.index], yield)
		}
	}
	return true
}

// parseSelector reads a selector that stands alone.
func parseSelector(text string) (selector, error) {
	p := &parser{text: text}
	s, err := p.selector()
	if err == nil && !p.end() {
		err = fmt.Errorf("unexpected %q", p.rest())
	}
	return s, err
}

// selector reads a selector.
func (p *parser) selector() (s selector, err error) {
	if !p.take("$") {
		return nil, fmt.Errorf("no selector at %q", p.rest())
	}
	wildcards := 0
	for {
		var next step
		switch {
		case p.take(".["), p.take("["):
			next, err = p.element()
		case p.take("."):
			next, err = p.field()
		case len(s) == 0:
			return nil, errors.New("a selector has no field")
		default:
			if wildcards > 0 {
				p.wildcards++
			}
			if wildcards > 1 || p.wildcards > maxWildcards {
				return nil, errors.New("too many wildcards in selectors")
			}
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if next.all {
			wildcards++
		}
		s = append(s, next)
	}
}

func (p *parser) field() (step, error) {
	if p.take("*") {
		return step{index: -1, all: true}, nil
	}
	name := p.run(func(c byte) bool { return isName(c) || c == '-' })
	if name == "" {
		return step{}, fmt.Errorf("no field at %q", p.rest())
	}
	return step{name: name, index: -1}, nil
}

// element reads what is in brackets.
func (p *parser) element() (step, error) {
	inside, _, closed := strings.Cut(p.rest(), "]")
	if p.take("'") {
		name, _, quoted := strings.Cut(p.rest(), "']")
		if !quoted || name == "" {
			return step{}, errors.New("the name of a field is not closed, or empty")
		}
		p.at += len(name) + 2
		return step{name: name, index: -1}, nil
	}
	if !closed {
		return step{}, errors.New("a bracket is not closed")
	}
	p.at += len(inside) + 1
	if inside == "*" {
		return step{index: -1, all: true}, nil
	}
	index, err := strconv.ParseUint(inside, 10, 31)
	if err != nil {
		return step{}, fmt.Errorf("%q is no index", inside)
	}
	return step{index: int(index)}, nil
}
