package client

import (
	"cmp"
	"fmt"
	"net/url"

	"github.com/aws/smithy-go"
)

// An Unreachable server does not answer.
type Unreachable struct {
	Endpoint string // none is AWS
	Flag     string // that names another
	Err      error
}

// Error says how to have one that does.
func (e *Unreachable) Error() string {
	if e.Endpoint == "" {
		return fmt.Sprintf("AWS does not answer: %v; look whether there is such a region, and whether this machine's network lets calls out", e.Err)
	}
	return fmt.Sprintf("no server answers at %s: %v; start one with flyball serve, or name another with %s", e.Endpoint, e.Err, cmp.Or(e.Flag, "--endpoint"))
}

// Unwrap returns why.
func (e *Unreachable) Unwrap() error { return e.Err }

// A Foreign server is none of Flyball's.
type Foreign struct {
	Endpoint string
	Flag     string // that names another
}

// Error says which address to give.
func (e *Foreign) Error() string {
	return fmt.Sprintf("what answers at %s is no Flyball server, or one of another version; give %s the address that flyball serve has printed", e.Endpoint, cmp.Or(e.Flag, "--endpoint"))
}

// A Refused call is one that the server understood and did not carry out.
type Refused struct {
	Operation string // such as ECS DescribeServices
	Err       smithy.APIError
}

// Error is the server's message, with its code and the call.
func (e *Refused) Error() string {
	return fmt.Sprintf("%s (%s of %s)", e.Err.ErrorMessage(), e.Err.ErrorCode(), e.Operation)
}

// Unwrap returns the server's error.
func (e *Refused) Unwrap() error { return e.Err }

// CheckEndpoint refuses an endpoint that is no address of a server. None is AWS.
func (c *Config) CheckEndpoint() error {
	if c.Endpoint == "" {
		return nil
	}
	if at, err := url.Parse(c.Endpoint); err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("%q is not the URL of a server, such as http://127.0.0.1:4566", c.Endpoint)
	}
	return nil
}

// A Rejected request is one to the server's own paths that it answered with an error.
type Rejected struct {
	Status int // of HTTP
	Text   string
}

// Error is the server's text.
func (e *Rejected) Error() string { return e.Text }
