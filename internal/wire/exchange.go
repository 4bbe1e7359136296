package wire

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"time"
)

// An exchange is one request and what is known about it so far.
type exchange struct {
	h       *handler
	r       *http.Request
	start   time.Time
	id      string
	proto   protocol
	scope   Scope
	service *service
	op      *operation
	name    string // of the operation, as asked for

	body *bytes.Buffer // goes back to the pool at the end
}

// answer appends the body of the answer to b. A panic is logged with its stack,
// and answered.
func (x *exchange) answer(b []byte) (body []byte, f *fault) {
	defer func() {
		if p := recover(); p != nil {
			x.h.Log.Error("call panicked", "operation", x.name, "request", x.id, "panic", p, "stack", string(debug.Stack()))
			f = internalFailure()
			body = x.proto.appendFault(b, x, f)
		}
	}()
	out, f := x.run()
	if f != nil {
		return x.proto.appendFault(b, x, f), f
	}
	return x.proto.appendOutput(b, x, out), nil
}

// run does everything up to the answer: guard, route, decode, validate, call.
func (x *exchange) run() (out reflect.Value, f *fault) {
	if f := refuse(x.h.Hosts, x.r); f != nil {
		return out, f
	}
	if x.scope, f = authorize(x.r); f != nil {
		return out, f
	}
	if f := x.proto.route(x); f != nil {
		return out, f
	}
	in, f := x.input()
	if f != nil {
		return out, f
	}
	return x.call(in)
}

// readBody reads the body, bounded as the service wants it once it is known.
func (x *exchange) readBody() (f *fault) {
	limit := int64(DefaultMaxBody)
	if x.service != nil {
		limit = x.service.maxBody()
	}
	x.body, f = readBody(x.r, limit)
	return f
}

// input decodes the input and checks it against the model.
func (x *exchange) input() (reflect.Value, *fault) {
	if err := x.service.prepare(x.op); err != nil {
		x.h.Log.Error("operation cannot be served", "service", x.service.Name, "operation", x.name, "error", err)
		return reflect.Value{}, internalFailure()
	}
	r, f := x.proto.open(x)
	if f != nil {
		return reflect.Value{}, f
	}
	in := reflect.New(x.op.in)
	if r != nil {
		if err := x.h.decode(r, x.op.inPlan, in.Elem()); err != nil {
			return in, x.service.decodeFault(err)
		}
	}
	if slices.Contains(x.service.Unchecked, x.op.name) {
		return in, nil
	}
	if message := validate(x.op.inPlan, in.Elem()); message != "" {
		return in, x.service.invalid(message)
	}
	return in, nil
}

// call runs the method.
func (x *exchange) call(in reflect.Value) (out reflect.Value, f *fault) {
	ctx := context.WithValue(x.r.Context(), scopeKey{}, x.scope)
	result := x.op.method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, failed := result[1].Interface().(error); failed && err != nil {
		f := x.service.fault(err)
		if f.status >= http.StatusInternalServerError {
			x.h.Log.Error("operation failed", "service", x.service.Name, "operation", x.name, "request", x.id, "error", err)
		}
		return out, f
	}
	if result[0].IsNil() {
		return reflect.New(x.op.out).Elem(), nil
	}
	return result[0].Elem(), nil
}

type scopeKey struct{}

// ScopeFrom returns the scope of the request that an operation was called for.
// It is not ok when the operation was called in-process.
func ScopeFrom(ctx context.Context) (s Scope, ok bool) {
	s, ok = ctx.Value(scopeKey{}).(Scope)
	return s, ok
}

func (x *exchange) report(f *fault) {
	c := Call{Operation: x.name, Protocol: x.proto.id(), Status: http.StatusOK, RequestID: x.id, Duration: time.Since(x.start)}
	if x.op == nil {
		c.Operation = "" // what a client made up is not for metrics
	}
	if x.service != nil {
		c.Service = x.service.Name
	}
	if f != nil {
		c.Status, c.Code = f.status, f.code
	}
	if x.h.Observe != nil {
		x.h.Observe(c)
	}
	x.h.Log.Debug("call", "service", c.Service, "operation", x.name, "status", c.Status, "code", c.Code, "request", x.id, "took", c.Duration)
}

func (x *exchange) send(w http.ResponseWriter, body []byte, f *fault) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", x.id)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.proto.setHeader(h)
	status := http.StatusOK
	if f != nil {
		status = f.status
		h.Set("X-Amzn-Errortype", f.code)
		if x.service != nil && x.service.QueryCompatible {
			h.Set("X-Amzn-Query-Error", f.queryCode()+";"+f.side())
		}
	}
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}

// qualified is an error's code with the namespace of its service's model.
func (x *exchange) qualified(code string) string {
	if x.service == nil {
		return code
	}
	return "com.amazonaws." + x.service.Namespace + "#" + code
}
