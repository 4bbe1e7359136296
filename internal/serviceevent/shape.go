package serviceevent

import (
	"reflect"
	"strings"
	"time"
)

// shown is a structure of the SDK as events write it: members that are set, with the names of the API,
// whose first letters are small, and times as text.
func shown(v any) map[string]any { return members(reflect.ValueOf(v)) }

func members(v reflect.Value) map[string]any {
	all := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || unset(v.Field(i)) {
			continue
		}
		all[strings.ToLower(f.Name[:1])+f.Name[1:]] = value(v.Field(i))
	}
	return all
}

// unset tells members that a response would not have.
func unset(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func value(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return value(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return timeOf(t)
		}
		return members(v)
	case reflect.Slice:
		all := make([]any, v.Len())
		for i := range all {
			all[i] = value(v.Index(i))
		}
		return all
	}
	return v.Interface()
}
