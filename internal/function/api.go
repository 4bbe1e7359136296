package function

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// MaxPayload is the size of an event or a response, in bytes: Lambda's 6 MB, and what it
// leaves for the frame around it.
const MaxPayload = 6<<20 + 100

// The headers of the Runtime API.
const (
	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerARN           = "Lambda-Runtime-Invoked-Function-Arn"
	headerTraceID       = "Lambda-Runtime-Trace-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerCognito       = "Lambda-Runtime-Cognito-Identity"
	headerMode          = "Lambda-Runtime-Function-Response-Mode"
	headerErrorType     = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody     = "Lambda-Runtime-Function-Error-Body"
)

type environmentKey struct{}

// newAPI returns a server of the Runtime API. Each listener that it serves is one
// environment's.
func newAPI() *http.Server {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*environment, http.ResponseWriter, *http.Request){
		"GET /2018-06-01/runtime/invocation/next":           (*environment).serveNext,
		"POST /2018-06-01/runtime/invocation/{id}/response": (*environment).serveResponse,
		"POST /2018-06-01/runtime/invocation/{id}/error":    (*environment).serveError,
		"POST /2018-06-01/runtime/init/error":               (*environment).serveInitError,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			handle(r.Context().Value(environmentKey{}).(*environment), w, r)
		})
	}
	for _, prefix := range []string{"/2020-01-01/", "/2020-08-15/", "/2022-07-01/"} {
		mux.HandleFunc(prefix, func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusForbidden, "Extension.NotSupported", "Flyball runs no extensions, and has neither their API nor those of logs and telemetry")
		})
	}
	return &http.Server{
		Handler: mux,
		BaseContext: func(l net.Listener) context.Context {
			return context.WithValue(context.Background(), environmentKey{}, l.(*gate).environment)
		},
	}
}

// refuse answers a request with an error in the form of the Runtime API.
func refuse(w http.ResponseWriter, status int, kind, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": fmt.Sprintf(format, args...)})
}

func refuseTransition(w http.ResponseWriter, from, to state) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition", "State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to)
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

// serveNext answers with the next invocation, when there is one.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	if from, ok := e.ask(); !ok {
		refuseTransition(w, from, waiting)
		return
	}
	select {
	case v := <-e.calls:
		e.give(w, v)
	case <-r.Context().Done():
	case <-e.ended:
	}
}

// give hands an invocation to the environment.
func (e *environment) give(w http.ResponseWriter, v *invocation) {
	e.take(v)
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set(headerRequestID, v.call.RequestID)
	header.Set(headerDeadline, strconv.FormatInt(v.deadline.UnixMilli(), 10))
	header.Set(headerARN, v.call.ARN)
	for name, value := range map[string]string{
		headerTraceID: v.call.TraceID, headerClientContext: v.call.ClientContext, headerCognito: v.call.CognitoIdentity,
	} {
		if value != "" {
			header.Set(name, value)
		}
	}
	header.Set("Content-Length", strconv.Itoa(len(v.call.Payload)))
	_, _ = w.Write(v.call.Payload) // the end of the environment tells if it is not there any more
	v.call.Payload = nil           // an idle environment remembers its last invocation
}

// serveResponse takes an answer.
func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	if !e.admits(w, r, answered) {
		return
	}
	if mode := r.Header.Get(headerMode); mode != "" && mode != "streaming" {
		e.answer(nil, &failure{kind: invalidMode, payload: []byte{}})
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		e.answer(nil, tooLarge())
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (%d bytes).", MaxPayload)
	case err != nil:
		e.answer(nil, &failure{kind: truncatedResponse, message: "Response payload is truncated"})
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	default:
		e.answer(body, brokenOff(r.Trailer))
		accept(w)
	}
}

// brokenOff is the failure that a function tells of in the trailers of a response that it
// has begun to stream.
func brokenOff(trailer http.Header) *failure {
	kind := trailer.Get(headerErrorType)
	if kind == "" {
		return nil
	}
	return &failure{kind: kind, payload: trailerBody(trailer)}
}

// serveError takes a function's own failure.
func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	if !e.admits(w, r, answered) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if errors.As(err, new(*http.MaxBytesError)) {
		e.answer(nil, tooLarge())
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (%d bytes).", MaxPayload)
		return
	}
	e.answer(nil, &failure{kind: errorType(r), payload: nonNil(body)})
	accept(w)
}

// serveInitError takes the reason why an environment could not be started.
func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload)) // what there is of it tells the reason
	if from, ok := e.fail(&failure{kind: errorType(r), payload: nonNil(body)}); !ok {
		refuseTransition(w, from, failed)
		return
	}
	accept(w)
}

// errorType is the kind of failure that a runtime names.
func errorType(r *http.Request) string {
	if kind := r.Header.Get(headerErrorType); kind != "" {
		return kind
	}
	return unknownError
}

// trailerBody is the failure in the trailers of a response, which is base64 there.
func trailerBody(trailer http.Header) []byte {
	text := trailer.Get(headerErrorBody)
	if body, err := base64.StdEncoding.DecodeString(text); err == nil {
		return body
	}
	return []byte(text)
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
