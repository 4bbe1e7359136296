package wire

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// DefaultMaxBody bounds a request body as sent, in bytes.
const DefaultMaxBody = 4 << 20

// Options say how a handler meets the outside. The zero Options are usable.
type Options struct {
	// Hosts are the names that a request may address the server by, besides
	// localhost and loopback addresses: "host.docker.internal", "172.17.0.1", or
	// "*.localhost" for every name under localhost. Ports do not matter.
	Hosts []string
	// Log gets panics and internal errors, and each call at debug level. Nil
	// means slog.Default().
	Log *slog.Logger
	// Observe, when set, is told of each call after it was answered.
	Observe func(Call)
}

// A Call is one answered request.
type Call struct {
	Service   string   // as in credential scopes; empty if none was found
	Operation string   // empty if none was found
	Protocol  Protocol // what it was answered in
	Status    int      // of HTTP
	Code      string   // error code, empty on success
	RequestID string
	Duration  time.Duration // from the request's headers to the answer
}

// A handler serves several services.
type handler struct {
	Options
	services []*service
	decoders sync.Pool
}

// NewHandler serves the services on every path. It returns an error when a
// service has no operations, or when two services cannot be told apart.
//
// The handler bounds bodies and what is in them; the header's size is bounded
// by http.Server.
func NewHandler(opts Options, services ...Service) (http.Handler, error) {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	h := &handler{Options: opts}
	h.decoders.New = func() any { return &decoder{strings: newInterner()} }
	for _, s := range services {
		for _, other := range h.services {
			if s.Name == other.Name || s.Target == other.Target {
				return nil, fmt.Errorf("wire: services %s and %s cannot be told apart", other.Name, s.Name)
			}
		}
		sv, err := newService(s)
		if err != nil {
			return nil, err
		}
		h.services = append(h.services, sv)
	}
	return h, nil
}

// An exchange is one request and what is known about it so far.
type exchange struct {
	h       *handler
	r       *http.Request
	start   time.Time
	id      string
	proto   Protocol
	scope   Scope
	service *service
	op      *operation
	name    string // of the operation, as asked for

	body   *bytes.Buffer // goes back to the pool at the end
	params params        // of awsQuery
}

// ServeHTTP answers one call of an AWS client.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{h: h, r: r, start: time.Now(), id: uuid.NewString(), proto: guessProtocol(r)}
	answer := buffers.Get().(*bytes.Buffer)
	b, f := x.answer(answer.AvailableBuffer())
	answer.Write(b)
	x.send(w, answer.Bytes(), f)
	keep(answer)
	if x.body != nil {
		keep(x.body)
	}
	x.report(f)
}

// answer appends the body of the answer to b. A panic is logged with its stack,
// and answered.
func (x *exchange) answer(b []byte) (body []byte, f *fault) {
	defer func() {
		if p := recover(); p != nil {
			x.h.Log.Error("call panicked", "operation", x.name, "request", x.id, "panic", p, "stack", string(debug.Stack()))
			f = internalFailure()
			body = x.appendFault(b, f)
		}
	}()
	out, f := x.run()
	if f != nil {
		return x.appendFault(b, f), f
	}
	return x.appendOutput(b, out), nil
}

// run does everything up to the answer: guard, route, decode, validate, call.
func (x *exchange) run() (out reflect.Value, f *fault) {
	if f := refuse(x.h.Hosts, x.r); f != nil {
		return out, f
	}
	if x.scope, f = authorize(x.r); f != nil {
		return out, f
	}
	if f := x.route(); f != nil {
		return out, f
	}
	in, f := x.input()
	if f != nil {
		return out, f
	}
	return x.call(in)
}

// input decodes the body and checks it against the model.
func (x *exchange) input() (reflect.Value, *fault) {
	if err := x.service.prepare(x.op); err != nil {
		x.h.Log.Error("operation cannot be served", "service", x.service.Name, "operation", x.name, "error", err)
		return reflect.Value{}, internalFailure()
	}
	var r reader
	if x.proto == AWSQuery {
		r = &queryReader{now: &x.params.root}
	} else {
		var f *fault
		if x.body, f = readBody(x.r, x.service.maxBody()); f != nil {
			return reflect.Value{}, f
		}
		r = x.bodyReader()
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

// bodyReader returns nil for an empty body, which stands for an empty struct.
func (x *exchange) bodyReader() reader {
	switch b := x.body.Bytes(); {
	case len(b) == 0:
		return nil
	case x.proto == RPCv2CBOR:
		return &cborReader{data: b}
	default:
		return &jsonReader{data: b}
	}
}

func (h *handler) decode(r reader, p *plan, v reflect.Value) error {
	d := h.decoders.Get().(*decoder)
	defer h.decoders.Put(d)
	*d = decoder{r: r, strings: d.strings, scratch: d.scratch, memory: maxMemory}
	err := d.structure(p, v)
	d.r = nil
	if err != nil {
		return err
	}
	if whole, ok := r.(interface{ end() bool }); ok && !whole.end() {
		return errTrailingData
	}
	return nil
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
	c := Call{Operation: x.name, Protocol: x.proto, Status: http.StatusOK, RequestID: x.id, Duration: time.Since(x.start)}
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
