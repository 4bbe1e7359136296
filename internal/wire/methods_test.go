package wire

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// A service may serve any operation of the SDK's clients. After an update of the
// SDK, `go generate` makes this true again.
func TestEveryOperationOfTheClientsIsFound(t *testing.T) {
	for _, client := range []any{&applicationautoscaling.Client{}, &cloudwatch.Client{}, &ecs.Client{}} {
		found := operations(reflect.TypeOf(client))
		typ := reflect.TypeOf(client)
		for i := range typ.NumMethod() {
			if name := typ.Method(i).Name; name != "Options" && found[name] == nil {
				t.Errorf("%v: %s is not found", typ, name)
			}
		}
	}
}
