package wire

import (
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// The SDK's clients have the method set that services have.
func clientServices() []Service {
	return []Service{
		ECS(always((*ecs.Client)(nil))),
		CloudWatch(always((*cloudwatch.Client)(nil))),
		ApplicationAutoScaling(always((*applicationautoscaling.Client)(nil))),
	}
}

func TestEveryOperationOfTheSDKCanBeServed(t *testing.T) {
	for _, s := range clientServices() {
		sv, err := newService(s)
		if err != nil {
			t.Fatal(err)
		}
		for name, op := range sv.ops {
			if err := sv.prepare(op); err != nil {
				t.Errorf("%s.%s: %v", s.name, name, err)
			}
		}
		for name := range sv.loaded().Operations {
			if sv.ops[name] == nil {
				t.Errorf("%s: the SDK has no operation %s", s.name, name)
			}
		}
	}
}

// The SDK's schemas have the names on the wire, where a service's package has
// schemas.
func TestWireNamesAreThoseOfTheSchemas(t *testing.T) {
	for _, tt := range []struct {
		service  Service
		registry *smithy.TypeRegistry
	}{
		{ECS(always((*ecs.Client)(nil))), ecs.TypeRegistry},
		{CloudWatch(always((*cloudwatch.Client)(nil))), cloudwatch.TypeRegistry},
	} {
		sv, err := newService(tt.service)
		if err != nil {
			t.Fatal(err)
		}
		for id, entry := range tt.registry.Entries {
			p, err := sv.planOf(reflect.TypeOf(entry.New()).Elem(), "")
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			var got, want []string
			for _, f := range p.fields {
				got = append(got, f.name)
			}
			for name := range entry.Schema.Members() {
				want = append(want, name)
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: members %v, want %v", id, got, want)
			}
		}
	}
}

// The SDK's schemas also have the query codes and statuses of errors.
func TestErrorsAreThoseOfTheSchemas(t *testing.T) {
	sv, err := newService(CloudWatch(always((*cloudwatch.Client)(nil))))
	if err != nil {
		t.Fatal(err)
	}
	for id, entry := range cloudwatch.TypeRegistry.Entries {
		want := errorModel{Code: entry.Schema.ID().Name, Status: 400}
		if e, ok := smithy.SchemaTrait[*traits.HTTPError](entry.Schema); ok {
			want.Status = e.Code
		}
		if e, ok := smithy.SchemaTrait[*traits.AWSQueryError](entry.Schema); ok {
			want = errorModel{Code: e.ErrorCode, Status: e.StatusCode}
		}
		f := sv.fault(entry.New().(error))
		if got := (errorModel{Code: f.queryCode(), Status: f.status}); got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}
