package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
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

// violations are the broken rules of an input: all are counted, and the first kept.
type violations struct {
	found []violation
	count int
}

type violation struct {
	path string
	brokenRule
}

// message is AWS's, or "" if there is nothing to say.
func (v violations) message() string {
	if v.count == 0 {
		return ""
	}
	s := ""
	if v.count > 1 {
		s = "s"
	}
	found := make([]string, len(v.found))
	for i, f := range v.found {
		found[i] = f.at(f.path)
	}
	return fmt.Sprintf("%d validation error%s detected: %s", v.count, s, strings.Join(found, "; "))
}

// validate checks an input against the constraints of AWS's model.
func validate(p *plan, v reflect.Value) violations {
	var c checker
	if p.checked {
		c.members(p, v)
	}
	return c.violations
}

// maxFound bounds the violations that a message spells out.
const maxFound = 50

type checker struct {
	violations
	// The path to the value under check, put together only for a violation.
	path []step
}

// A step is a member's name, or the number of a list's element, from 1.
type step struct {
	name string
	item int
}

func (c *checker) push(name string, item int) { c.path = append(c.path, step{name, item}) }
func (c *checker) pop()                       { c.path = c.path[:len(c.path)-1] }

func (c *checker) add(b brokenRule) {
	if c.count++; len(c.found) >= maxFound {
		return
	}
	names := make([]string, len(c.path))
	for i, s := range c.path {
		names[i] = s.name
		if s.item > 0 {
			names[i] = itemPath(s.item - 1)
		}
	}
	c.found = append(c.found, violation{strings.Join(names, "."), b})
}

func (c *checker) members(p *plan, v reflect.Value) {
	for i := range p.fields {
		f := &p.fields[i]
		if !f.required && !f.plan.checked {
			continue
		}
		fv := v.Field(f.index)
		set := isSet(f.plan, fv)
		if set && !f.plan.checked || !set && !f.required {
			continue
		}
		c.push(f.path, 0)
		if set {
			c.value(f.plan, fv)
		} else {
			c.add(brokenRule{"null", notNull})
		}
		c.pop()
	}
}

// value checks a value that is set.
func (c *checker) value(p *plan, v reflect.Value) {
	if p.pointer {
		v = v.Elem()
	}
	if p.rule != nil {
		if must := p.rule.broken(p.kind, v); must != nil {
			for _, m := range must {
				c.add(brokenRule{p.show(v), m})
			}
			return
		}
	}
	switch p.kind {
	case kindStruct:
		c.members(p, v)
	case kindList:
		c.list(p, v)
	case kindMap:
		c.dict(p, v)
	case kindUnion:
		c.union(p, v)
	}
}

func (c *checker) list(p *plan, v reflect.Value) {
	if !p.elem.checked {
		return
	}
	for i := range v.Len() {
		item := v.Index(i)
		if p.elem.pointer && item.IsNil() {
			continue
		}
		if !p.elem.isText() {
			c.push("", i+1)
			c.value(p.elem, item)
			c.pop()
			continue
		}
		// A list of strings is named whole.
		if must := p.elem.rule.brokenWithin(p.elem.kind, item); must != nil {
			c.add(brokenRule{p.show(v), "Member must satisfy constraint: [" + strings.Join(must, ", ") + "]"})
			return
		}
	}
}

func (p *plan) isText() bool {
	return !p.pointer && p.rule != nil && (p.kind == kindString || p.kind == kindEnum)
}

func (p *plan) isNumber() bool {
	return !p.pointer && p.rule != nil && (p.kind == kindInt || p.kind == kindFloat)
}

func (c *checker) dict(p *plan, v reflect.Value) {
	for it := v.MapRange(); it.Next(); {
		if p.key.rule != nil {
			if must := p.key.rule.brokenWithin(p.key.kind, it.Key()); must != nil {
				c.add(brokenRule{p.show(v), "Map keys must satisfy constraint: [" + strings.Join(must, ", ") + "]"})
				return
			}
		}
		if !p.elem.isText() && !p.elem.isNumber() {
			if p.elem.checked {
				c.push(it.Key().String()+".member", 0)
				c.value(p.elem, it.Value())
				c.pop()
			}
			continue
		}
		if must := p.elem.rule.brokenWithin(p.elem.kind, it.Value()); must != nil {
			c.add(brokenRule{p.show(v), "Map value must satisfy constraint: [" + strings.Join(must, ", ") + "]"})
			return
		}
	}
}

