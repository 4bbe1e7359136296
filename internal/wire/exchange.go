package wire

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"flyball/internal/endpoint"
	"flyball/internal/flow"
	"flyball/internal/principal"
)

// An exchange is one request and what is known about it so far.
type exchange struct {
	h     *handler
	w     http.ResponseWriter
	r     *http.Request
	start time.Time
	id    string
	proto protocol
	caller
	service *service
	op      *operation
	name    string // of the operation, as asked for

	body    *bytes.Buffer // of the request, until it is decoded; goes back to the pool
	memory  flow.Share    // of what the request takes
	reply   flow.Share    // of what the answer takes
	finding flow.Share    // of what calls take that are carried out, until they are answered
	taken   int64         // by lists and maps of the input, in bytes
	stream  io.ReadCloser // is sent in place of the answer's body, if set

	status int               // of an answer that is no error, where it is not 200
	header map[string]string // of the answer, as far as its members are there

	sent    sync.Once // the answer is
	outcome *fault    // that was sent
}

// answer is the body of the answer. A panic is logged with its stack, and answered.
func (x *exchange) answer() (body *bytes.Buffer, f *fault) {
	defer func() {
		if p := recover(); p != nil {
			x.h.Log.Error("call panicked", "operation", x.name, "request", x.id, "panic", p, "stack", string(debug.Stack()))
			f = internalFailure()
			body = x.written(func(b []byte) []byte { return x.proto.appendFault(b, x, f) })
		}
	}()
	out, f := x.run()
	return x.written(func(b []byte) []byte {
		switch {
		case f != nil:
			x.dropStream()
			return x.proto.appendFault(b, x, f)
		case x.stream != nil:
			return nil
		}
		return x.proto.appendOutput(b, x, out)
	}), f
}

// written is a buffer with what is appended. It is taken when it is needed: a call may have waited
// for long, and an answer may wait for its client.
func (x *exchange) written(appended func([]byte) []byte) *bytes.Buffer {
	answer := x.room()
	b := appended(answer.AvailableBuffer())
	switch {
	case cap(b) > answer.Cap(): // it has outgrown the buffer, and need not be there twice
		*answer = *bytes.NewBuffer(b)
		return answer
	case answer.Cap() > max(smallKept, 2*len(b)):
		small := buffers.Get().(*bytes.Buffer)
		small.Write(b)
		keep(answer)
		return small
	}
	answer.Write(b)
	return answer
}

// room is a buffer for an answer. One that may be large has room for as much as the largest of its operation
// so far, up to what is kept: to grow to that costs several times as much.
func (x *exchange) room() *bytes.Buffer {
	if x.op == nil || x.op.largest.Load() <= smallKept {
		return buffers.Get().(*bytes.Buffer)
	}
	if kept := largeBuffer(0); kept != nil {
		return kept
	}
	return bytes.NewBuffer(make([]byte, 0, min(x.op.largest.Load(), maxKept)))
}

// run does everything up to the answer.
func (x *exchange) run() (out reflect.Value, f *fault) {
	if f := refuse(x.h.Hosts, x.r); f != nil {
		return out, f
	}
	if f := x.identify(); f != nil {
		return out, f
	}
	if f := x.proto.route(x); f != nil {
		return out, f
	}
	if f := x.inScope(); f != nil {
		return out, f
	}
	in, f := x.input()
	if f != nil {
		return out, f
	}
	x.dropBody()
	if x.check != nil {
		x.h.Log.Error("signature was not verified", "service", x.service.name, "operation", x.name, "request", x.id)
		return out, internalFailure()
	}
	return x.call(in)
}

// input decodes the input and checks it against the model.
func (x *exchange) input() (reflect.Value, *fault) {
	if err := x.service.prepare(x.op); err != nil {
		x.h.Log.Error("operation cannot be served", "service", x.service.name, "operation", x.name, "error", err)
		return reflect.Value{}, internalFailure()
	}
	r, f := x.proto.open(x)
	if f != nil {
		return reflect.Value{}, f
	}
	in := reflect.New(x.op.in)
	if x.op.inPlan.streams() {
		in.Elem().Field(x.op.inPlan.stream).Set(reflect.ValueOf(x.r.Body))
	}
	if r != nil {
		if err := x.decode(r, x.op.inPlan, in.Elem()); err != nil {
			return in, x.service.decodeFault(err)
		}
	}
	if b, ok := x.proto.(binder); ok {
		if err := b.bind(x, in.Elem()); err != nil {
			return in, x.service.decodeFault(err)
		}
	}
	if x.op.unchecked {
		return in, nil
	}
	if v := validate(x.op.inPlan, in.Elem()); v.count > 0 {
		return in, x.service.violation(v)
	}
	return in, nil
}

// call authorizes the call and runs the method on the value that the scope
// resolves to.
func (x *exchange) call(in reflect.Value) (out reflect.Value, f *fault) {
	ctx := x.r.Context()
	if x.principal != nil {
		ctx = principal.NewContext(ctx, *x.principal)
	}
	if x.service.endpoint {
		ctx = endpoint.NewContext(ctx, x.r, x.id)
	}
	if err := x.authorize(ctx, in.Interface()); err != nil {
		return out, x.failure(err)
	}
	api, err := x.service.resolve(ctx, x.scope)
	if err != nil {
		return out, x.failure(err)
	}
	if !x.expect(ctx) {
		return out, x.service.throttled()
	}
	if x.h.Waits != nil {
		ctx = x.h.Waits(ctx, x.answerBefore)
	}
	result := x.op.method.Call([]reflect.Value{reflect.ValueOf(api), reflect.ValueOf(ctx), in})
	if out = result[0].Elem(); !out.IsValid() {
		out = reflect.New(x.op.out).Elem()
	}
	x.stream = x.op.outPlan.streamOf(out)
	if err := x.settle(ctx); err != nil {
		return out, x.failure(err)
	}
	if err, failed := result[1].Interface().(error); failed && err != nil {
		return out, x.failure(err)
	}
	return out, nil
}

