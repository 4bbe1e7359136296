package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	smithy "github.com/aws/smithy-go"

	"flyball/internal/damage"
)

// A fault is an error as a protocol can write it.
type fault struct {
	code    string // the name of the error's shape
	query   string // its awsQuery code; empty if it is the same
	status  int
	message string
	bare    bool // in awsQuery its code is all that is said

	// Members of a typed error besides its message, or nil.
	plan  *plan
	value reflect.Value
}

func (f *fault) queryCode() string {
	if f.query != "" {
		return f.query
	}
	return f.code
}

// side says whose fault it is, in the words of awsQuery.
func (f *fault) side() string {
	if f.status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func forbidden(message string) *fault {
	return &fault{code: "AccessDeniedException", query: "AccessDenied", status: http.StatusForbidden, message: message}
}

func tooLarge(limit int64) *fault {
	return &fault{
		code: "RequestEntityTooLargeException", query: "RequestEntityTooLarge", status: http.StatusRequestEntityTooLarge,
		message: fmt.Sprintf("The request body is larger than %d bytes", limit),
	}
}

func malformed(message string) *fault {
	return &fault{code: "SerializationException", query: "MalformedInput", status: http.StatusBadRequest, message: message}
}

func internalFailure() *fault {
	return &fault{
		code: "InternalFailure", status: http.StatusInternalServerError,
		message: "The request processing has failed because of an unknown error, exception or failure.",
	}
}

func unknownOperation(status int, message string) *fault {
	return &fault{code: "UnknownOperationException", query: "InvalidAction", status: status, message: message}
}

// decodeFault is the fault of a body that could not be decoded into an input.
func (s *service) decodeFault(err error) *fault {
	path := ""
	if d, ok := errors.AsType[*decodeError](err); ok {
		path, err = d.path, d.err
	}
	if broken, ok := errors.AsType[brokenRule](err); ok {
		return s.violation(violations{[]violation{{path, broken}}, 1})
	}
	if errors.Is(err, errTooLarge) || errors.Is(err, errParams) {
		return &fault{code: "RequestEntityTooLargeException", query: "RequestEntityTooLarge", status: http.StatusRequestEntityTooLarge, message: err.Error()}
	}
	if errors.Is(err, errBusy) {
		return s.throttled()
	}
	if s != nil && s.refusal != nil {
		if f := s.refusal(path, err); f != nil {
			return f
		}
	}
	message := err.Error()
	if path != "" {
		message = fmt.Sprintf("%s (at '%s')", message, path)
	}
	return malformed(message)
}

// ecrRefusal says what is wrong with an input in the words of ECR.
func ecrRefusal(path string, err error) *fault {
	if broken, ok := errors.AsType[brokenRule](err); ok {
		message := fmt.Sprintf("Invalid parameter at '%s' failed to satisfy constraint: '%s'", path, broken.must)
		return &fault{code: "InvalidParameterException", status: http.StatusBadRequest, message: message}
	}
	return malformed(fmt.Sprintf("%v (at '%s')", err, path))
}

// violation is the fault of an input that breaks the model's constraints.
func (s *service) violation(v violations) *fault {
	if s.refusal != nil {
		if f := s.refusal(v.found[0].path, v.found[0].brokenRule); f != nil {
			return f
		}
	}
	f := &fault{code: s.invalid, status: http.StatusBadRequest, message: v.message()}
	s.applyShape(f)
	return f
}

// fault turns an error of a service's method into what the client sees. Errors
// without an AWS code are an InternalFailure, and told to the log alone.
func (s *service) fault(err error) *fault {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return &fault{code: "RequestTimeoutException", query: "RequestTimeout", status: http.StatusRequestTimeout, message: "The request was cancelled"}
		}
		f := internalFailure()
		if wrong, ok := errors.AsType[*damage.Error](err); ok {
			f.message = wrong.Error()
		}
		return f
	}
	code := api.ErrorCode()
	f := &fault{code: code, status: http.StatusBadRequest, message: api.ErrorMessage()}
	if api.ErrorFault() == smithy.FaultServer {
		f.status = http.StatusInternalServerError
	}
	if known, ok := statuses[code]; ok {
		f.status = known
	}
	s.applyShape(f)
	if common, ok := accessErrors[code]; ok {
		f.status = http.StatusBadRequest // also where the model of ECS says 403
		if s.speaks(AWSQuery) || s.speaks(EC2Query) {
			f.query, f.status = common, http.StatusForbidden
		}
		if s.speaks(RESTJSON) {
			f.status = http.StatusForbidden
		}
	}
	if _, generic := api.(*smithy.GenericAPIError); !generic {
		s.addMembers(f, api)
	}
	return f
}

