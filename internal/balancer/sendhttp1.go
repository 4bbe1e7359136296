package balancer

import (
	"errors"
	"io"
	"os"
)

// sendHTTP1 passes the request on over a connection to the target, and reads the head
// of the response. A connection that the target had closed while it was idle is no
// error of the request's: another one is taken if the request was not sent or may be
// sent twice.
func (x *exchange) sendHTTP1(r *roster, t *target) (answer, error) {
	short, err := x.shortBody()
	if err != nil {
		return nil, err
	}
	if short != nil {
		defer buffers.Put(short.buffer)
	}
	for {
		c := t.take(!x.idempotent())
		if c == nil {
			if c, err = connect(r, t, x.plan.idle); err != nil {
				return nil, err
			}
		}
		err := c.send(x, short)
		if err == nil {
			return c, nil
		}
		stale := c.reused && (x.body == nil || short != nil) &&
			(errors.Is(err, errUnsent) || errors.Is(err, errUnanswered) && x.idempotent())
		c.done()
		if !stale {
			return nil, asFailure(err)
		}
	}
}

// Connections that ended before anything of the request was sent, or before anything
// of a response came.
var (
	errUnsent     = errors.New("the target had closed the connection")
	errUnanswered = errors.New("the target closed the connection without a response")
)

// idempotent says whether the request does the same when it is done twice
// (RFC 9110, section 9.2.2).
func (x *exchange) idempotent() bool {
	switch x.method {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

// asFailure is what is told of an error on a connection that has a request.
func asFailure(err error) error {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &failure{status: 504, err: err}
	default:
		return &failure{status: 502, err: err}
	}
}

// A shortBody is a request's body that is read before a target is asked.
type shortBody struct {
	buffer *[]byte
	bytes  []byte
}

// shortBody reads a body that is known to be short. Nil is one that is not, or none.
func (x *exchange) shortBody() (*shortBody, error) {
	if x.body == nil || x.length < 0 || x.length > 16<<10 {
		return nil, nil
	}
	s := &shortBody{buffer: buffers.Get().(*[]byte)}
	s.bytes = (*s.buffer)[:x.length]
	if _, err := io.ReadFull(x.body, s.bytes); err != nil {
		buffers.Put(s.buffer)
		return nil, clientFailure(err)
	}
	return s, nil
}

// clientFailure is a body that the client did not send whole.
func clientFailure(err error) *failure {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &failure{status: 408, err: err}
	}
	return &failure{status: 400, err: err}
}