func (c *checker) union(p *plan, v reflect.Value) {
	if v.IsNil() {
		return // a null in a list or a map
	}
	box := v.Elem().Elem()
	for i := range p.arms {
		if a := &p.arms[i]; a.typ == box.Type() && a.plan.checked {
			c.push(lowerFirst(a.name), 0)
			c.value(a.plan, box.FieldByName("Value"))
			c.pop()
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
			must = append(must, r.like())
		}
		return must
	case kindBlob, kindList, kindFloats, kindMap:
		return r.outside("length", float64(v.Len()))
	}
	return nil
}

// brokenWithin is broken for the texts of a list, and for those and the numbers of a map. Of
// these AWS tells all that they must do where one does not do all of it.
func (r *rule) brokenWithin(k kind, v reflect.Value) (must []string) {
	if must = r.broken(k, v); must == nil {
		return nil
	}
	if (k == kindString || k == kindEnum) && !r.inEnum(v.String()) {
		return r.orNull(must)
	}
	must = nil
	what, limit := "length", number
	switch k {
	case kindInt:
		what = "value"
	case kindFloat:
		what, limit = "value", double
	}
	if r.max != nil {
		must = append(must, atMost(what, limit(*r.max)))
	}
	if r.min != nil {
		must = append(must, atLeast(what, limit(*r.min)))
	}
	if r.match != nil {
		must = append(must, r.like())
	}
	if what == "value" {
		must = append(must, notNull)
	}
	return r.orNull(must)
}

const notNull = "Member must not be null"

// orNull adds to what a value of a list must do that it must be there, where AWS says that.
func (r *rule) orNull(must []string) []string {
	if r.present {
		must = append(must, notNull)
	}
	return must
}

func (r *rule) outside(what string, n float64) []string {
	switch {
	case r.max != nil && n > *r.max:
		return []string{atMost(what, number(*r.max))}
	case r.min != nil && n < *r.min:
		return []string{atLeast(what, number(*r.min))}
	}
	return nil
}

func atMost(what, limit string) string {
	return "Member must have " + what + " less than or equal to " + limit
}

func atLeast(what, limit string) string {
	return "Member must have " + what + " greater than or equal to " + limit
}

func (r *rule) like() string { return "Member must satisfy regular expression pattern: " + r.pattern }

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// double is a number as AWS writes those of maps, with a fraction even when it is whole.
func double(f float64) string { return string(appendFloat(nil, f)) }

// maxShown bounds how much of a refused value is repeated to the client, in
// bytes.
const maxShown = 8192

// show quotes a value. Structs, lists and maps of them, and secrets are left out.
func (p *plan) show(v reflect.Value) string {
	s, shown := p.text(v)
	if !shown {
		return ""
	}
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "..."
	}
	return "'" + s + "'"
}

func (p *plan) text(v reflect.Value) (s string, shown bool) {
	switch {
	case p.secret:
		return "", false
	case p.kind == kindString || p.kind == kindEnum:
		return v.String(), true
	case p.kind == kindInt:
		return strconv.FormatInt(v.Int(), 10), true
	case p.kind == kindFloat:
		return number(v.Float()), true
	case p.kind == kindList && v.Type().Elem().Kind() == reflect.String:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = v.Index(i).String()
		}
		return "[" + strings.Join(items, ", ") + "]", true
	case p.kind == kindList && v.Len() == 0:
		return "[]", true
	case p.kind == kindMap:
		return p.entries(v)
	case p.kind == kindList && p.elem.shown != nil:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = p.elem.object(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]", true
	}
	return "", false
}

// object is a struct: Entry(source=shop, time=null). Members that the SDK does not have are null.
func (p *plan) object(v reflect.Value) string {
	members := make([]string, len(p.shown))
	for i, name := range p.shown {
		members[i] = name + "=null"
		for _, f := range p.fields {
			if fv := v.Field(f.index); f.path == name && isSet(f.plan, fv) {
				members[i] = name + "=" + f.plan.member(fv)
			}
		}
	}
	return p.typ.Name() + "(" + strings.Join(members, ", ") + ")"
}

// member is the value of a member that is set.
func (p *plan) member(v reflect.Value) string {
	if p.pointer {
		v = v.Elem()
	}
	if p.kind == kindTime {
		return v.Interface().(time.Time).UTC().Format(time.RFC3339)
	}
	s, _ := p.text(v)
	return s
}

// entries are those of a map of texts or numbers: {a=1.0, b=2.0}.
func (p *plan) entries(v reflect.Value) (s string, shown bool) {
	entries := make([]string, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		elem := it.Value()
		switch elem.Kind() {
		case reflect.String:
			s = elem.String()
		case reflect.Float64:
			s = double(elem.Float())
		case reflect.Int32, reflect.Int64:
			s = strconv.FormatInt(elem.Int(), 10)
		default:
			return "", false
		}
		entries = append(entries, it.Key().String()+"="+s)
	}
	slices.Sort(entries)
	return "{" + strings.Join(entries, ", ") + "}", true
}
