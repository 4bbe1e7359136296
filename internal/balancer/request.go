package balancer

import (
	"crypto/tls"
	"io"
	"net/netip"
	"strings"

	"flyball/internal/balancer/http1"
)

// A request is what a client asks for, whichever version of HTTP it speaks.
type request struct {
	method  string
	target  string // path and query as they were sent
	host    string
	major   int // version of HTTP: 1 or 2
	fields  []http1.Field
	body    body  // nil when there is none
	length  int64 // of the body; http1.Chunked when it is not known
	upgrade string
	flaw    http1.Flaw
	client  netip.AddrPort
	tls     *tls.ConnectionState
	parts   parts
}

// webSocket is the change of protocol that is passed on. Others are not: a target that
// changed to HTTP/2, say, would see requests that no rule has seen.
func webSocket(upgrade string) string {
	if strings.EqualFold(upgrade, "websocket") {
		return upgrade
	}
	return ""
}

// A body is the body of a request on its way to a target.
type body interface {
	io.Reader
	// Waits says whether the next Read may have to wait.
	Waits() bool
	// stop ends a Read that waits; the client's connection is of no more use.
	stop()
}

// path is the target up to its query.
func (q *request) path() string {
	q.split()
	return q.parts.path
}

func (q *request) query() string {
	q.split()
	return q.parts.query
}

// name is the host in lower case, without the port.
func (q *request) name() string {
	if q.parts.host != q.host {
		q.parts.host, q.parts.name = q.host, strings.ToLower(withoutPort(q.host))
	}
	return q.parts.name
}

func (q *request) split() {
	if q.parts.target != q.target {
		q.parts.target = q.target
		q.parts.path, q.parts.query, _ = strings.Cut(q.target, "?")
	}
}

// parts are what many rules look at, and what they were made from.
type parts struct {
	target, path, query string
	host, name          string
}

// originForm takes the host out of a target that has one: it is what counts
// (RFC 9112, section 3.2.2).
func (q *request) originForm() {
	if q.target[0] == '/' || q.target == "*" {
		return
	}
	_, rest, _ := strings.Cut(q.target, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	q.host, q.target = rest[:end], rest[end:]
	if !strings.HasPrefix(q.target, "/") {
		q.target = "/" + q.target
	}
}
