package wire

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"

	smithy "github.com/aws/smithy-go"
)

// Operations are those of services, which are called by name from inside the server: what
// a schedule calls that has a universal target. Their inputs are JSON in which members have
// the names of the SDK, whatever the protocols of the service, and blobs are texts.
type Operations struct {
	services map[string]*service
	handler  handler // decodes
}

// NewOperations returns the operations of services.
func NewOperations(services ...Service) (*Operations, error) {
	o := &Operations{services: map[string]*service{}}
	o.handler.decoders.New = func() any { return &decoder{strings: newInterner()} }
	for _, s := range services {
		sv, err := newService(s)
		if err != nil {
			return nil, err
		}
		sv.whole = true
		o.services[s.name] = sv
	}
	return o, nil
}

// Input is the input of an operation, a pointer to the SDK's struct, held against the
// model's constraints. An error is the service's.
func (o *Operations) Input(name, operation string, text []byte) (any, error) {
	s, op, err := o.find(name, operation)
	if err != nil {
		return nil, err
	}
	in := reflect.New(op.in)
	if err := o.handler.decode(s, plainBlobs{&jsonReader{data: text}}, op.inPlan, in.Elem()); err != nil {
		return nil, s.decodeFault(err).error()
	}
	if v := validate(op.inPlan, in.Elem()); v.count > 0 && !op.unchecked {
		return nil, s.violation(v).error()
	}
	return in.Interface(), nil
}

// Call calls an operation on the value that a scope resolves to.
func (o *Operations) Call(ctx context.Context, scope Scope, name, operation string, in any) (err error) {
	s, op, err := o.find(name, operation)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s of %s panicked: %v\n%s", operation, name, p, debug.Stack())
		}
	}()
	api, err := s.resolve(ctx, scope)
	if err != nil {
		return err
	}
	result := op.method.Call([]reflect.Value{reflect.ValueOf(api), reflect.ValueOf(ctx), reflect.ValueOf(in)})
	err, _ = result[1].Interface().(error)
	return err
}

// find finds an operation of a service by its name in credential scopes.
func (o *Operations) find(name, op string) (*service, *operation, error) {
	s := o.services[name]
	if s == nil {
		return nil, nil, unknownOperation(http.StatusNotFound, "The service "+name+" is not available in Flyball").error()
	}
	found := s.ops()[op]
	if found == nil {
		return nil, nil, unknownOperation(http.StatusNotFound, "The operation "+op+" is not available in Flyball").error()
	}
	return s, found, s.prepare(found)
}

// error is a fault as an error of an operation.
func (f *fault) error() error {
	return &smithy.GenericAPIError{Code: f.code, Message: f.message, Fault: smithy.FaultClient}
}

// plainBlobs are JSON whose blobs are not in base64.
type plainBlobs struct{ *jsonReader }

func (r plainBlobs) blob() ([]byte, error) {
	text, err := r.text()
	return append([]byte{}, text...), err
}

// sdkName names a member as the SDK does.
func sdkName(_ member, _ *smithy.Schema, goName string) string { return goName }
