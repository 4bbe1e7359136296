package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// brokenRule is a value that breaks a constraint, in the words of AWS.
type brokenRule struct {
	value string // quoted, or null
	must  string
}

func (b brokenRule) Error() string { return b.must }

func (b brokenRule) at(path string) string {
	value := ""
	if b.value != "" {
		value = b.value + " "
	}
	return fmt.Sprintf("Value %sat '%s' failed to satisfy constraint: %s", value, path, b.must)
}

// validationMessage puts violations together as AWS does.
func validationMessage(count int, found []string) string {
	s := ""
	if count > 1 {
		s = "s"
	}
	return fmt.Sprintf("%d validation error%s detected: %s", count, s, strings.Join(found, "; "))
}

// validate checks an input against the constraints of AWS's model. It returns
// AWS's message, or "" if there is nothing to say.
func validate(p *plan, v reflect.Value) string {
	if !p.checked {
		return ""
	}
	var c checker
	c.members(p, v, nil)
	if c.count == 0 {
		return ""
	}
	return validationMessage(c.count, c.found)
}

// maxFound bounds the violations that a message spells out; it counts them all.
const maxFound = 50

type checker struct {
	found []string
	count int
}

// A step is one step of the path to the value under check. The path is only put
// together for a violation.
type step struct {
	up   *step
	name string
	item int // from 1, of a list's element; name is empty then
}

func (s *step) path() string {
	if s == nil {
		return ""
	}
	name := s.name
	if s.item > 0 {
		name = itemPath(s.item - 1)
	}
	if s.up == nil {
		return name
	}
	return s.up.path() + "." + name
}

func (c *checker) add(s *step, b brokenRule) {
	if c.count++; len(c.found) < maxFound {
		c.found = append(c.found, b.at(s.path()))
	}
}

func (c *checker) members(p *plan, v reflect.Value, at *step) {
	for i := range p.fields {
		f := &p.fields[i]
		if !f.required && !f.plan.checked {
			continue
		}
		fv := v.Field(f.index)
		if !isSet(f.plan, fv) {
			if f.required {
				c.add(&step{up: at, name: f.path}, brokenRule{"null", "Member must not be null"})
			}
			continue
		}
		if f.plan.checked {
			c.value(f.plan, fv, &step{up: at, name: f.path})
		}
	}
}

// value checks a value that is set.
func (c *checker) value(p *plan, v reflect.Value, at *step) {
	if p.pointer {
		v = v.Elem()
	}
	if p.rule != nil {
		if must := p.rule.broken(p.kind, v); must != nil {
			for _, m := range must {
				c.add(at, brokenRule{show(p.kind, v), m})
			}
			return
		}
	}
	switch p.kind {
	case kindStruct:
		c.members(p, v, at)
	case kindList:
		c.list(p, v, at)
	case kindMap:
		c.dict(p, v, at)
	case kindUnion:
		c.union(p, v, at)
	}
}

func (c *checker) list(p *plan, v reflect.Value, at *step) {
	if !p.elem.checked {
		return
	}
	for i := range v.Len() {
		item := v.Index(i)
		if p.elem.pointer && item.IsNil() {
			continue
		}
		if !p.elem.isText() {
			c.value(p.elem, item, &step{up: at, item: i + 1})
			continue
		}
		// A list of strings is named whole.
		if must := p.elem.rule.broken(p.elem.kind, item); must != nil {
			c.add(at, brokenRule{show(p.kind, v), "Member must satisfy constraint: [" + strings.Join(must, ", ") + "]"})
			return
		}
	}
}

func (p *plan) isText() bool {
	return !p.pointer && p.rule != nil && (p.kind == kindString || p.kind == kindEnum)
}

func (c *checker) dict(p *plan, v reflect.Value, at *step) {
	for it := v.MapRange(); it.Next(); {
		if p.key.rule != nil {
			if must := p.key.rule.broken(p.key.kind, it.Key()); must != nil {
				c.add(at, brokenRule{"", "Map keys must satisfy constraint: [" + strings.Join(must, ", ") + "]"})
				return
			}
		}
		if !p.elem.isText() {
			if p.elem.checked {
				c.value(p.elem, it.Value(), &step{up: at, name: it.Key().String() + ".member"})
			}
			continue
		}
		if must := p.elem.rule.broken(p.elem.kind, it.Value()); must != nil {
			c.add(at, brokenRule{"", "Map value must satisfy constraint: [" + strings.Join(must, ", ") + "]"})
			return
		}
	}
}

func (c *checker) union(p *plan, v reflect.Value, at *step) {
	box := v.Elem().Elem()
	for i := range p.arms {
		if a := &p.arms[i]; a.typ == box.Type() && a.plan.checked {
			c.value(a.plan, box.FieldByName("Value"), &step{up: at, name: lowerFirst(a.name)})
		}
	}
}

// broken returns what a value must do and does not.
func (r *rule) broken(k kind, v reflect.Value) []string {
	switch k {
	case kindInt:
		return r.outside("value", float64(v.Int()))
	case kindFloat:
		return r.outside("value", v.Float())
	case kindString, kindEnum:
		s := v.String()
		if !r.inEnum(s) {
			return []string{"Member must satisfy enum value set: " + r.enumSet()}
		}
		must := r.outside("length", float64(utf8.RuneCountInString(s)))
		if r.match != nil && !r.match(s) {
			must = append(must, "Member must satisfy regular expression pattern: "+r.pattern)
		}
		return must
	case kindBlob, kindList, kindFloats, kindMap:
		return r.outside("length", float64(v.Len()))
	}
	return nil
}

func (r *rule) outside(what string, n float64) []string {
	switch {
	case r.max != nil && n > *r.max:
		return []string{"Member must have " + what + " less than or equal to " + number(*r.max)}
	case r.min != nil && n < *r.min:
		return []string{"Member must have " + what + " greater than or equal to " + number(*r.min)}
	}
	return nil
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// maxShown bounds how much of a refused value is repeated to the client, in
// bytes.
const maxShown = 2048

// show quotes a value. Structs and lists of them are left out.
func show(k kind, v reflect.Value) string {
	var s string
	switch {
	case k == kindString || k == kindEnum:
		s = v.String()
	case k == kindInt:
		s = strconv.FormatInt(v.Int(), 10)
	case k == kindFloat:
		s = number(v.Float())
	case k == kindList && v.Type().Elem().Kind() == reflect.String:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = v.Index(i).String()
		}
		s = "[" + strings.Join(items, ", ") + "]"
	case k == kindList && v.Len() == 0:
		s = "[]"
	default:
		return ""
	}
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "..."
	}
	return "'" + s + "'"
}
