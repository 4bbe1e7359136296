// Package endpoint tells what a service may want to know of the request that a call came
// in by: at which address of the server, so that what is answered can lead the same
// caller back, as part of which trace, and which identifier it is answered with.
package endpoint

import (
	"context"
	"net/http"
)

type key struct{}

// A request is what is kept of one.
type request struct{ url, trace, id string }

// NewContext returns a context of a call that came in by a request, which is answered with
// an identifier.
func NewContext(ctx context.Context, r *http.Request, id string) context.Context {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return context.WithValue(ctx, key{}, request{scheme + r.Host, r.Header.Get("X-Amzn-Trace-Id"), id})
}

// URL is that at which a call came in, such as http://127.0.0.1:4566. For calls from
// inside the server it is otherwise.
func URL(ctx context.Context, otherwise string) string {
	if r, ok := ctx.Value(key{}).(request); ok {
		return r.url
	}
	return otherwise
}

// Trace is the trace that a call is part of, as AWS X-Ray writes it; empty if it is of
// none.
func Trace(ctx context.Context) string {
	r, _ := ctx.Value(key{}).(request)
	return r.trace
}

// RequestID is the identifier that a call is answered with; empty for calls from inside
// the server.
func RequestID(ctx context.Context) string {
	r, _ := ctx.Value(key{}).(request)
	return r.id
}