// unavailableShapes are the errors of AWS's models with which a service says that it cannot
// do its part, in the order of what fits best.
var unavailableShapes = []string{
	"ServiceUnavailableException", "InternalServiceException", "InternalServerException", "InternalException",
	"InternalServiceFault", "ServerException", "ServiceException", "ServiceFailureException",
}

// unavailable is the fault of a call that the service cannot carry out now: the one of its
// model, or else the one that all services have.
func (s *service) unavailable(message string) *fault {
	f := &fault{code: "ServiceUnavailable", status: http.StatusServiceUnavailable, message: message}
	for _, name := range unavailableShapes {
		if _, ok := s.errorShapes()[name]; ok {
			f.code = name
			break
		}
	}
	s.applyShape(f)
	f.status = max(f.status, http.StatusInternalServerError)
	return f
}

// statuses are those of AWS's common errors that are not 400 or 500.
var statuses = map[string]int{
	"DryRunOperation":                http.StatusPreconditionFailed,
	"RequestEntityTooLargeException": http.StatusRequestEntityTooLarge,
	"ServiceUnavailable":             http.StatusServiceUnavailable,
	"ServiceUnavailableException":    http.StatusServiceUnavailable,
}

// applyShape gives an error the name, the query code and the status that AWS's
// model has for its code, which may be the name or the query code.
func (s *service) applyShape(f *fault) {
	if e, ok := s.errorShapes()[f.code]; ok {
		f.code, f.query, f.status = e.name, e.query, e.status
	} else if query, ok := s.codes[f.code]; ok {
		f.query = query
	}
}

// addMembers finds the struct of a typed error, whose members go out with it.
func (s *service) addMembers(f *fault, api smithy.APIError) {
	v := reflect.ValueOf(api)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return
	}
	if p, err := s.answerPlan(v.Elem().Type()); err == nil {
		f.plan, f.value = p, v.Elem()
	}
}

// writeTypedFault writes an error as an object that names its own type.
func writeTypedFault(w writer, typ string, f *fault) {
	w.openObject()
	w.member("__type")
	w.text(typ)
	name := f.messageName()
	if f.code == "SerializationException" {
		name = "Message"
	}
	f.writeMessage(w, name)
	f.writeOtherMembers(w)
	w.closeObject()
}

// writeMessage writes the message, if there is one: some errors of AWS have none.
func (f *fault) writeMessage(w writer, member string) {
	if f.message != "" {
		w.member(member)
		w.text(f.message)
	}
}

// messageName is how the error's type spells its message.
func (f *fault) messageName() string {
	if f.plan != nil {
		for _, m := range f.plan.fields {
			if isMessage(m.name) {
				return m.name
			}
		}
	}
	return "message"
}

func isMessage(member string) bool { return member == "message" || member == "Message" }

// writeOtherMembers writes the members of a typed error besides its message.
func (f *fault) writeOtherMembers(w writer) {
	if f.plan == nil {
		return
	}
	for i := range f.plan.fields {
		m := &f.plan.fields[i]
		if v := f.value.Field(m.index); m.in == inBody && !isMessage(m.name) && isSet(m.plan, v) {
			w.member(m.name)
			write(w, m.plan, v)
		}
	}
}
