package wire

import (
	"net/url"
	"strings"
)

// param is a node of the tree that the parameters of an awsQuery request stand
// for: MetricData.member.1.Value=5 is a value four levels down.
type param struct {
	name     string
	value    string
	set      bool // it has a value of its own
	children []param
	index    map[string]int // into children, when they are many
}

const (
	errParams    = refusal("The request has too many parameters")
	errMalformed = refusal("The request's parameters are not well-formed")
)

// paramCopies is about how many times the size of a form its tree takes.
const paramCopies = 8

// params is the tree of a request's parameters.
type params struct {
	root  param
	nodes int
}

// parse adds form-encoded parameters. Later values replace earlier ones.
func (t *params) parse(form string) error {
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := unescape(name)
		if err != nil {
			return errMalformed
		}
		if value, err = unescape(value); err != nil {
			return errMalformed
		}
		if err := t.put(name, value); err != nil {
			return err
		}
	}
	return nil
}

func unescape(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	return url.QueryUnescape(s)
}

func (t *params) put(name, value string) error {
	p := &t.root
	for depth := 0; ; depth++ {
		if depth == 3*maxDepth { // a list or map takes up to three steps
			return errTooDeep
		}
		step, rest, more := strings.Cut(name, ".")
		if p = t.child(p, step); p == nil {
			return errParams
		}
		if !more {
			p.value, p.set = value, true
			return nil
		}
		name = rest
	}
}

// child finds or adds a child, or returns nil if there are too many nodes.
// Clients send parameters in order, so that it is the last child as a rule.
func (t *params) child(p *param, name string) *param {
	if n := len(p.children); n > 0 && p.children[n-1].name == name {
		return &p.children[n-1]
	}
	if found := p.find(name); found != nil {
		return found
	}
	if t.nodes++; t.nodes > maxParams {
		return nil
	}
	p.children = append(p.children, param{name: name})
	switch n := len(p.children); {
	case p.index != nil:
		p.index[name] = n - 1
	case n > 16:
		p.index = make(map[string]int, 2*n)
		for i := range p.children {
			p.index[p.children[i].name] = i
		}
	}
	return &p.children[len(p.children)-1]
}

// find returns a child, or nil.
func (p *param) find(name string) *param {
	if p.index != nil {
		if i, ok := p.index[name]; ok {
			return &p.children[i]
		}
		return nil
	}
	for i := range p.children {
		if p.children[i].name == name {
			return &p.children[i]
		}
	}
	return nil
}

// get is the value of a top-level parameter.
func (t *params) get(name string) string {
	if c := t.root.find(name); c != nil {
		return c.value
	}
	return ""
}
