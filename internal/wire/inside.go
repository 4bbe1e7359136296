package wire

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"

	"flyball/internal/principal"
)

// A Caller is whom a call from inside the server is made for: somebody who has been let in
// already, by other means than the call's signature.
type Caller struct {
	Scope     Scope
	Principal *principal.Principal // nil: an administrator, whose access key is not known
}

// An Inside makes calls of AWS's operations from inside the server, as they would be made with
// the caller's access key: the input is held against the model's constraints and the call against
// the caller's permissions, and what the answer tells of is on disk. Nothing is encoded.
type Inside struct {
	options    Options
	operations *Operations
}

// NewInside returns what makes calls of the operations of some services.
func NewInside(o Options, operations *Operations) *Inside {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Inside{o, operations}
}

// Call makes a call, with the operation's input of the SDK, and returns its output. The input
// belongs to the service from then on; the output must not be changed.
func (i *Inside) Call(ctx context.Context, c Caller, name, operation string, in any) (out any, err error) {
	s, op, err := i.operations.find(name, operation)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			i.options.Log.Error("call panicked", "operation", operation, "panic", p, "stack", string(debug.Stack()))
			out, err = nil, internalFailure().error()
		}
	}()
	value := reflect.ValueOf(in)
	if value.Type() != reflect.PointerTo(op.in) {
		return nil, fmt.Errorf("%s of %s takes a %v, not a %T", operation, name, op.in, in)
	}
	if v := validate(op.inPlan, value.Elem()); v.count > 0 && !op.unchecked {
		return nil, s.violation(v).error()
	}
	if c.Principal != nil {
		ctx = principal.NewContext(ctx, *c.Principal)
	}
	c.Scope.Service = s.name
	if err := i.authorize(ctx, c, s.name, operation, in); err != nil {
		return nil, err
	}
	return i.carryOut(ctx, c.Scope, s, op, value)
}

func (i *Inside) authorize(ctx context.Context, c Caller, service, operation string, in any) error {
	if i.options.Authorize == nil {
		return nil
	}
	return i.options.Authorize(ctx, Call{Scope: c.Scope, Principal: c.Principal, Service: service, Operation: operation, Input: in})
}

// carryOut runs the method, and waits for what its answer tells of.
func (i *Inside) carryOut(ctx context.Context, scope Scope, s *service, op *operation, in reflect.Value) (any, error) {
	api, err := s.resolve(ctx, scope)
	if err != nil {
		return nil, err
	}
	result := op.method.Call([]reflect.Value{reflect.ValueOf(api), reflect.ValueOf(ctx), in})
	out := result[0]
	if out.IsNil() {
		out = reflect.New(op.out)
	}
	if i.options.Settle != nil && !op.stateless {
		if err := i.options.Settle(ctx, s.name); err != nil {
			return nil, err
		}
	}
	if err, failed := result[1].Interface().(error); failed && err != nil {
		return nil, err
	}
	return out.Interface(), nil
}

type callerKey struct{}

// WithCaller returns a request that OwnPaths take for one of a caller, who has been let in
// already.
func WithCaller(r *http.Request, c Caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// callerOf is whom a request was let in for, if it was.
func callerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
