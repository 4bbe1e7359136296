package ecs

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"
)

// operations calls f with every operation of the API and the type of its input.
func operations(api *API, f func(name string, call reflect.Value, input reflect.Type)) {
	v := reflect.ValueOf(api)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		if method.Type.NumIn() == 4 && strings.HasSuffix(method.Type.In(2).String(), "Input") {
			f(method.Name, v.Method(i), method.Type.In(2).Elem())
		}
	}
}

// fill makes a value of which every member is there: pointers to zero values or
// to given texts, lists of one item.
func fill(v reflect.Value, text string, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text, depth-1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text, depth)
			}
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), text, depth-1)
		}
	case reflect.String:
		v.SetString(text)
	}
}

// Whatever is given, an operation answers or refuses with an error that has a
// code; it never panics, and a refused call changes nothing.
func TestOddInputIsAnsweredOrRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		count := 0
		operations(w.api, func(name string, call reflect.Value, input reflect.Type) {
			count++
			for _, text := range []string{"", "prod", "web", "web:1", "arn:aws:ecs:us-east-1:123456789012:service/prod/web", "arn:", "\x00/é"} {
				for depth := range 6 {
					in := reflect.New(input)
					fill(in.Elem(), text, depth)
					w.try(fmt.Sprintf("%s(%q to depth %d)", name, text, depth), call, in)
				}
			}
		})
		if count < 40 {
			t.Errorf("%d operations", count)
		}
		w.pass(time.Minute)
	})
}

func (w *world) try(what string, call, in reflect.Value) {
	w.Helper()
	defer func() {
		if p := recover(); p != nil {
			w.Errorf("%s: panic: %v", what, p)
		}
	}()
	before, _ := w.api.DescribeServices(context.Background(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web"}})
	out := call.Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
	err, _ := out[1].Interface().(error)
	if err == nil {
		return
	}
	if _, ok := err.(smithy.APIError); !ok {
		w.Errorf("%s: %v is not an API error", what, err)
	}
	after, _ := w.api.DescribeServices(context.Background(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web"}})
	if before != nil && after != nil && len(before.Services) == 1 && string(marshal(before.Services[0].Deployments)) != string(marshal(after.Services[0].Deployments)) {
		w.Errorf("%s: refused with %v, and yet the service has changed", what, err)
	}
}