func (x *exchange) authorize(ctx context.Context, input any) error {
	if x.h.Authorize == nil {
		return nil
	}
	return x.h.Authorize(ctx, Call{
		Scope: x.scope, Principal: x.principal, Service: x.service.name, Operation: x.name,
		Protocol: x.proto.id(), RequestID: x.id, Input: input,
	})
}

// answerBefore answers a call that is still carried out. The connection takes no other: it is
// busy until the call has ended.
func (x *exchange) answerBefore(message string) {
	x.sent.Do(func() {
		x.outcome = x.service.unavailable(message)
		x.w.Header().Set("Connection", "close")
		_ = x.send(bytes.NewBuffer(x.proto.appendFault(nil, x, x.outcome)), x.outcome) // the client may be gone, too
		_ = http.NewResponseController(x.w).Flush()
	})
}

func (x *exchange) settle(ctx context.Context) error {
	if x.h.Settle == nil || x.op.stateless {
		return nil
	}
	return x.h.Settle(ctx, x.service.name)
}

// failure is the fault of a call that failed. What is not the client's
// fault is told to the log.
func (x *exchange) failure(err error) *fault {
	if x.h.Full != nil {
		if message, full := x.h.Full(err); full {
			return x.service.unavailable(message) // whoever looks after the disk has told the log
		}
	}
	f := x.service.fault(err)
	if f.status >= http.StatusInternalServerError {
		x.h.Log.Error("operation failed", "service", x.service.name, "operation", x.name, "request", x.id, "error", err)
	}
	return f
}

func (x *exchange) report(f *fault) {
	a := Answer{Operation: x.name, Protocol: x.proto.id(), Status: cmp.Or(x.status, http.StatusOK), RequestID: x.id, Duration: time.Since(x.start)}
	if x.op == nil {
		a.Operation = "" // what a client made up is not for metrics
	}
	if x.service != nil {
		a.Service = x.service.name
	}
	if f != nil {
		a.Status, a.Code = x.statusOf(f), f.code
	}
	if x.h.Observe != nil {
		x.h.Observe(a)
	}
	x.h.Log.Debug("call", "service", a.Service, "operation", x.name, "status", a.Status, "code", a.Code, "request", x.id, "took", a.Duration)
}

// send sends the answer, whose buffer is kept for others. It returns an error if an answer that streams
// broke off, or if the rest of the answer was given up.
func (x *exchange) send(answer *bytes.Buffer, f *fault) error {
	w := x.w
	h := w.Header()
	h.Set("X-Amzn-Requestid", x.id)
	x.proto.setHeader(h)
	if x.stream != nil {
		keep(answer)
		return x.sendStream(w)
	}
	for name, value := range x.header {
		h.Set(name, value)
	}
	status := cmp.Or(x.status, http.StatusOK)
	if f != nil {
		status = x.statusOf(f)
		h.Set("X-Amzn-Errortype", f.code)
		if p, ok := x.proto.(awsJSON); ok {
			h.Set("X-Amzn-Errortype", p.errorType(x, f)) // as in the body
		}
		if x.tellsQueryCode() {
			h.Set("X-Amzn-Query-Error", f.queryCode()+";"+f.side())
		}
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(answer.Len()))
	}
	w.WriteHeader(status)
	if err := x.reply.Send(x.r.Context(), w, answer.Bytes(), func() { keep(answer) }); errors.Is(err, flow.ErrGivenUp) {
		return err
	}
	return nil // if the client is gone there is nobody left to tell
}

// statusOf is the status of an error. Statuses other than 400 are of awsQuery's errors: where these
// are not told, AWS was seen to answer 400.
func (x *exchange) statusOf(f *fault) int {
	if x.proto.id() == AWSQuery || x.service == nil || !x.service.queryCompatible || x.tellsQueryCode() || f.status >= 500 {
		return f.status
	}
	if _, own := x.service.errorShapes()[f.code]; !own {
		return f.status
	}
	return http.StatusBadRequest
}

// tellsQueryCode reports whether an error tells its awsQuery code, too. Source: Smithy,
// "AWS query compatible": where the client is in query mode. SQS, whose clients spoke
// JSON before there was such a mode, always does.
func (x *exchange) tellsQueryCode() bool {
	return x.service != nil && x.service.queryCompatible &&
		(x.service.queryCodes || x.r.Header.Get("X-Amzn-Query-Mode") == "true")
}

// qualified is an error's code with the namespace of its service's model, or with that
// of the errors that are alike for all services.
func (x *exchange) qualified(code string) string {
	if x.service != nil {
		if _, own := x.service.errorShapes()[code]; own {
			return "com.amazonaws." + x.service.namespace + "#" + code
		}
	}
	if code == "ValidationException" {
		return "com.amazon.coral.validate#" + code
	}
	return "com.amazon.coral.service#" + code
}
