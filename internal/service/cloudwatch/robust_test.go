package cloudwatch_test

import (
	"context"
	"reflect"
	"testing"
	"time"
)

// Callers in this process do not go through the checks of the wire: whatever is
// missing in a request, it must get an answer.
func TestNothingPanicsOnHollowRequests(t *testing.T) {
	run(t, func(t *testing.T, s *service) {
		s.putAlarm(alarmOn("a"))
		api := reflect.ValueOf(s.API)
		called := 0
		for i := range api.NumMethod() {
			method := api.Method(i)
			if method.Type().NumIn() != 3 || method.Type().In(0) != reflect.TypeFor[context.Context]() {
				continue
			}
			called++
			for depth := range 5 {
				in := reflect.New(method.Type().In(1).Elem())
				fill(in.Elem(), depth)
				method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
			}
		}
		if called != 23 {
			t.Errorf("%d operations, want 23", called)
		}
		s.until("17:00:00")
	})
}

// fill gives pointers something to point at and lists an element, some levels
// deep, all of them empty.
func fill(v reflect.Value, depth int) {
	if depth == 0 || v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth-1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth-1)
	}
}
