package wire

import (
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// DefaultMaxBody bounds a request body as sent, in bytes.
const DefaultMaxBody = 4 << 20

// Options say how a handler meets the outside. The zero Options are usable.
type Options struct {
	// Hosts are the names that a request may address the server by, besides
	// loopback names and addresses: "host.docker.internal", "172.17.0.1", or
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
	Service   string // as in credential scopes; empty if none was found
	Operation string // empty if none was found
	Protocol  Protocol
	Status    int           // HTTP status
	Code      string        // error code, empty on success
	Duration  time.Duration // from the request's headers to the answer
}

// A Scope is what a request's signature says about it. The signature itself is
// not verified here.
type Scope struct {
	AccessKey string
	Region    string
	Service   string
}

// NewHandler serves the services on every path. It returns an error when a
// service has no operations, or two services cannot be told apart.
func NewHandler(opts Options, services ...Service) (http.Handler, error) {
	return nil, errors.ErrUnsupported
}

// Guard passes on requests that address the server by one of its names and do
// not come from a foreign web page, and refuses others: a page in a browser
// must not drive the server, by its own name or by one that it made to resolve
// here. NewHandler guards itself; this is for the server's other paths.
func Guard(hosts []string, next http.Handler) http.Handler {
	return next
}
