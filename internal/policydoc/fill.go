package policydoc

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// A form is how a format writes the SDK's types.
type form struct {
	// Known refuses members and values that a type does not have. Answers of the API may have
	// newer ones.
	Known bool
	// Text takes numbers and truth values that are written as text, and the other way round, as
	// CloudFormation does.
	Text bool
	// Unknown are stand-ins for values, and why those are not known. Only text that makes no
	// difference can be one.
	Unknown map[*yaml.Node]error
}

var (
	timeType = reflect.TypeFor[time.Time]()
	nodeType = reflect.TypeFor[*yaml.Node]()
)

// fill reads a value into what a pointer points at.
func (f form) fill(n *yaml.Node, to any) error { return f.set(n, reflect.ValueOf(to).Elem()) }

func (f form) set(n *yaml.Node, to reflect.Value) error {
	if isNull(n) {
		if f.Known && !f.Text {
			return wrong(n, "there is nothing here: write a value, or remove the member")
		}
		return nil
	}
	if why := f.Unknown[n]; why != nil && matters(to.Type()) {
		return why
	}
	switch {
	case to.Type() == timeType:
		return f.time(n, to)
	case to.Type() == nodeType:
		to.Set(reflect.ValueOf(n))
		return nil
	case to.Kind() == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return f.set(n, to.Elem())
	case to.Kind() == reflect.Struct:
		return f.members(n, to)
	case to.Kind() == reflect.Slice:
		return f.list(n, to)
	case to.Kind() == reflect.Map:
		return f.mapping(n, to)
	case to.Kind() == reflect.Interface:
		return nil // a union, of which no simulation knows
	}
	return f.scalar(n, to)
}

// matters is whether a value of a type has to be known: a number, a truth value, a word out of some.
func matters(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return false
	case reflect.String:
		return len(enumeration(t)) > 0
	}
	return true
}

func (f form) members(n *yaml.Node, to reflect.Value) error {
	names := memberNames(to.Type())
	if n.Kind != yaml.MappingNode {
		return wrong(n, "there is %s, and there should be a mapping with members such as %s", kindOf(n), strings.Join(names[:min(3, len(names))], ", "))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		at := slices.Index(names, name.Value)
		if at < 0 && f.Known {
			return unknown(name, names)
		}
		if at < 0 {
			continue
		}
		field := fields(to.Type())[at]
		err := f.set(value, to.FieldByIndex(field.Index))
		if err == nil {
			err = inside(value, field)
		}
		if err != nil {
			return within(err, name.Value)
		}
	}
	return nil
}

// inside refuses a number that is outside of what its member is tagged with.
func inside(n *yaml.Node, field reflect.StructField) error {
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil {
		return nil
	}
	if least, err := strconv.ParseFloat(field.Tag.Get("least"), 64); err == nil && v < least {
		return wrong(n, "%s is less than %v", n.Value, least)
	}
	if more, err := strconv.ParseFloat(field.Tag.Get("more"), 64); err == nil && v <= more {
		return wrong(n, "%s is not more than %v", n.Value, more)
	}
	return nil
}

func (f form) list(n *yaml.Node, to reflect.Value) error {
	if n.Kind != yaml.SequenceNode {
		return wrong(n, "there is %s, and there should be a list", kindOf(n))
	}
	all := reflect.MakeSlice(to.Type(), len(n.Content), len(n.Content))
	for i, one := range n.Content {
		if err := f.set(one, all.Index(i)); err != nil {
			return err
		}
	}
	to.Set(all)
	return nil
}

func (f form) mapping(n *yaml.Node, to reflect.Value) error {
	if n.Kind != yaml.MappingNode || to.Type().Key().Kind() != reflect.String {
		return wrong(n, "there is %s, and there should be a mapping", kindOf(n))
	}
	all := reflect.MakeMap(to.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := reflect.New(to.Type().Elem()).Elem()
		if err := f.set(n.Content[i+1], value); err != nil {
			return within(err, n.Content[i].Value)
		}
		all.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(to.Type().Key()), value)
	}
	to.Set(all)
	return nil
}

func (f form) time(n *yaml.Node, to reflect.Value) error {
	at, ok := momentOf(n)
	if !ok && f.Known {
		return wrong(n, "%s is no time: write one such as 2026-11-26T14:05:00Z", kindOf(n))
	}
	to.Set(reflect.ValueOf(at))
	return nil
}

func (f form) scalar(n *yaml.Node, to reflect.Value) error {
	if n.Kind != yaml.ScalarNode {
		return wrong(n, "there is %s, and there should be %s", kindOf(n), expected(to.Kind()))
	}
	text := n.Tag == "!!str"
	switch to.Kind() {
	case reflect.String:
		_, number := to.Interface().(interface{ number() })
		number = number && (n.Tag == "!!int" || n.Tag == "!!float")
		if !text && !f.Text && !number {
			return wrong(n, "there is %s, and there should be text: put it into quotes", kindOf(n))
		}
		if words := enumeration(to.Type()); f.Known && len(words) > 0 && !slices.Contains(words, n.Value) {
			return unknown(n, words)
		}
		to.SetString(n.Value)
		return nil
	case reflect.Bool:
		if v, err := strconv.ParseBool(n.Value); err == nil && (n.Tag == "!!bool" || f.Text && text) {
			to.SetBool(v)
			return nil
		}
	case reflect.Float64:
		v, err := strconv.ParseFloat(n.Value, 64)
		if err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) && (!text || f.Text) {
			to.SetFloat(v)
			return nil
		}
	case reflect.Int32, reflect.Int64, reflect.Int:
		v, err := strconv.ParseFloat(n.Value, 64)
		if err == nil && v == math.Trunc(v) && math.Abs(v) < 1e15 && !to.OverflowInt(int64(v)) && (!text || f.Text) {
			to.SetInt(int64(v))
			return nil
		}
	}
	return wrong(n, "there is %s, and there should be %s", kindOf(n), expected(to.Kind()))
}

// expected names what a scalar should be.
func expected(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// enumeration are the words of one of the SDK's enumerations, or nothing.
func enumeration(t reflect.Type) []string {
	values := reflect.Zero(t).MethodByName("Values")
	if !values.IsValid() {
		return nil
	}
	var words []string
	for all, i := values.Call(nil)[0], 0; i < all.Len(); i++ {
		words = append(words, all.Index(i).String())
	}
	return words
}

// fields are the members of a type.
func fields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return !f.IsExported() || f.Anonymous })
}

// memberNames are what a document calls the members of a type: what they are tagged with, or
// their own names.
func memberNames(t reflect.Type) []string {
	var names []string
	for _, f := range fields(t) {
		names = append(names, memberName(f))
	}
	return names
}

func memberName(f reflect.StructField) string { return cmp.Or(f.Tag.Get("yaml"), f.Name) }

// momentOf reads a time as clients print it: as seconds since 1970, or with a zone with or
// without a colon.
func momentOf(n *yaml.Node) (time.Time, bool) {
	if n.Tag == "!!int" || n.Tag == "!!float" {
		seconds, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || !(math.Abs(seconds) < 1e12) {
			return time.Time{}, false
		}
		return time.UnixMilli(int64(seconds * 1000)).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05.999999-07:00"} {
		if at, err := time.Parse(layout, n.Value); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
