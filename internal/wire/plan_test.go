package wire

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	smithy "github.com/aws/smithy-go"
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
		for name, op := range sv.ops() {
			if err := sv.prepare(op); err != nil {
				t.Errorf("%s.%s: %v", s.name, name, err)
			}
		}
		for id, p := range sv.inputs.plans {
			if p.kind == kindUnion && len(p.arms) == 0 {
				t.Errorf("%s: no type is listed for the union %v", s.name, id.typ)
			}
		}
		for name := range sv.model().Operations {
			if sv.ops()[name] == nil {
				t.Errorf("%s: the SDK has no operation %s", s.name, name)
			}
		}
	}
}

// Errors go out with the members that their schemas have.
func TestEveryErrorOfTheSDKCanBeAnswered(t *testing.T) {
	for _, s := range clientServices() {
		sv, err := newService(s)
		if err != nil {
			t.Fatal(err)
		}
		for id, entry := range s.errors.Entries {
			p, err := sv.answerPlan(reflect.TypeOf(entry.New()).Elem())
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			var got []string
			for _, f := range p.fields {
				got = append(got, f.name)
			}
			if want := slices.Sorted(maps.Keys(entry.Schema.Members())); !slices.Equal(got, want) {
				t.Errorf("%s: members %v, want %v", id, got, want)
			}
		}
	}
}

func TestErrorsHaveTheCodesAndStatusesOfTheModel(t *testing.T) {
	for _, tt := range []struct {
		service Service
		err     error
		want    errorShape
	}{
		{CloudWatch(always((*cloudwatch.Client)(nil))), &cwtypes.InvalidFormatFault{}, errorShape{"InvalidFormatFault", "InvalidFormat", 400}},
		{CloudWatch(always((*cloudwatch.Client)(nil))), &cwtypes.DashboardNotFoundError{}, errorShape{"DashboardNotFoundError", "ResourceNotFound", 404}},
		{CloudWatch(always((*cloudwatch.Client)(nil))), &cwtypes.InternalServiceFault{}, errorShape{"InternalServiceFault", "InternalServiceError", 500}},
		{CloudWatch(always((*cloudwatch.Client)(nil))), &smithy.GenericAPIError{Code: "ValidationError"}, errorShape{"ValidationException", "ValidationError", 400}},
		{CloudWatch(always((*cloudwatch.Client)(nil))), &smithy.GenericAPIError{Code: "ResourceNotFound"}, errorShape{"ResourceNotFound", "ResourceNotFound", 404}},
		{CloudWatch(always((*cloudwatch.Client)(nil))), &smithy.GenericAPIError{Code: "Throttling"}, errorShape{"Throttling", "Throttling", 400}},
		{ApplicationAutoScaling(always((*applicationautoscaling.Client)(nil))), &astypes.ObjectNotFoundException{}, errorShape{"ObjectNotFoundException", "ObjectNotFoundException", 400}},
		{ApplicationAutoScaling(always((*applicationautoscaling.Client)(nil))), &astypes.InternalServiceException{}, errorShape{"InternalServiceException", "InternalServiceException", 500}},
		// The model says 403, ECS was seen to answer 400.
		{ECS(always((*ecs.Client)(nil))), &ecstypes.AccessDeniedException{}, errorShape{"AccessDeniedException", "AccessDeniedException", 400}},
		{ECS(always((*ecs.Client)(nil))), &ecstypes.ServerException{}, errorShape{"ServerException", "ServerException", 500}},
	} {
		sv, err := newService(tt.service)
		if err != nil {
			t.Fatal(err)
		}
		f := sv.fault(tt.err)
		if got := (errorShape{f.code, f.queryCode(), f.status}); got != tt.want {
			t.Errorf("%s: %T: %+v, want %+v", tt.service.name, tt.err, got, tt.want)
		}
	}
}
