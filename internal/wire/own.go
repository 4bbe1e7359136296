package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/aws/smithy-go"

	"flyball/internal/principal"
	"flyball/internal/signature"
)

// maxOwnBody bounds the bodies of requests to a server's own paths, which only ask.
const maxOwnBody = 64 << 10

// OwnPaths are the paths of a server that are no AWS protocol. Their requests are let
// in as AWS calls are, by Host and Origin, by signature and by policy; refusals are
// text. Whoever is admitted with a key that is not known needs no signature.
type OwnPaths struct {
	options  Options
	service  string
	verifier signature.Verifier
}

// NewOwnPaths returns paths whose requests are signed for a service of the server's
// own. Account and Region of the options have to be set.
func NewOwnPaths(o Options, service string) *OwnPaths {
	return &OwnPaths{options: o, service: service}
}

// Operation serves the requests that are an operation of the service. The handler is
// told of the call, whose access key is empty if it is not signed.
func (o *OwnPaths) Operation(name string, next func(http.ResponseWriter, *http.Request, Call)) http.Handler {
	return Guard(o.options.Hosts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, err := o.admit(w, r, name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next(w, r, call)
	}))
}

// admit refuses what is not signed as it has to be, or not allowed.
func (o *OwnPaths) admit(w http.ResponseWriter, r *http.Request, operation string) (Call, error) {
	if c, ok := callerOf(r.Context()); ok {
		return o.admitted(w, r, c, operation)
	}
	c, err := o.options.identify(&o.verifier, r, true, o.options.wall())
	if err == nil && c.scope.AccessKey == "" {
		err = o.options.admit(r.Context(), false)
	}
	switch {
	case err != nil:
		return Call{}, err
	case c.principal != nil && c.scope.Service != o.service:
		return Call{}, signature.WrongService(o.service)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOwnBody))
	if err != nil {
		return Call{}, err
	}
	if err := c.verify(body); err != nil {
		return Call{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := Call{Scope: c.scope, Principal: c.principal, Service: o.service, Operation: operation, Input: &struct{}{}}
	return call, o.authorize(r, call)
}

// admitted judges the call of somebody who has been let in.
func (o *OwnPaths) admitted(w http.ResponseWriter, r *http.Request, c Caller, operation string) (Call, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxOwnBody)
	c.Scope.Service = o.service
	call := Call{Scope: c.Scope, Principal: c.Principal, Service: o.service, Operation: operation, Input: &struct{}{}}
	return call, o.authorize(r, call)
}

// authorize is the refusal of whoever decides, in its sentence alone.
func (o *OwnPaths) authorize(r *http.Request, call Call) error {
	if o.options.Authorize == nil {
		return nil
	}
	ctx := r.Context()
	if call.Principal != nil {
		ctx = principal.NewContext(ctx, *call.Principal)
	}
	err := o.options.Authorize(ctx, call)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return errors.New(api.ErrorMessage())
	}
	return err
}
