package policydoc

import (
	"encoding/json"
	"slices"
	"strings"
)

// refer notes what arguments of resources and modules refer to, and outputs.
func (p *plan) refer(prefix string, m configModule) {
	for _, r := range m.Resources {
		for name, raw := range r.Expressions {
			p.note(prefix+r.Address+"."+name, prefix, raw)
		}
	}
	for name, out := range m.Outputs {
		p.note(prefix+name, prefix, out.Expression)
	}
	for name, call := range m.Calls {
		inside := prefix + "module." + name + "."
		for argument, raw := range call.Expressions {
			p.note(inside+"var."+argument, prefix, raw)
		}
		p.refer(inside, call.Module)
	}
}

// note notes what an expression refers to, by full addresses.
func (p *plan) note(address, prefix string, raw json.RawMessage) {
	var e struct {
		References []string `json:"references"`
	}
	if json.Unmarshal(raw, &e) == nil {
		for _, to := range e.References {
			p.references[address] = append(p.references[address], prefix+to)
		}
	}
}

// referred is the first resource of a type that an argument of a resource refers to, or nil.
func (p *plan) referred(r *resource, argument, kind string) *resource {
	if all := p.allReferred(r, argument, kind); len(all) > 0 {
		return all[0]
	}
	return nil
}

// allReferred are the resources of a type that an argument of a resource refers to, by itself, or
// by variables and outputs of modules. A plan tells nothing of local values.
func (p *plan) allReferred(r *resource, argument, kind string) []*resource {
	var all []*resource
	p.follow(unindexed(r.Address)+"."+argument, r.Address, kind, map[string]bool{}, &all)
	return all
}

func (p *plan) follow(address, from, kind string, seen map[string]bool, all *[]*resource) {
	if seen[address] {
		return
	}
	seen[address] = true
	for _, to := range p.references[address] {
		parts := strings.Split(unindexed(to), ".")
		for n := len(parts); n >= 2; n-- {
			named := strings.Join(parts[:n], ".")
			if r := nearestOf(p.configured[named], to, from); r != nil && r.Type == kind && !slices.Contains(*all, r) {
				*all = append(*all, r)
			}
			p.follow(named, from, kind, seen, all)
		}
	}
}

// nearestOf is that of the instances of a resource which a reference names, seen from another
// resource: that of the same instances of modules, with the reference's own index or that of the
// resource which refers to it.
func nearestOf(instances []*resource, reference, from string) *resource {
	var best *resource
	fits := -1
	for _, r := range instances {
		module, index := moduleOf(r.Address)
		if !together(module, from) {
			continue
		}
		_, own := moduleOf(from)
		fit := 0
		switch {
		case index != "" && strings.Contains(reference+".", index+"."):
			fit = 2
		case index == own:
			fit = 1
		}
		if fit > fits {
			best, fits = r, fit
		}
	}
	return best
}

// together reports whether an instance of a module has the indexes that an address has, where both
// go through the same modules.
func together(module, address string) bool {
	a, b := dotted(module), dotted(address)
	for i := 0; i < len(a) && i < len(b); i++ {
		if unindexed(a[i]) != unindexed(b[i]) {
			return true // from here on they are apart
		}
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// moduleOf is the instance of a module that an address is in, with a dot behind it, and the index
// of the resource.
func moduleOf(address string) (module, index string) {
	parts := dotted(address)
	if len(parts) < 2 {
		return "", ""
	}
	last := parts[len(parts)-1]
	index = last[len(unindexed(last)):]
	if module = strings.Join(parts[:len(parts)-2], "."); module != "" {
		module += "."
	}
	return module, index
}

// dotted are the parts of an address between its dots, of which those in indexes are none.
func dotted(address string) []string {
	var parts []string
	begin := 0
	each(address, func(i int, c byte, inside bool) {
		if c == '.' && !inside {
			parts = append(parts, address[begin:i])
			begin = i + 1
		}
	})
	if begin < len(address) {
		parts = append(parts, address[begin:])
	}
	return parts
}

// unindexed is an address without its indexes, as configuration has it.
func unindexed(address string) string {
	var b strings.Builder
	each(address, func(_ int, c byte, inside bool) {
		if !inside {
			b.WriteByte(c)
		}
	})
	return b.String()
}

// each tells the characters of an address, and which are inside of an index. A key of an index may
// have any character, in quotes.
func each(address string, tell func(i int, c byte, inside bool)) {
	inside, quoted := false, false
	for i := 0; i < len(address); i++ {
		c := address[i]
		if !inside && c == '[' {
			inside = true
		}
		tell(i, c, inside)
		switch {
		case inside && quoted && c == '\\' && i+1 < len(address):
			i++
			tell(i, address[i], true)
		case inside && c == '"':
			quoted = !quoted
		case inside && !quoted && c == ']':
			inside = false
		}
	}
}
