// Package endpoint tells at which address of the server a call came in, so that what
// is answered can lead the same caller back.
package endpoint

import "context"

type key struct{}

// NewContext returns a context of a call that came in at an address.
func NewContext(ctx context.Context, host string, secure bool) context.Context {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	return context.WithValue(ctx, key{}, scheme+host)
}

// FromContext is the URL at which a call came in, such as http://127.0.0.1:4566. For
// calls from inside the server it is otherwise.
func FromContext(ctx context.Context, otherwise string) string {
	if url, ok := ctx.Value(key{}).(string); ok {
		return url
	}
	return otherwise
}
